package cluster

import (
	"fmt"
	"math/rand/v2"

	"onevoice/lab/judge"
	"onevoice/lab/toy"
)

// work makes the requests of one group's clients and reads their results.
type work interface {
	// next draws a request: its bytes, and what it means.
	next() (body []byte, op judge.Op)
	// result fills in what an answer says.
	result(op *judge.Op, result []byte) error
	// last lists the questions that are asked of everything at the end.
	last() []ask
	// check judges at the end what only this work understands.
	check(court *judge.Court)
	// eventID finds the command that an event names.
	eventID(index uint64, event []byte) (uint64, bool)
}

// ask is one request with its meaning.
type ask struct {
	body []byte
	op   judge.Op
}

// keyUses is after how many uses a register gets a new name, so that no history grows too long to judge.
const keyUses = 60

// toyWork works on the toy machine: registers that are set, swapped and added to, sums that are only added to, and
// registers that live for a while.
type toyWork struct {
	rand      *rand.Rand
	group     uint32
	ids       *uint64
	registers []hotKey
	sums      int
	ttls      int
	readPpm   int
	all       []string // every name used, for the end
}

type hotKey struct {
	name      string
	uses, gen int
	seen      int64 // value in the newest answer
}

func newToyWork(r *rand.Rand, group uint32, ids *uint64) *toyWork {
	w := &toyWork{rand: r, group: group, ids: ids, sums: 1 + r.IntN(2), ttls: 1 + r.IntN(3), readPpm: 200_000 + r.IntN(500_000)}
	w.registers = make([]hotKey, 1+r.IntN(4))
	for i := range w.registers {
		w.rename(i)
	}
	for i := range w.sums {
		w.all = append(w.all, fmt.Sprintf("s%d", i))
	}
	for i := range w.ttls {
		w.all = append(w.all, fmt.Sprintf("t%d", i))
	}
	return w
}

func (w *toyWork) rename(i int) {
	k := &w.registers[i]
	*k = hotKey{name: fmt.Sprintf("r%d.%d", i, k.gen), gen: k.gen + 1}
	w.all = append(w.all, k.name)
}

func (w *toyWork) next() ([]byte, judge.Op) {
	if w.rand.IntN(million) < w.readPpm {
		return w.read(w.pick(), w.rand.IntN(8) > 0)
	}
	*w.ids++
	c := toy.Command{ID: *w.ids}
	op := judge.Op{ID: c.ID, Group: w.group}
	switch n := w.rand.IntN(10); {
	case n < 2:
		c.Kind, c.Key, c.Value = toy.Add, fmt.Sprintf("s%d", w.rand.IntN(w.sums)), 1+w.rand.Int64N(9)
		op.Kind = judge.Add
	case n < 3:
		c.Kind, c.Key, c.Value = toy.SetFor, fmt.Sprintf("t%d", w.rand.IntN(w.ttls)), int64(c.ID)
		c.TTLNs = 1 + w.rand.Int64N(2_000_000_000)
		op.Kind = judge.Other
	default:
		w.change(&c, &op)
	}
	op.Key, op.Arg, op.Old = c.Key, c.Value, c.Old
	return c.Encode(), op
}

// change draws a change of a register.
func (w *toyWork) change(c *toy.Command, op *judge.Op) {
	i := w.rand.IntN(len(w.registers))
	if w.registers[i].uses++; w.registers[i].uses > keyUses {
		w.rename(i)
	}
	k := &w.registers[i]
	c.Key, c.Value = k.name, int64(c.ID)
	switch w.rand.IntN(3) {
	case 0:
		c.Kind, op.Kind = toy.Set, judge.Write
	case 1:
		c.Kind, op.Kind, c.Old = toy.CompareAndSet, judge.CompareAndSet, k.seen
	default:
		c.Kind, op.Kind, c.Value = toy.Add, judge.Add, 1_000_000
	}
}

func (w *toyWork) pick() string {
	switch n := w.rand.IntN(8); {
	case n == 0:
		return fmt.Sprintf("t%d", w.rand.IntN(w.ttls))
	case n < 3:
		return fmt.Sprintf("s%d", w.rand.IntN(w.sums))
	}
	i := w.rand.IntN(len(w.registers))
	w.registers[i].uses++
	return w.registers[i].name
}

// read asks for a register, as a question or through the log.
func (w *toyWork) read(key string, query bool) ([]byte, judge.Op) {
	c := toy.Command{Kind: toy.Get, Key: key}
	op := judge.Op{Group: w.group, Kind: judge.Read, Query: query, Key: key}
	if key[0] == 't' {
		op.Kind = judge.Other // it vanishes by itself, which the model of a register does not know
	}
	if !query {
		*w.ids++
		c.ID, op.ID = *w.ids, *w.ids
	}
	return c.Encode(), op
}

func (w *toyWork) result(op *judge.Op, result []byte) error {
	r, err := toy.DecodeResult(result)
	if err != nil {
		return err
	}
	if r.Code != toy.Done && r.Code != toy.Unequal {
		return fmt.Errorf("result code %d", r.Code)
	}
	op.Found, op.Value = r.Found, r.Value
	op.Changed = !op.Query && op.Kind != judge.Read && r.Code == toy.Done && !w.isGet(op)
	for i := range w.registers {
		if w.registers[i].name == op.Key {
			w.registers[i].seen = r.Value
		}
	}
	return nil
}

// isGet says whether an Other is a read through the log.
func (w *toyWork) isGet(op *judge.Op) bool { return op.Kind == judge.Other && op.Arg == 0 }

// check has nothing to add: the judge knows registers.
func (w *toyWork) check(*judge.Court) {}

func (w *toyWork) last() []ask {
	var asks []ask
	for _, key := range w.all {
		body, op := w.read(key, w.rand.IntN(4) > 0)
		asks = append(asks, ask{body, op})
	}
	return asks
}

func (w *toyWork) eventID(_ uint64, event []byte) (uint64, bool) {
	e, err := toy.DecodeEvent(event)
	return e.ID, err == nil && e.Kind == toy.Changed
}

const million = 1_000_000
