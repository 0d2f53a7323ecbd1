package airspace

import (
	"slices"

	"onevoice/airspace/past"
	"onevoice/problem"
)

// changeSectors makes changes of sectors, sorted by name, all in one entry or all staged together.
func (c *change) changeSectors(op string, changes []sectorChange) Result {
	if p := c.changeable(changes); p != nil {
		p.Op = op
		return Result{Problem: p}
	}
	c.m.numberAll(changes)
	plan, fits, p := c.m.planSectors(changes, c.work)
	if p != nil {
		p.Op, p.Subject = op, c.subject
		return Result{Problem: p}
	}
	if !fits || c.stageAll {
		moved := c.m.state.moved(changes)
		for _, ch := range moved {
			if ch.n != nil {
				ch.n.number = c.m.newNumber()
			}
		}
		return c.stage(op, &staging{of: generationOf(c.at, changes), changes: changes, moved: moved})
	}
	for _, e := range c.m.state.sectorEvents(c.at, changes) {
		c.event(e)
	}
	apart := c.m.state.reseparated(changes)
	c.m.setSectors(changes)
	rewindowed := c.rewindow(plan)
	for _, n := range apart {
		c.conflicts().reseparated(n)
	}
	return Result{Rewindowed: rewindowed}
}

// changeable refuses changes of what is being changed already, and more sectors than there may be.
func (c *change) changeable(changes []sectorChange) *problem.Error {
	s := &c.m.state
	more := 0
	for _, ch := range changes {
		if p := s.busy(ch.id); p != nil {
			return p
		}
		if _, there := s.sectors.Get(ch.id, past.Now); !there {
			more++
		}
	}
	if more > 0 && s.sectors.Len()+s.stagedNew()+more > MaxSectors {
		return full("", c.subject, MaxSectors).Problem
	}
	return nil
}

func (m *Machine) newNumber() uint64 {
	m.sectorsMade++
	return m.sectorsMade
}

// numberAll gives the sectors of changes the numbers of those whose place they take.
func (m *Machine) numberAll(changes []sectorChange) {
	for _, ch := range changes {
		if ch.n == nil {
			continue
		}
		if old, there := m.state.sectors.Get(ch.id, past.Now); there {
			ch.n.number = old.number
		} else {
			ch.n.number = m.newNumber()
		}
	}
}

// setSectors makes changes hold.
func (m *Machine) setSectors(changes []sectorChange) {
	for _, ch := range changes {
		if ch.n == nil {
			drop(m, &m.state.sectors, ch.id)
			m.control.DropSector(ch.id)
			m.state.levels.drop(ch.id)
			continue
		}
		old, there := m.state.sectors.Get(ch.id, past.Now)
		put(m, &m.state.sectors, ch.n)
		if ch.n.Capacity != (Capacity{}) || there && old.Capacity != ch.n.Capacity {
			m.state.levels.ageAll(ch.id)
		}
	}
	m.ground = nil
}

// sectorEvents are those of changes that are about to hold.
func (s *State) sectorEvents(v Version, changes []sectorChange) []Event {
	list := make([]Event, len(changes))
	for i, ch := range changes {
		list[i] = Event{Kind: SectorPut, ID: ch.id, Version: v}
		if old, there := s.sectors.Get(ch.id, past.Now); there && ch.n == nil {
			list[i] = Event{Kind: SectorRemoved, ID: ch.id, Version: old.Version}
		}
	}
	return list
}

// moved lists the changes by which a sector is elsewhere, or at other times.
func (s *State) moved(changes []sectorChange) []sectorChange {
	return slices.DeleteFunc(slices.Clone(changes), func(ch sectorChange) bool {
		old, there := s.sectors.Get(ch.id, past.Now)
		return there && ch.n != nil && samePlace(&old.Sector, &ch.n.Sector)
	})
}

// reseparated lists the sectors that stay and will ask for another separation.
func (s *State) reseparated(changes []sectorChange) []*sector {
	var list []*sector
	for _, ch := range changes {
		if old, there := s.sectors.Get(ch.id, past.Now); there && ch.n != nil && old.Separation != ch.n.Separation {
			list = append(list, ch.n)
		}
	}
	return list
}
