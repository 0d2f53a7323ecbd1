package cluster

import (
	"fmt"
	"slices"

	"onevoice/airspace"
	"onevoice/geo"
	"onevoice/lab/judge"
	"onevoice/machine"
)

// judgeTruth holds what a server says of the airspace at the end against a machine that is made anew of the same sectors, flights and zones, in
// one go: whatever came in which order, and in how many steps, the windows and breaches are the same (S1).
func (r *run) judgeTruth() {
	for _, h := range r.hosts {
		if !h.party.Up() {
			continue
		}
		p, ok := h.node().Published(1)
		s, is := p.Root.(*airspace.State)
		if !ok || !is || p.Index != r.court.Last(1) {
			continue
		}
		if len(s.Stagings()) > 0 {
			r.facts["airspace: staged to the end"]++
			return
		}
		judgeState(r.court, s)
		return
	}
}

func judgeState(court *judge.Court, s *airspace.State) {
	judgeCombined(court, s)
	fresh, err := anew(s)
	if err != nil {
		court.Fail("S1", "a machine that is made anew refuses what a server has: %v", err)
		return
	}
	for _, f := range s.Flights("", airspace.MaxPage) {
		if g, ok := fresh.Flight(f.ID); !ok || !slices.Equal(f.Windows, g.Windows) {
			court.Fail("S1", "flight %s has windows %v, and in a machine made anew %v", f.ID, f.Windows, g.Windows)
		}
	}
	if mine, theirs := breachesIn(s), breachesIn(fresh); !slices.Equal(mine, theirs) && !checking(s) {
		court.Fail("S1", "breaches are %v, and in a machine made anew %v", mine, theirs)
	}
}

func checking(s *airspace.State) bool {
	zones, _ := s.Zones("", airspace.MaxPage)
	return slices.ContainsFunc(zones, func(z *airspace.ZoneRecord) bool { return z.Checking })
}

// anew makes a state of the things that another has, before any of them is over.
func anew(s *airspace.State) (*airspace.State, error) {
	set := s.Settings()
	cmds := []airspace.Command{airspace.SetRules{CrossRefCm: set.CrossRefCm, RetainNs: airspace.MaxRetainNs, Separation: set.Separation}}
	for _, n := range s.Sectors("", airspace.MaxPage) {
		cmds = append(cmds, airspace.PutSector{Sector: n.Sector})
	}
	zones, err := s.Zones("", airspace.MaxPage)
	if err != nil {
		return nil, err
	}
	for _, z := range zones {
		cmds = append(cmds, airspace.PutZone{Zone: z.Zone})
	}
	for _, f := range s.Flights("", airspace.MaxPage) {
		cmds = append(cmds, airspace.PutFlight{Flight: f.Flight})
	}
	m := airspace.NewAt(1, airspace.DefaultRateMilli)
	none := func([]byte) {}
	for i, cmd := range cmds {
		at := machine.At{Group: 1, Index: uint64(i + 1), Version: 1, LogTimeNs: 1}
		m.Advance(at, none)
		res, err := airspace.DecodeResult(m.Apply(at, airspace.Encode(cmd), none))
		if err != nil {
			return nil, err
		}
		if res.Problem != nil {
			return nil, res.Problem
		}
	}
	return m.State(), nil
}

// breachesIn puts all breaches into words.
func breachesIn(s *airspace.State) []string {
	list, err := s.Breaches(airspace.BreachQuery{FromNs: 1, ToNs: geo.MaxAtNs, Limit: airspace.MaxPage})
	if err != nil {
		return []string{err.Error()}
	}
	var words []string
	for i := range list {
		words = append(words, fmt.Sprint(list[i].Zone, list[i].Flight, list[i].Window))
	}
	return words
}

// judgeCombined holds the hours of parts against those of the sector that stands for them: where a part is closed for it, it is open.
func judgeCombined(court *judge.Court, s *airspace.State) {
	for _, n := range s.Sectors("", airspace.MaxPage) {
		for _, p := range n.Hours.Periods {
			if p.Into == "" {
				continue
			}
			into, there := s.Sector(p.Into)
			covers := func(o airspace.Period) bool { return o.Open && o.FromNs <= p.FromNs && o.ToNs >= p.ToNs }
			if !there || !slices.ContainsFunc(into.Hours.Periods, covers) {
				court.Fail("S9", "sector %s is closed for %s from %d to %d, which is not open then", n.ID, p.Into, p.FromNs, p.ToNs)
			}
		}
	}
}
