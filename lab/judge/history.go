package judge

import (
	"cmp"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/anishathalye/porcupine"
)

// Kind is what an operation does to its key.
type Kind uint8

// The kinds of operation.
const (
	Read Kind = iota + 1
	Write
	CompareAndSet
	Add
	// Other is judged by its index alone.
	Other
)

// Outcome is how an operation ended for its client.
type Outcome uint8

// The outcomes.
const (
	// Unknown: it may have taken effect, may do so later, or never.
	Unknown Outcome = iota
	// OK: answered.
	OK
	// Refused: the service says that nothing was done.
	Refused
)

// Op is one operation, as its client saw it.
type Op struct {
	ID       uint64 // its effects name it; 0 for questions
	Group    uint32
	Client   int
	Kind     Kind
	Query    bool // did not go through the log
	Key      string
	Arg, Old int64
	CallNs   int64
	ReturnNs int64
	Outcome  Outcome

	// Of an OK one: the register after it, whether it took effect, and where it was applied or answered from.
	Found   bool
	Value   int64
	Changed bool
	Index   uint64
	Sub     uint32
	Hash    [32]byte // chain hash after the entry; zero where the server did not say
}

// String prints the operation for evidence.
func (o *Op) String() string {
	name := [...]string{"?", "read", "write", "cas", "add", "op"}[o.Kind]
	s := fmt.Sprintf("client %d op %d %s %s(%d,%d) [%.3f..%.3f ms]", o.Client, o.ID, name, o.Key, o.Arg, o.Old,
		float64(o.CallNs)/1e6, float64(o.ReturnNs)/1e6)
	switch o.Outcome {
	case OK:
		return s + fmt.Sprintf(" -> found %v value %d changed %v at %d.%d", o.Found, o.Value, o.Changed, o.Index, o.Sub)
	case Refused:
		return s + " -> refused"
	}
	return s + " -> unknown"
}

// History judges all operations of a run (S1, S5, S6). limit bounds porcupine per key. What it cannot decide in a tenth of
// that it tries again with what the log tells of unknown operations; what it cannot decide then is counted in Undecided and
// is no pass.
func (c *Court) History(ops []Op, limit time.Duration) {
	c.judgeOrder(ops)
	c.judgeEffects(ops)
	c.judgeSums(ops)
	byKey := map[string][]Op{}
	for _, o := range ops {
		if o.Kind != Other {
			key := groupKey(&o)
			byKey[key] = append(byKey[key], o)
		}
	}
	keys := make([]string, 0, len(byKey))
	for key := range byKey {
		keys = append(keys, key)
	}
	slices.Sort(keys)
	for _, key := range keys {
		c.judgeKey(key, byKey[key], limit)
	}
}

func groupKey(o *Op) string { return fmt.Sprintf("%d/%s", o.Group, o.Key) }

// judgeOrder checks that indices agree with real time: what was answered before another operation began is not after it (S1).
func (c *Court) judgeOrder(ops []Op) {
	var done []*Op
	for i := range ops {
		if ops[i].Outcome == OK {
			done = append(done, &ops[i])
		}
	}
	called := slices.Clone(done)
	slices.SortFunc(called, func(a, b *Op) int { return cmp.Compare(a.CallNs, b.CallNs) })
	slices.SortFunc(done, func(a, b *Op) int { return cmp.Compare(a.ReturnNs, b.ReturnNs) })
	newest := map[uint32]*Op{}
	next := 0
	for _, o := range called {
		for next < len(done) && done[next].ReturnNs < o.CallNs {
			if was := newest[done[next].Group]; was == nil || was.place().before(done[next].place()) {
				newest[done[next].Group] = done[next]
			}
			next++
		}
		if was := newest[o.Group]; was != nil && o.place().before(was.place()) {
			c.Fail("S1", "group %d: answered as of %v before the later one began: %v; then as of %v: %v", o.Group, was.place(), was, o.place(), o)
		}
	}
}

// place orders answers: a question sees all of its index.
func (o *Op) place() position {
	if o.Query {
		return position{o.Index, math.MaxUint32}
	}
	return position{o.Index, o.Sub}
}

type register struct {
	found bool
	value int64
}

