package export

import (
	"encoding/json"
	"errors"
	"fmt"

	"onevoice/chain"
	"onevoice/web/api"
)

// partRows is how many rows of a base are in memory at once, and in one file.
const partRows = 20_000

// Base takes the lines of a whole state, see api.StateLine, and makes a base of them.
type Base struct {
	x    *Exporter
	gap  string
	m    Manifest
	rows []StateRow
	part int
	end  *api.StateEnd
}

// NewBase begins a base. Everything taken before was written; what a base that broke off has left is removed. Reason says why entries
// before it are missing, if some are.
func (x *Exporter) NewBase(reason string) (*Base, error) {
	if len(x.next.entries) > 0 {
		return nil, fmt.Errorf("a base is begun before %d entries are written", len(x.next.entries))
	}
	if err := x.tidy(); err != nil {
		return nil, err
	}
	return &Base{x: x, gap: reason, m: Manifest{Kind: baseKind}}, nil
}

// Line takes the next line.
func (b *Base) Line(line []byte) error {
	if b.m.Last > 0 && b.end == nil {
		row, is, err := stateRow(b.m.Last, line)
		if err != nil {
			return fmt.Errorf("line of the state at %d: %w", b.m.Last, err)
		}
		if is {
			return b.row(row)
		}
	}
	var other api.StateLine
	if err := json.Unmarshal(line, &other); err != nil {
		return fmt.Errorf("line of the state: %w", err)
	}
	switch {
	case other.Head != nil && b.m.Last == 0:
		return b.begin(other.Head)
	case other.End != nil && b.m.Last > 0 && b.end == nil:
		b.end = other.End
		return nil
	}
	return errors.New("a line of the state is out of place")
}

func (b *Base) begin(h *api.StateHead) error {
	last := b.x.next.last
	if h.Index <= last {
		return fmt.Errorf("the state is of index %d, the history at %d already", h.Index, last)
	}
	m := &b.m
	m.First, m.Last, m.Hash, m.LogTime, m.ServiceTime = h.Index, h.Index, h.Hash, h.LogTime, h.ServiceTime
	if last > 0 {
		m.Gap = &Gap{First: last + 1, Last: h.Index, Reason: b.gap}
	}
	_, err := readHash[chain.Hash](h.Hash)
	return err
}

func (b *Base) row(r StateRow) error {
	if r.Kind == "sector" {
		b.m.Sectors++
	} else {
		b.m.Flights++
	}
	if b.rows = append(b.rows, r); len(b.rows) < partRows {
		return nil
	}
	return b.flush()
}

func (b *Base) flush() error {
	b.part++
	for _, ending := range b.x.options.Endings {
		if err := keep(b.x, &b.m, states, stateName(b.m.Last, b.part, ending), ending, b.rows); err != nil {
			return err
		}
	}
	b.rows = b.rows[:0]
	return nil
}

// Finish makes the base part of the history, which goes on from its index. A state that broke off is none.
func (b *Base) Finish(nowNs int64) (*Manifest, error) {
	if b.end == nil || b.end.Sectors != b.m.Sectors || b.end.Flights != b.m.Flights {
		return nil, fmt.Errorf("the state at %d broke off after %d sectors and %d flights", b.m.Last, b.m.Sectors, b.m.Flights)
	}
	if len(b.rows) > 0 || b.part == 0 {
		if err := b.flush(); err != nil {
			return nil, err
		}
	}
	n := &b.x.next
	n.last = b.m.Last
	n.hash, _ = readHash[chain.Hash](b.m.Hash) // begin has read it
	return &b.m, b.x.finish(&b.m, nowNs)
}
