package airspace

func (c *change) putSector(cmd PutSector) Result {
	s := &c.m.state
	op, id := opName(cmd), cmd.Sector.ID
	old := c.sector
	if old == nil && s.sectors.Len() >= MaxSectors {
		return full(op, id, MaxSectors)
	}
	n := newSector(cmd.Sector, c.at)
	plan, p := s.planSector(id, old, n)
	if p != nil {
		p.Op, p.Subject = op, id
		return Result{Problem: p}
	}
	c.m.setSector(n, old)
	c.event(Event{Kind: SectorPut, ID: id, Version: c.at})
	c.rewindow(plan)
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

func (c *change) removeSector(cmd RemoveSector) Result {
	s := &c.m.state
	old := c.sector
	plan, p := s.planSector(cmd.ID, old, nil)
	if p != nil {
		p.Op, p.Subject = opName(cmd), cmd.ID
		return Result{Problem: p}
	}
	s.sectors.Delete(old.ID)
	c.m.ground = nil
	c.event(Event{Kind: SectorRemoved, ID: old.ID, Version: old.Version})
	c.rewindow(plan)
	return Result{Rewindowed: len(plan)}
}
