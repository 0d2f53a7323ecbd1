package airspace

import (
	"bytes"
	"slices"
	"testing"

	"onevoice/codec"
	"onevoice/geo"
	"onevoice/machine"
	"onevoice/problem"
)

const second = int64(1e9)

// startNs is the log time at which tests begin.
const startNs = 1_533_099_600 * second

// world drives a machine as a log would: an entry for each command.
type world struct {
	m      *Machine
	index  uint64
	logNs  int64
	events [][]byte
}

func newWorld() *world {
	w := &world{m: New(), logNs: startNs}
	w.entry(0)
	w.events = nil
	return w
}

func (w *world) emit(e []byte) { w.events = append(w.events, e) }

// entry applies commands in one entry, after some time.
func (w *world) entry(afterNs int64, cmds ...Command) []Result {
	w.index++
	w.logNs += afterNs
	at := machine.At{Group: 1, Index: w.index, LogTimeNs: w.logNs}
	w.m.Advance(at, w.emit)
	results := make([]Result, len(cmds))
	for i, cmd := range cmds {
		at.Sub = uint32(i)
		res, err := DecodeResult(w.m.Apply(at, Encode(cmd), w.emit))
		if err != nil {
			panic(err)
		}
		results[i] = res
	}
	return results
}

func (w *world) do(cmd Command) Result { return w.entry(second, cmd)[0] }

func (w *world) must(t testing.TB, cmd Command) Result {
	t.Helper()
	res := w.do(cmd)
	if res.Problem != nil {
		t.Fatalf("%T: %v", cmd, res.Problem)
	}
	return res
}

// refuse expects a problem of a kind, and that nothing changed and nothing was said.
func (w *world) refuse(t testing.TB, cmd Command, kind problem.Kind) Result {
	t.Helper()
	w.entry(second)
	before := chunksOf(w.m.State())
	said := len(w.events)
	at := machine.At{Index: w.index, LogTimeNs: w.logNs}
	res, err := DecodeResult(w.m.Apply(at, Encode(cmd), w.emit))
	if err != nil || res.Problem == nil || res.Problem.Kind != kind {
		t.Fatalf("%T: %+v, %v, want a problem of kind %v", cmd, res, err, kind)
	}
	if !slices.EqualFunc(before, chunksOf(w.m.state.copy()), bytes.Equal) {
		t.Fatalf("%T was refused and changed the state", cmd)
	}
	if len(w.events) != said {
		t.Fatalf("%T was refused and emitted events", cmd)
	}
	return res
}

func (w *world) takeEvents(t testing.TB) []Event {
	t.Helper()
	var list []Event
	for _, b := range w.events {
		e, err := DecodeEvent(b)
		if err != nil {
			t.Fatal(err)
		}
		list = append(list, e)
	}
	w.events = nil
	return list
}

func chunksOf(s *State) [][]byte {
	var all [][]byte
	for c := range s.Chunks() {
		all = append(all, bytes.Clone(c))
	}
	return all
}

// failer is a test, or a property's.
type failer interface {
	Helper()
	Fatal(...any)
}

func reload(t failer, chunks [][]byte) *Machine {
	t.Helper()
	m := New()
	for _, c := range chunks {
		if err := m.Load(c); err != nil {
			t.Fatal(err)
		}
	}
	if err := m.Loaded(); err != nil {
		t.Fatal(err)
	}
	return m
}

func deg(d int32) int32 { return d * 10_000_000 }

// square is a volume between flight levels.
func square(south, west, north, east int32, low, high int) geo.Polygon {
	return geo.Polygon{
		Rings: []geo.Ring{{{LatE7: south, LonE7: west}, {LatE7: south, LonE7: east}, {LatE7: north, LonE7: east}, {LatE7: north, LonE7: west}}},
		Band:  geo.Band{Floor: geo.FlightLevel(low), Ceiling: geo.FlightLevel(high)},
	}
}

func sectorOf(id string, volumes ...geo.Polygon) Sector { return Sector{ID: id, Volumes: volumes} }

// eastward is a flight along a parallel at FL350, a degree each ten minutes.
func eastward(id string, lat, west, east int32, beginNs int64) Flight {
	f := Flight{ID: id, Callsign: "TEST" + id}
	for lon := west; lon <= east; lon++ {
		f.Path = append(f.Path, geo.Point4D{
			Pos: geo.LatLon{LatE7: deg(lat), LonE7: deg(lon)}, Alt: geo.FlightLevel(350), AtNs: beginNs + int64(lon-west)*600*second,
		})
	}
	return f
}

// drone is a flight of two volumes, one after the other.
func drone() Flight {
	return Flight{ID: "d", Callsign: "DRONE", Volumes: []Volume4D{
		{Area: square(deg(47), deg(8), deg(47)+10_000, deg(8)+10_000, 0, 4), FromNs: startNs, ToNs: startNs + 600*second},
		{Area: square(deg(47), deg(8)+10_000, deg(47)+10_000, deg(8)+20_000, 0, 4), FromNs: startNs + 600*second, ToNs: startNs + 1200*second},
	}}
}

// droned is the command of a drone that something was done to.
func droned(change func(*Flight)) Command {
	f := drone()
	change(&f)
	return PutFlight{Flight: f}
}

// serviceAt is service time at a log time, by the settings of a state.
func serviceAt(s *State, logNs int64) int64 { return max(s.clock.nowNs, s.clock.at(logNs)) }

func encodeAnswer(a *Answer) []byte {
	var w codec.Writer
	appendAnswer(&w, a)
	return w.B
}
