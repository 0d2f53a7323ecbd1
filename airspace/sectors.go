package airspace

import (
	"fmt"

	"onevoice/codec"
)

// PutSector makes or replaces a sector. The windows of the flights it touches, as it was and as it becomes, are computed
// anew in the same entry. Where that is more than a step's work it is staged: see Result.Staged.
type PutSector struct {
	Sector Sector
	If     Precondition
}

// RemoveSector removes a sector and its windows; NotFound where there is none. It may be staged as PutSector may.
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
	return c.changeSectors(cmd.Op(), []sectorChange{{cmd.Sector.ID, newSector(cmd.Sector, c.at)}})
}

func (cmd RemoveSector) apply(c *change) Result {
	if c.sector == nil {
		return missing(cmd.Op(), cmd.ID)
	}
	return c.changeSectors(cmd.Op(), []sectorChange{{cmd.ID, nil}})
}

func (n *sector) pastKind() pastKind { return pastSector }
func (n *sector) pastName() string   { return n.ID }

func (n *sector) pastBytes() int {
	vertices := 0
	for _, v := range n.Volumes {
		vertices += vertexCount(v)
	}
	return 600 + 400*len(n.Volumes) + 80*vertices + 8*len(n.Cells)
}

func readPastSector(m *Machine, r *codec.Reader) (*sector, error) {
	rec := readSectorRecord(r)
	c := checker{op: "load past sector", subject: rec.ID}
	c.sector(&rec.Sector)
	if err := r.Finish(); err != nil {
		return nil, fmt.Errorf("past sector: %w", err)
	}
	if err := c.err(); err != nil {
		return nil, err
	}
	n := newSector(rec.Sector, rec.Version)
	numberOf := m.state.numberOf
	if st := m.state.telling(); st != nil {
		numberOf = m.numberBefore(st)
	}
	var ok bool
	if n.number, ok = numberOf(n.ID); !ok {
		n.number = m.newNumber()
	}
	return n, nil
}
