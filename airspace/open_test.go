package airspace

import (
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"onevoice/geo"
	"onevoice/problem"
)

// grain is what all hours and dates of random sectors are multiples of, so that the naive model can go from one to the next.
const grain = 1800 * second

// isOpen is the definition of opening hours.
func isOpen(h *Hours, ns int64) bool {
	at := time.Unix(0, ns).UTC()
	minute, day := at.Hour()*60+at.Minute(), (int(at.Weekday())+6)%7
	open := len(h.Weekly) == 0 && !h.Shut
	for _, s := range h.Weekly {
		begins := func(day int) bool { return s.Days>>((day+7)%7)&1 == 1 }
		late := s.ToMin <= s.FromMin // it ends on the next day
		switch {
		case begins(day) && minute >= s.FromMin && (late || minute < s.ToMin), begins(day-1) && late && minute < s.ToMin:
			open = true
		}
	}
	for _, p := range h.Periods {
		open = open || p.Open && p.FromNs <= ns && ns < p.ToNs
	}
	return open && !slices.ContainsFunc(h.Periods, func(p Period) bool { return !p.Open && p.FromNs <= ns && ns < p.ToNs })
}

// naiveTimed goes through time grain by grain.
func (n *naive) naiveTimed(f *Flight, s *Sector) []geo.Window {
	var may, sure []geo.Span
	windows := map[uint64][]geo.Window{}
	for from := f.BeginNs() - f.BeginNs()%grain - grain; from < f.EndNs(); from += grain {
		if !isOpen(&s.Hours, from) {
			continue
		}
		var there []geo.Polygon
		set := uint64(0)
		for i, v := range s.Volumes {
			if len(s.Effective) == 0 || s.Effective[i].FromNs <= from && from < s.Effective[i].ToNs {
				there, set = append(there, v), set|1<<i
			}
		}
		if _, known := windows[set]; !known {
			windows[set] = n.visitsTo(f, there)
		}
		for _, w := range windows[set] {
			add(&may, max(w.EnterMinNs, from), min(w.LeaveMaxNs, from+grain))
			add(&sure, max(w.EnterMaxNs, from), min(w.LeaveMinNs, from+grain))
		}
	}
	var list []geo.Window
	for _, m := range may {
		w := geo.Window{EnterMinNs: m.FromNs, EnterMaxNs: m.ToNs, LeaveMinNs: m.FromNs, LeaveMaxNs: m.ToNs}
		for _, s := range sure {
			inside := s.FromNs >= m.FromNs && s.ToNs <= m.ToNs
			if inside && (!w.Sure() || s.ToNs-s.FromNs > w.LeaveMinNs-w.EnterMaxNs) {
				w.EnterMaxNs, w.LeaveMinNs = s.FromNs, s.ToNs
			}
		}
		list = append(list, w)
	}
	return list
}

// add appends a span that comes after those that there are, unless it is empty.
func add(list *[]geo.Span, from, to int64) {
	if from >= to {
		return
	}
	if n := len(*list); n > 0 && (*list)[n-1].ToNs == from {
		(*list)[n-1].ToNs = to
		return
	}
	*list = append(*list, geo.Span{FromNs: from, ToNs: to})
}

// hours are random hours around the time of the flights.
func (d *drawer) hours() Hours {
	var h Hours
	switch rapid.SampledFrom([]string{"", "", "", "weekly", "shut"}).Draw(d.t, "hours") {
	case "":
	case "weekly":
		for range rapid.IntRange(1, 3).Draw(d.t, "shifts") {
			s := Shift{Days: uint8(rapid.IntRange(1, 127).Draw(d.t, "days")), FromMin: 30 * rapid.IntRange(0, 47).Draw(d.t, "opens"), ToMin: 30 * rapid.IntRange(1, 48).Draw(d.t, "closes")}
			if s.FromMin != s.ToMin {
				h.Weekly = append(h.Weekly, s)
			}
		}
	case "shut":
		h.Shut = true
	}
	for range rapid.SampledFrom([]int{0, 0, 0, 1, 3}).Draw(d.t, "periods") {
		h.Periods = append(h.Periods, Period{Span: d.span(), Open: rapid.Bool().Draw(d.t, "opens")})
	}
	return h
}

