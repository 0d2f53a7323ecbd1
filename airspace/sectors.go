package airspace

import "onevoice/codec"

// PutSector makes or replaces a sector. The windows of the flights it touches, as it was and as it becomes, are computed
// anew in the same entry; it is Refused where those are more than MaxRewindow.
type PutSector struct {
	Sector Sector
	If     Precondition
}

// RemoveSector removes a sector and its windows; NotFound where there is none. It is Refused as PutSector is.
type RemoveSector struct {
	ID string
	If Precondition
}

// Op implements Command.
func (PutSector) Op() string { return "put sector" }

// Op implements Command.
func (RemoveSector) Op() string { return "remove sector" }

func (PutSector) kind() commandKind                 { return kindPutSector }
func (cmd PutSector) precondition() Precondition    { return cmd.If }
func (cmd PutSector) appendBody(w *codec.Writer)    { appendSector(w, &cmd.Sector) }
func (cmd PutSector) find(c *change)                { c.findSector(cmd.Sector.ID) }
func (RemoveSector) kind() commandKind              { return kindRemoveSector }
func (cmd RemoveSector) precondition() Precondition { return cmd.If }
func (cmd RemoveSector) appendBody(w *codec.Writer) { w.String(cmd.ID) }
func (cmd RemoveSector) find(c *change)             { c.findSector(cmd.ID) }

func (cmd PutSector) check(c *checker) {
	c.subject = cmd.Sector.ID
	c.sector(&cmd.Sector)
}

func (cmd RemoveSector) check(c *checker) {
	c.subject = cmd.ID
	c.id(cmd.ID)
	c.existing(cmd.If)
}

func (cmd PutSector) apply(c *change) Result {
	s := &c.m.state
	op, id := cmd.Op(), cmd.Sector.ID
	old := c.sector
	if old == nil && s.sectors.Len() >= MaxSectors {
		return full(op, id, MaxSectors)
	}
	n := newSector(cmd.Sector, c.at)
	plan, p := s.planSector(id, old, n, c.work)
	if p != nil {
		p.Op, p.Subject = op, id
		return Result{Problem: p}
	}
	c.m.setSector(n, old)
	c.event(Event{Kind: SectorPut, ID: id, Version: c.at})
	c.rewindow(plan)
	if old != nil && old.Separation != n.Separation {
		c.conflicts().reseparated(n)
	}
	if n.Capacity != (Capacity{}) || old != nil && old.Capacity != n.Capacity {
		c.m.state.levels.ageAll(id)
	}
	return Result{Rewindowed: len(plan)}
}

// setSector puts a sector in the place of another of the same name, or of none.
func (m *Machine) setSector(n, old *sector) {
	if old != nil {
		n.number = old.number
	} else {
		m.sectorsMade++
		n.number = m.sectorsMade
	}
	m.state.sectors.Set(n.ID, n)
	m.ground = nil
}

func (cmd RemoveSector) apply(c *change) Result {
	s := &c.m.state
	old := c.sector
	if old == nil {
		return missing(cmd.Op(), cmd.ID)
	}
	plan, p := s.planSector(cmd.ID, old, nil, c.work)
	if p != nil {
		p.Op, p.Subject = cmd.Op(), cmd.ID
		return Result{Problem: p}
	}
	s.sectors.Delete(old.ID)
	s.levels.stale.Delete(old.ID)
	s.levels.forget(func(l SectorLevel) bool { return l.Sector == old.ID })
	c.m.ground = nil
	c.m.control.DropSector(old.ID)
	c.event(Event{Kind: SectorRemoved, ID: old.ID, Version: old.Version})
	c.rewindow(plan)
	return Result{Rewindowed: len(plan)}
}
