package airspace

import (
	"fmt"
	"slices"

	"onevoice/codec"
	"onevoice/geo"
	"onevoice/problem"
)

// DefaultSeparation is what flights keep where no sector asks for another, until the rules are set: 5 NM or 1,000 ft.
func DefaultSeparation() geo.Separation {
	return geo.Separation{LateralCm: 926_000, VerticalCm: 30_480}
}

// need is a separation that a flight must keep in [fromNs, toNs), which is not the default.
type need struct {
	fromNs, toNs int64
	// own is the most that sectors with a separation of their own ask for; standard says that the default counts too, since the
	// flight may also be in a sector without one.
	own      geo.Separation
	standard bool
}

// needsOf gives the separations that a flight must keep: at an instant the most of what the sectors ask for that it may be in. They
// are in order, apart, and equal neighbours are joined; the default holds in between.
func (s *State) needsOf(f *FlightRecord) []need {
	var asking []need
	var cuts []int64
	for _, w := range f.Windows {
		n := need{fromNs: w.EnterMinNs, toNs: w.LeaveMaxNs}
		if of, _ := s.sectors.Get(w.Sector, s.asOf); of.Separation != (geo.Separation{}) {
			n.own = of.Separation
		} else {
			n.standard = true
		}
		asking = append(asking, n)
		cuts = append(cuts, n.fromNs, n.toNs)
	}
	if !slices.ContainsFunc(asking, func(n need) bool { return !n.standard }) {
		return nil
	}
	slices.Sort(cuts)
	var list []need
	for i := 1; i < len(cuts); i++ {
		list = join(list, together(asking, cuts[i-1], cuts[i]))
	}
	return list
}

// together gives what is asked for in a time in which nobody begins or ends to ask.
func together(asking []need, fromNs, toNs int64) need {
	n := need{fromNs: fromNs, toNs: toNs}
	for _, a := range asking {
		if a.fromNs <= fromNs && toNs <= a.toNs {
			n.own, n.standard = n.own.Most(a.own), n.standard || a.standard
		}
	}
	return n
}

// join appends a need, unless there is none but the default.
func join(list []need, n need) []need {
	if n.own == (geo.Separation{}) || n.fromNs == n.toNs {
		return list
	}
	if i := len(list) - 1; i >= 0 && list[i].toNs == n.fromNs && list[i].own == n.own && list[i].standard == n.standard {
		list[i].toNs = n.toNs
		return list
	}
	return append(list, n)
}

// needAt gives what a flight must keep from an instant on, and until when; needs that are over are left out of the rest.
func needAt(needs []need, ns int64, standard geo.Separation) (sep geo.Separation, untilNs int64, rest []need) {
	for len(needs) > 0 && needs[0].toNs <= ns {
		needs = needs[1:]
	}
	switch {
	case len(needs) == 0:
		return standard, everAfter, needs
	case needs[0].fromNs > ns:
		return standard, needs[0].fromNs, needs
	case needs[0].standard:
		return needs[0].own.Most(standard), needs[0].toNs, needs
	}
	return needs[0].own, needs[0].toNs, needs
}

// approach finds when two flights are too close: while they keep less than what either must.
func (s *State) approach(m *geo.Meeting, a, b *flight) (geo.Approach, bool) {
	m.Begin()
	if len(a.Path) == 0 || len(b.Path) == 0 {
		return geo.Approach{}, false // where in its volumes a flight is nobody knows
	}
	needA, needB := a.needs, b.needs
	// Times with the same separation are looked at as one, however the needs of the two are cut.
	begin, last := int64(everBefore), geo.Separation{}
	for from := begin; from < everAfter; {
		var sepA, sepB geo.Separation
		var untilA, untilB int64
		sepA, untilA, needA = needAt(needA, from, s.settings.Separation)
		sepB, untilB, needB = needAt(needB, from, s.settings.Separation)
		if sep := sepA.Most(sepB); sep != last {
			m.Add(a.Path, b.Path, begin, from, last, s.settings.CrossRefCm)
			begin, last = from, sep
		}
		from = min(untilA, untilB)
	}
	m.Add(a.Path, b.Path, begin, everAfter, last, s.settings.CrossRefCm)
	return m.Approach()
}

// separation checks one of a sector, which is whole or none, or the default.
func (c *checker) separation(sep geo.Separation) {
	c.geometry("", sep.Validate())
	if (sep.LateralCm == 0) != (sep.VerticalCm == 0) {
		c.fail(problem.Invalid, "separation", fmt.Sprintf("%d cm and %d cm", sep.LateralCm, sep.VerticalCm), "both distances, or neither")
	}
}

func appendSeparation(w *codec.Writer, s geo.Separation) {
	w.I32(s.LateralCm)
	w.I32(s.VerticalCm)
}

func readSeparation(r *codec.Reader) geo.Separation {
	return geo.Separation{LateralCm: r.I32(), VerticalCm: r.I32()}
}
