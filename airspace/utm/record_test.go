package utm

import (
	"bytes"
	"encoding/hex"
	"flag"
	"os"
	"reflect"
	"strings"
	"testing"

	"onevoice/codec"
	"onevoice/geo"
	"onevoice/problem"
)

var update = flag.Bool("update", false, "write the golden files")

func area() geo.Polygon {
	return geo.Polygon{
		Rings: []geo.Ring{{{LatE7: 10, LonE7: 10}, {LatE7: 10, LonE7: 900}, {LatE7: 900, LonE7: 900}}},
		Band:  geo.Band{Floor: geo.Altitude{Cm: 0, Ref: geo.RefWGS84}, Ceiling: geo.Altitude{Cm: 5000, Ref: geo.RefWGS84}},
	}
}

func someCommands() []Command {
	x := Extent{cellsAt(0, 3), 0, 5000, epochNs, epochNs + hour}
	return []Command{
		&Put{
			Kind: Intent, ID: idOf(1), Manager: "uss1", URL: "https://uss1", Extent: x, Volumes: []Volume{{area(), epochNs, epochNs + hour}}, Match: ovnOf(1), OVN: ovnOf(2) + ovnOf(3),
			State: Activated, Key: []OVN{ovnOf(4), ovnOf(5) + ovnOf(6)}, Implicit: &Implicit{idOf(2), ovnOf(7), "https://uss1", true}, MayOffNominal: true,
		},
		&Put{Kind: Subscription, ID: idOf(3), Manager: "uss2", URL: "https://uss2", Extent: x, OVN: ovnOf(8), NotifyIntents: true},
		&Put{Kind: Constraint, ID: idOf(4), Manager: "uss2", URL: "https://uss2", Extent: x, OVN: ovnOf(9)},
		&Delete{ISA, idOf(5), "uss1", ovnOf(10)},
		&SetAvailability{"uss1", Down, ovnOf(11), ovnOf(12)},
	}
}

func someResults() []Result {
	e := &Entity{Kind: Intent, ID: idOf(1), Manager: "uss1", URL: "https://uss1", Extent: Extent{[]uint64{}, 0, 5000, 1, 2}, OVN: ovnOf(1), Version: 3, State: Accepted, Subscription: idOf(2), Changed: Position{7, 1}}
	return []Result{
		{Entity: e, Notified: 2, Subscribers: []Subscriber{{idOf(2), "https://uss1", 4}}, MoreSubscribers: true},
		{Problem: &problem.Error{Kind: problem.Conflict, Op: "put intent"}, MissingIntents: []ID{idOf(3)}, MissingConstraints: []ID{idOf(4)}, MoreMissing: true},
		{USS: &USS{"uss1", Down, ovnOf(1)}},
	}
}

// lines are all formats of the room in bytes.
func lines(t *testing.T) string {
	var b strings.Builder
	line := func(what string, w codec.Writer) { b.WriteString(what + " " + hex.EncodeToString(w.B) + "\n") }
	m := New()
	m.Advance(Position{1, 0}, epochNs, quiet)
	for _, c := range someCommands() {
		var w codec.Writer
		AppendCommand(&w, c)
		line("command", w)
		if p, ok := c.(*Put); ok {
			create := *p
			create.Match, create.Key = "", p.Key
			if r := m.Apply(Position{2, 0}, &create, quiet); r.Problem != nil {
				t.Fatal(r.Problem)
			}
		}
	}
	if r := m.Apply(Position{2, 1}, &SetAvailability{"uss1", Down, "", ovnOf(12)}, quiet); r.Problem != nil {
		t.Fatal(r.Problem)
	}
	for _, r := range someResults() {
		var w codec.Writer
		r.Append(&w)
		line("result", w)
	}
	for _, rec := range save(m.Register()) {
		line("snapshot", codec.Writer{B: rec})
	}
	return b.String()
}

func TestGoldenBytes(t *testing.T) {
	got := lines(t)
	if *update {
		if err := os.WriteFile("testdata/bytes.txt", []byte(got), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile("testdata/bytes.txt")
	if err != nil || got != string(want) {
		t.Fatalf("the bytes changed (%v):\n%s", err, got)
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	for _, c := range someCommands() {
		var w codec.Writer
		AppendCommand(&w, c)
		r := codec.NewReader(w.B)
		if got := ReadCommand(r); r.Finish() != nil || !reflect.DeepEqual(got, c) {
			t.Errorf("%+v is read as %+v", c, got)
		}
		for i := range w.B {
			if r := codec.NewReader(w.B[:i]); ReadCommand(r) != nil {
				t.Errorf("the first %d bytes of %+v are read", i, c)
			}
		}
	}
	for _, s := range someResults() {
		var w codec.Writer
		s.Append(&w)
		r := codec.NewReader(w.B)
		if got := ReadResult(r); r.Finish() != nil || !reflect.DeepEqual(got, s) {
			t.Errorf("%+v is read as %+v", s, got)
		}
	}
}

func FuzzCommand(f *testing.F) {
	for _, c := range someCommands() {
		var w codec.Writer
		AppendCommand(&w, c)
		f.Add(w.B)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		r := codec.NewReader(b)
		c := ReadCommand(r)
		if r.Finish() != nil {
			return
		}
		var w codec.Writer
		AppendCommand(&w, c)
		if !bytes.Equal(w.B, b) {
			t.Fatal("a command has two forms")
		}
		m := New()
		m.Advance(Position{1, 0}, epochNs, quiet)
		first := m.Apply(Position{2, 0}, c, quiet)
		if first.Problem == nil && first.Entity != nil {
			m.Apply(Position{2, 1}, &Delete{first.Entity.Kind, first.Entity.ID, first.Entity.Manager, first.Entity.OVN}, quiet)
		}
		var out codec.Writer
		first.Append(&out)
		if r := codec.NewReader(out.B); ReadResult(r).Problem == nil && r.Finish() != nil {
			t.Fatal("a result is not read")
		}
	})
}

func FuzzSnapshot(f *testing.F) {
	m := New()
	m.Advance(Position{1, 0}, epochNs, quiet)
	for _, c := range someCommands()[1:3] {
		m.Apply(Position{2, 0}, c, quiet)
	}
	for _, b := range save(m.Register()) {
		f.Add(b)
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m := New()
		head := save(m.Register())[0]
		if err := m.Load(codec.NewReader(head)); err != nil {
			t.Fatal(err)
		}
		if m.Load(codec.NewReader(b)) == nil && !bytes.Equal(save(m.Register())[1], b) {
			t.Fatal("a record has two forms")
		}
	})
}
