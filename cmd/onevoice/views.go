package main

import (
	"context"
	"encoding/hex"
	"slices"

	"onevoice/consensus"
	"onevoice/members"
	"onevoice/oracle"
	"onevoice/view"
	"onevoice/watch"
	"onevoice/web/api"
	"onevoice/wire"
)

// oracleOf is the oracle in a state of the membership's group; false where there is none yet.
func oracleOf(p consensus.Published) (*oracle.State, bool) {
	s, ok := p.Root.(*oracle.State)
	return s, ok
}

// View implements web.Membership.
func (m *membership) View(ctx context.Context, number uint64) (api.View, error) {
	p, err := m.host.Read(ctx, membersGroup)
	if err != nil {
		return api.View{}, err
	}
	s, _ := oracleOf(p)
	return viewIn(s, number), nil
}

// viewIn is a view that a state holds, with what led to it, or with 0 the newest one without.
func viewIn(s *oracle.State, number uint64) api.View {
	n := s.View().Number
	if number != 0 {
		n = view.Number(number)
	}
	var v api.View
	if found, held := s.Explain(n); held {
		v = viewOf(s.State, &found)
		if number != 0 {
			v.Observed, v.Voters = observedOf(s.State, &found.Observed), s.VotersLike(members.Server{})+s.VotersLike(members.Server{Oracle: true})
		}
	}
	if all := s.History(); len(all) > 0 {
		v.First, v.Last = uint64(all[0].View.Number), uint64(all[len(all)-1].View.Number)
	}
	return v
}

// viewOf is a view with the names of its servers.
func viewOf(s *members.State, of *oracle.Verdict) api.View {
	from := &of.View
	v := api.View{
		Number: uint64(from.Number), Hash: hex.EncodeToString(from.Hash[:]), Made: api.Time(of.AtNs), DetectionBoundMs: msOfNs(from.BoundNs),
		Processes: []api.Process{}, Leads: []api.Lead{},
	}
	for _, p := range from.Processes {
		v.Processes = append(v.Processes, api.Process{
			Server: p.Server, Name: nameIn(s, p.Server), Incarnation: p.Incarnation, Start: p.Boot,
			Standing: p.Standing.String(), Since: uint64(p.Since), Why: p.Why.String(),
		})
	}
	for _, l := range from.Leads {
		v.Leads = append(v.Leads, api.Lead{Group: l.Group, Term: l.Term, Server: l.Server, Name: nameIn(s, l.Server)})
	}
	return v
}

// observedOf is what the servers had said, as a view was made of it.
func observedOf(s *members.State, of *oracle.Observation) []api.Observer {
	all := []api.Observer{}
	for _, row := range of.Rows {
		v, known := s.Server(row.Server)
		o := api.Observer{
			Server: row.Server, Name: nameIn(s, row.Server), Start: row.Boot, Votes: known && v.Wish == members.Voter,
			Leaving: row.Leaving, Fell: row.Fell, Last: row.Last.String(), Seen: []api.Seen{},
		}
		for _, seen := range row.Seen {
			o.Seen = append(o.Seen, api.Seen{Server: seen.Server, Start: seen.Boot, Evidence: seen.Evidence.String()})
		}
		all = append(all, o)
	}
	return all
}

// nameIn is a server's name, also of one that is gone; empty where it is not known.
func nameIn(s *members.State, number uint64) string {
	v, _ := s.Server(number)
	return v.Name
}

func msOfNs(ns int64) float64 { return float64(ns) / 1e6 }

// Views implements web.Membership.
func (m *membership) Views(ctx context.Context, after uint64) ([]api.View, error) {
	for {
		p := m.host.Latest(membersGroup)
		if s, ok := oracleOf(p); ok {
			if later := viewsAfter(s, after); len(later) > 0 {
				return later, nil
			}
		}
		// Whatever comes later begins behind this state: what is no longer held of that is in the next one.
		if _, err := m.host.Journal(membersGroup).Wait(ctx, watch.EndOf(p.Index), 1); ctx.Err() != nil {
			return nil, err
		}
	}
}

func viewsAfter(s *oracle.State, after uint64) []api.View {
	all := s.History()
	i := slices.IndexFunc(all, func(v oracle.Verdict) bool { return uint64(v.View.Number) > after })
	if i < 0 {
		return nil
	}
	var later []api.View
	for ; i < len(all); i++ {
		later = append(later, viewOf(s.State, &all[i]))
	}
	return later
}

// Fence implements web.Membership.
func (m *membership) Fence(ctx context.Context, server, incarnation uint64, key *wire.Key) (api.View, error) {
	if _, err := m.order(ctx, oracle.Fence{Server: server, Incarnation: incarnation}.Encode(), key); err != nil {
		return api.View{}, err
	}
	return m.View(ctx, 0)
}