func (d *drawer) span() geo.Span {
	s := geo.Span{FromNs: startNs + rapid.Int64Range(-4, 40).Draw(d.t, "from")*grain}
	s.ToNs = s.FromNs + rapid.Int64Range(1, 20).Draw(d.t, "length")*grain
	switch rapid.IntRange(0, 9).Draw(d.t, "endless") {
	case 0:
		s.FromNs = Always().FromNs
	case 1:
		s.ToNs = Always().ToNs
	}
	return s
}

// TestOpenTimes holds the times at which a sector is open against the definition, grain by grain.
func TestOpenTimes(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		d := &drawer{t: t}
		w := newWorld()
		s := wide("A")
		s.Hours = d.hours()
		if rapid.Bool().Draw(t, "dated") {
			s.Volumes = append(s.Volumes, s.Volumes[0])
			s.Effective = []geo.Span{d.span(), d.span()}
		}
		if res := w.do(PutSector{Sector: s}); res.Problem != nil {
			t.Fatal(res.Problem)
		}
		from := startNs + rapid.Int64Range(-700, 700).Draw(t, "asked")*grain
		to := from + rapid.Int64Range(1, 700).Draw(t, "for")*grain
		got, err := w.m.State().OpenTimes("A", from, to, MaxPage)
		if err != nil {
			t.Fatal(err)
		}
		var want []geo.Span
		for at := from; at < to; at += grain {
			there := len(s.Effective) == 0 || slices.ContainsFunc(s.Effective, func(e geo.Span) bool { return e.FromNs <= at && at < e.ToNs })
			if there && isOpen(&s.Hours, at) {
				add(&want, at, at+grain)
			}
		}
		if !slices.Equal(got, want) {
			t.Fatalf("%+v: open %v, want %v", s.Hours, got, want)
		}
	})
}

func TestClosedSectorHasNoWindows(t *testing.T) {
	w := newWorld()
	s := wide("A")
	s.Hours.Periods = []Period{{Span: geo.Span{FromNs: startNs + 900*second, ToNs: startNs + 1200*second}}}
	w.must(t, PutSector{Sector: s})
	res := w.must(t, PutFlight{Flight: eastward("f", 47, 5, 9, startNs)}) // inside from 600 s to 1,800 s
	at := func(from, to int64) SectorWindow {
		from, to = startNs+from*second, startNs+to*second
		return SectorWindow{"A", geo.Window{EnterMinNs: from, EnterMaxNs: from, LeaveMinNs: to, LeaveMaxNs: to}}
	}
	if want := []SectorWindow{at(600, 900), at(1200, 1800)}; !slices.Equal(res.Windows, want) {
		t.Errorf("windows %v, want %v", res.Windows, want)
	}
	s.Hours = Hours{Shut: true}
	if res := w.must(t, PutSector{Sector: s}); res.Rewindowed != 1 {
		t.Errorf("rewindowed %d", res.Rewindowed)
	}
	open, err := w.m.State().OpenTimes("A", everBefore, everAfter, 1)
	list, err2 := w.m.State().Who("A", everBefore, everAfter, Cursor{}, 1)
	if len(open) > 0 || err != nil || len(list) > 0 || err2 != nil {
		t.Errorf("shut: open %v, %v, and there are %v, %v", open, err, list, err2)
	}
}

// TestALongPlanInASectorThatIsAlwaysOpen has hours that open a sector day after day, for more days than a flight may have windows: it is one
// window without a gap. Where it is closed at night, the plan is refused, and not cut.
func TestALongPlanInASectorThatIsAlwaysOpen(t *testing.T) {
	const days = 3 * MaxFlightWindows
	for _, c := range []struct {
		toMin   int
		windows int
	}{{24 * 60, 1}, {23 * 60, 0}} {
		w := newWorld()
		sector := wide("A")
		sector.Hours = Hours{Weekly: []Shift{{Days: 0x7f, FromMin: 0, ToMin: c.toMin}}}
		w.must(t, PutSector{Sector: sector})
		long := eastward("long", 47, 6, 7, startNs)
		long.Path[1].AtNs = long.Path[0].AtNs + days*24*3600*second
		res := w.do(PutFlight{Flight: long})
		switch {
		case c.windows == 0 && (res.Problem == nil || res.Problem.Kind != problem.Refused):
			t.Errorf("with a window a day: %+v", res.Problem)
		case c.windows > 0 && (res.Problem != nil || len(res.Windows) != 1 || res.Windows[0].LeaveMaxNs != long.Path[1].AtNs):
			t.Errorf("without a gap: %+v, %+v", res.Problem, res.Windows)
		}
	}
}
