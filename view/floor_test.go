package view

import (
	"slices"
	"testing"

	"onevoice/codec"

	"pgregory.net/rapid"
)

// Floors say of every start what their view says, and come back as they were written.
func TestFloorsSayWhatTheViewSays(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var v View
		for server := range rapid.Uint64Range(0, 4).Draw(t, "servers") {
			v.Processes = append(v.Processes, Process{
				PID: PID{Server: server + 1}, Boot: rapid.Uint64Range(0, 3).Draw(t, "boot"), Standing: Standing(rapid.IntRange(int(Joining), int(Leaving)).Draw(t, "standing")),
			})
		}
		floors := v.Floors()
		for server := range uint64(6) {
			for boot := range uint64(5) {
				if by, of := Over(floors, server, boot), v.Over(server, boot); by != of {
					t.Fatalf("start %d of server %d is over: %v by the floors %v, %v by %+v", boot, server, by, floors, of, v.Processes)
				}
			}
		}
		var w codec.Writer
		AppendFloors(&w, floors)
		r := codec.NewReader(w.B)
		if again := ReadFloors(r); r.Finish() != nil || !slices.Equal(again, floors) {
			t.Fatalf("%v came back as %v", floors, again)
		}
	})
}

func TestWhatIsOver(t *testing.T) {
	v := View{Processes: []Process{{PID: PID{Server: 1}, Boot: 3, Standing: Up}, {PID: PID{Server: 2}, Boot: 3, Standing: Down}, {PID: PID{Server: 3}, Standing: Up}}}
	for _, c := range []struct {
		server, boot uint64
		over         bool
	}{{1, 2, true}, {1, 3, false}, {1, 4, false}, {2, 3, true}, {2, 4, false}, {2, 0, false}, {3, 1, false}, {9, 1, false}} {
		if got := v.Over(c.server, c.boot); got != c.over {
			t.Errorf("start %d of server %d: %v", c.boot, c.server, got)
		}
	}
}

// FuzzReadFloors: any bytes give floors in order, or an error.
func FuzzReadFloors(f *testing.F) {
	f.Add([]byte{0})
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0, 0, 0, 2})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := codec.NewReader(b)
		floors := ReadFloors(r)
		if r.Finish() != nil {
			return
		}
		last := uint64(0)
		for _, s := range floors {
			if s.Server <= last || s.Boot == 0 {
				t.Fatalf("%v", floors)
			}
			last = s.Server
		}
	})
}