// judgeKey asks porcupine whether the history of one key is linearizable (S1).
func (c *Court) judgeKey(key string, ops []Op, limit time.Duration) {
	history := historyOf(ops)
	verdict := porcupine.CheckOperationsTimeout(registers, history, limit/10)
	if verdict == porcupine.Unknown {
		history = c.narrow(ops, history)
		verdict = porcupine.CheckOperationsTimeout(registers, history, limit)
	}
	switch verdict {
	case porcupine.Unknown:
		c.Undecided++
	case porcupine.Illegal:
		c.Fail("S1", "key %s is not linearizable: %s", key, shortest(history, limit))
	}
}

// historyOf is the history as porcupine takes it: unknown outcomes are open to the end, and what was not done is left out.
func historyOf(ops []Op) []porcupine.Operation {
	var history []porcupine.Operation
	for i := range ops {
		o := &ops[i]
		end := o.ReturnNs
		if o.Outcome == Unknown {
			end = math.MaxInt64
		}
		if o.Outcome == Refused || o.Outcome == Unknown && o.Kind == Read {
			continue
		}
		history = append(history, porcupine.Operation{ClientId: o.Client, Input: o, Output: o, Call: o.CallNs, Return: end})
	}
	return history
}

// narrow tells porcupine what the log knows, complete by now: an unknown operation without an effect never has one, and each
// operation happens before anything as of a later place is answered, and after everything as of an earlier one was asked.
// Places are judged against real time by themselves, so a history that is linearizable in the order of the log stays so, and
// a wrong log can only make it fail.
func (c *Court) narrow(ops []Op, history []porcupine.Operation) []porcupine.Operation {
	var known []porcupine.Operation
	for _, h := range history {
		o := h.Input.(*Op)
		from, to := o.place(), o.place()
		if o.Outcome == Unknown {
			at := c.log(o.Group).effects[o.ID]
			if len(at) == 0 {
				continue
			}
			from, to = position{at[0].index, 0}, position{at[0].index, math.MaxUint32 - 1} // of which command is not known
		}
		for i := range ops {
			p := &ops[i]
			switch {
			case p.Outcome != OK:
			case to.before(p.place()):
				h.Return = min(h.Return, p.ReturnNs)
			case p.place().before(from):
				h.Call = max(h.Call, p.CallNs)
			}
		}
		h.Return = max(h.Return, h.Call)
		known = append(known, h)
	}
	return known
}

// shortest prints the shortest beginning of a history that cannot be linearized: its last answer is the wrong one.
func shortest(history []porcupine.Operation, limit time.Duration) string {
	slices.SortFunc(history, func(a, b porcupine.Operation) int { return cmp.Compare(a.Return, b.Return) })
	n := 1
	for ; n < len(history); n++ {
		if history[n-1].Return == math.MaxInt64 {
			break
		}
		if porcupine.CheckOperationsTimeout(registers, beginning(history, n), limit) == porcupine.Illegal {
			break
		}
	}
	s := fmt.Sprintf("%d operations, the first that does not fit: %v", len(history), history[n-1].Input.(*Op))
	for i := max(0, n-6); i < n-1; i++ {
		s += fmt.Sprintf("\n    before: %v", history[i].Input.(*Op))
	}
	return s
}

// beginning is the first n answers, and what had been called by then as unknown.
func beginning(history []porcupine.Operation, n int) []porcupine.Operation {
	some := slices.Clone(history[:n])
	for _, o := range history[n:] {
		if op := *o.Input.(*Op); op.Kind != Read && o.Call < history[n-1].Return {
			op.Outcome = Unknown
			some = append(some, porcupine.Operation{ClientId: o.ClientId, Input: &op, Output: &op, Call: o.Call, Return: math.MaxInt64})
		}
	}
	return some
}

// registers is the sequential meaning of one key.
var registers = porcupine.Model{
	Init: func() any { return register{} },
	Step: func(state, input, _ any) (bool, any) {
		was, o := state.(register), input.(*Op)
		next := o.apply(was)
		if o.Outcome == Unknown {
			return true, next
		}
		fits := next.found == o.Found && next.value == o.Value && (o.Kind != CompareAndSet || o.Changed == (was.found && was.value == o.Old))
		return fits, next
	},
}

func (o *Op) apply(was register) register {
	switch o.Kind {
	case Write:
		return register{true, o.Arg}
	case CompareAndSet:
		if was.found && was.value == o.Old {
			return register{true, o.Arg}
		}
	case Add:
		return register{true, was.value + o.Arg}
	}
	return was
}
