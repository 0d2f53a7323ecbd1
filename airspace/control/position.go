package control

import (
	"fmt"
	"time"

	"onevoice/problem"
)

// The words for what is done with positions, in problems.
const (
	OpSignOn, OpKeep, OpSignOff = "sign on position", "keep position", "sign off position"
)

// SignOn gives a position to a console. The one that has it already gets its whole time again.
func (m *Machine) SignOn(at Version, by By, owner string, leaseMs int64, emit Emit) *problem.Error {
	s, t := &m.board, turn{m, at, emit}
	old, _ := s.positions.Get(by.Position)
	n := Position{ID: by.Position, Holder: by.Holder, Owner: owner, LeaseMs: leaseMs, EndsNs: s.nowNs + leaseMs*msNs, Version: at}
	switch {
	case old.Attended() && old.Holder != by.Holder:
		return refused(OpSignOn, by.Position, s.inTheWay(old))
	case old.Attended():
		n.Version = old.Version
		m.putPosition(&n)
		return nil
	case old == nil && s.positions.Len() >= MaxPositions:
		return &problem.Error{Kind: problem.Overloaded, Op: OpSignOn, Subject: by.Position, Detail: fmt.Sprintf("%d positions are held, which is as many as there may be", MaxPositions)}
	}
	m.putPosition(&n)
	emit(Event{Act: SignOn, By: n.ID, Attended: true, Position: &n})
	t.tellSectors(&n, Attend)
	return nil
}

// Keep gives a position its whole time again.
func (m *Machine) Keep(by By) *problem.Error {
	old, p := m.board.held(OpKeep, by)
	if p != nil {
		return p
	}
	n := *old
	n.EndsNs = m.board.nowNs + n.LeaseMs*msNs
	m.putPosition(&n)
	return nil
}

// SignOff gives a position up. It is refused while the position has flights or sectors, unless they are to be left unattended.
func (m *Machine) SignOff(at Version, by By, leave bool, emit Emit) *problem.Error {
	old, p := m.board.held(OpSignOff, by)
	switch {
	case p != nil:
		return p
	case !leave && m.board.has(by.Position):
		return refused(OpSignOff, by.Position, fmt.Sprintf("it has %s; hand over or release them, or say that they are to be left unattended", m.board.belongings(by.Position)))
	}
	turn{m, at, emit}.vacate(old, SignOff, by.Position)
	return nil
}

// End signs a position off by a supervisor's force. What it has is left unattended.
func (m *Machine) End(at Version, position string, emit Emit) *problem.Error {
	old, _ := m.board.positions.Get(position)
	if !old.Attended() {
		return &problem.Error{Kind: problem.NotFound, Op: OpSignOff, Subject: position, Detail: "nobody has signed it on"}
	}
	turn{m, at, emit}.vacate(old, SignOff, "")
	return nil
}

// held is the position of who says that it has it.
func (s *Board) held(op string, by By) (*Position, *problem.Error) {
	p, _ := s.positions.Get(by.Position)
	why := ""
	switch {
	case !p.Attended():
		why = "position " + by.Position + " is not signed on: it was signed off or not kept in time; sign it on again"
	case p.Holder != by.Holder:
		why = "position " + by.Position + " is signed on by " + p.holder()
	default:
		return p, nil
	}
	return nil, &problem.Error{Kind: problem.Expired, Op: op, Subject: by.Position, Detail: why}
}

// Check says whether who says that it has a position has it; nil where it does.
func (s *Board) Check(op string, by By) *problem.Error {
	_, p := s.held(op, by)
	return p
}

// holder is who has signed a position on, for people. It names no holder: who knows it could act.
func (p *Position) holder() string {
	if p.Owner == "" {
		return "another console"
	}
	return p.Owner
}

func (s *Board) inTheWay(p *Position) string {
	return fmt.Sprintf("%s has signed it on; the lease ends at %s unless it is kept", p.holder(), instant(s.ends(p.EndsNs, p.LeaseMs)))
}

// belongings names what a position has, in short.
func (s *Board) belongings(position string) string {
	const few = 3
	text := ""
	for _, t := range []Thing{Sector, Flight} {
		ids := s.linked(linkHas, t, position, "", few+1)
		for i, id := range ids {
			if text != "" {
				text += ", "
			}
			if i == few {
				text += "..."
				break
			}
			text += t.String() + " " + id
		}
	}
	return text
}

func refused(op, subject, detail string) *problem.Error {
	return &problem.Error{Kind: problem.Refused, Op: op, Subject: subject, Detail: detail}
}

// instant prints log time for people.
func instant(ns int64) string { return time.Unix(0, ns).UTC().Format("2006-01-02T15:04:05.000Z") }
