package airspace

import (
	"slices"
	"testing"

	"onevoice/geo"
	"onevoice/problem"
)

// twoSectors has A and B side by side, and a flight that is in A from 600 s to 1,800 s and then in B until 3,000 s.
func twoSectors(t *testing.T, steps Steps) *world {
	w := &world{m: NewStepped(steps), logNs: startNs}
	w.entry(0)
	w.must(t, PutFlight{Flight: eastward("f", 47, 5, 11, startNs)})
	w.must(t, PutFlight{Flight: eastward("g", 47, 5, 11, startNs)})
	for i, id := range []string{"A", "B"} {
		west := int32(6 + 2*i)
		w.must(t, PutSector{Sector: sectorOf(id, square(deg(46), deg(west), deg(48), deg(west+2), 300, 400))})
		w.through(t)
	}
	return w
}

func (w *world) windowsOf(t *testing.T, flight string) (list []string) {
	t.Helper()
	f, _ := w.m.State().Flight(flight)
	for _, v := range f.Windows {
		list = append(list, v.Sector)
		list = append(list, instant(v.EnterMinNs)[14:19]+"-"+instant(v.LeaveMaxNs)[14:19])
	}
	return list
}

func TestCombineAndSplit(t *testing.T) {
	for name, steps := range map[string]Steps{"at once": DefaultSteps(), "staged": {Flights: 1, Windows: 1000, Work: MaxStepWork}} {
		w := twoSectors(t, steps)
		at := func(s int64) int64 { return startNs + s*second }
		res := w.must(t, CombineSectors{Into: "C", Parts: []string{"B", "A"}, FromNs: at(1200), ToNs: at(2400)})
		if res.Staged != (name == "staged") {
			t.Errorf("%s: %+v", name, res)
		}
		w.refuse(t, CombineSectors{Into: "D", Parts: []string{"A", "B"}, FromNs: at(2399), ToNs: at(2500)}, problem.Conflict)
		w.through(t)
		w.refuse(t, CombineSectors{Into: "D", Parts: []string{"A", "B"}, FromNs: at(2399), ToNs: at(2500)}, problem.Conflict)
		if got, want := w.windowsOf(t, "f"), []string{"A", "10:00-20:00", "C", "20:00-40:00", "B", "40:00-50:00"}; !slices.Equal(got, want) {
			t.Errorf("%s: windows %v, want %v", name, got, want)
		}
		open, err := w.m.State().OpenTimes("C", at(0), at(9999), 5)
		if want := []geo.Span{{FromNs: at(1200), ToNs: at(2400)}}; err != nil || !slices.Equal(open, want) {
			t.Errorf("%s: open %v, want %v", name, open, want)
		}
		w.must(t, SplitSector{ID: "C", AtNs: at(2100)})
		w.through(t)
		if got, want := w.windowsOf(t, "g"), []string{"A", "10:00-20:00", "C", "20:00-35:00", "B", "35:00-50:00"}; !slices.Equal(got, want) {
			t.Errorf("%s: windows %v, want %v", name, got, want)
		}
		w.refuse(t, SplitSector{ID: "C", AtNs: at(2100)}, problem.Refused)
		w.must(t, CombineSectors{Into: "C", Parts: []string{"A", "B"}, FromNs: at(2700), ToNs: Always().ToNs})
		w.through(t)
		w.must(t, SplitSector{ID: "C", AtNs: at(2600)})
		w.through(t)
		if got := w.windowsOf(t, "g"); len(got) != 6 {
			t.Errorf("%s: windows %v after what was to come was taken back", name, got)
		}
	}
}

func TestCombineRefusals(t *testing.T) {
	w := twoSectors(t, DefaultSteps())
	ask := func(into string, from, to int64, parts ...string) CombineSectors {
		return CombineSectors{Into: into, Parts: parts, FromNs: startNs + from, ToNs: startNs + to}
	}
	w.refuse(t, ask("C", 0, 1, "A"), problem.Invalid)
	w.refuse(t, ask("C", 0, 1, "A", "A"), problem.Invalid)
	w.refuse(t, ask("A", 0, 1, "A", "B"), problem.Invalid)
	w.refuse(t, ask("C", 1, 1, "A", "B"), problem.Invalid)
	w.refuse(t, ask("C", 0, 1, "A", "X"), problem.NotFound)
	w.refuse(t, SplitSector{ID: "C"}, problem.NotFound)
	w.refuse(t, SplitSector{ID: "A"}, problem.Refused)
	w.must(t, PutSector{Sector: wide("C")})
	w.refuse(t, ask("C", 0, 1, "A", "B"), problem.Refused)
	cmd := ask("D", 0, 1, "A", "B")
	w.refuse(t, Atomic{Commands: []Command{cmd}}, problem.Invalid)
	cmd.If = Precondition{Absent: true}
	w.must(t, cmd)
	w.refuse(t, cmd, problem.Conflict)
	for _, one := range []Command{cmd, SplitSector{ID: "D", AtNs: 5, If: Precondition{Match: &Version{1, 2}}}} {
		if back, err := Decode(Encode(one)); err != nil || !slices.Equal(Encode(back), Encode(one)) {
			t.Errorf("%T comes back as %+v, %v", one, back, err)
		}
	}
}
