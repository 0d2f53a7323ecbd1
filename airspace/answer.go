package airspace

import (
	"errors"
	"fmt"

	"onevoice/codec"
	"onevoice/problem"
)

// Query implements machine.Root: it answers an encoded Query with an encoded Answer, whatever the bytes.
func (s *State) Query(op []byte) []byte {
	a, list := s.answer(op)
	a.ServiceNs = s.clock.nowNs
	w := codec.Writer{B: make([]byte, 0, 128+72*len(list))}
	appendAnswer(&w, &a, len(list), func(i int) Presence {
		f := list[i].Flight
		return Presence{Flight: f.ID, Callsign: f.Callsign, From: f.From, To: f.To, Version: f.Version, Window: list[i].Window}
	})
	return w.B
}

// answer gives all of an answer but its visits, and those.
func (s *State) answer(op []byte) (a Answer, list []Occupant) {
	q, err := DecodeQuery(op)
	if err != nil {
		a.Problem = &problem.Error{
			Kind: problem.Invalid, Op: "query", Field: "question", Value: fmt.Sprintf("%d bytes", len(op)), Allowed: fmt.Sprintf("an airspace question of format %d", Format),
		}
		return a, nil
	}
	var found bool
	switch q := q.(type) {
	case WhoQuery:
		list, err = s.Who(q.Sector, q.FromNs, q.ToNs, q.After, q.Limit)
	case VolumeQuery:
		list, err = s.InVolume(q.Volume, q.Cells, q.FromNs, q.ToNs, q.After, q.Limit)
	case FlightQuery:
		if a.Flight, found = s.Flight(q.ID); !found {
			err = notFound("flight", q.ID, "flight")
		}
	case SectorQuery:
		if a.Sector, found = s.Sector(q.ID); !found {
			err = notFound("sector", q.ID, "sector")
		}
	}
	errors.As(err, &a.Problem)
	return a, list
}

func notFound(op, id, what string) *problem.Error {
	return &problem.Error{Kind: problem.NotFound, Op: op, Subject: problem.Clip(id), Detail: "there is no such " + what}
}
