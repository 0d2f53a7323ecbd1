package crowd

import (
	"cmp"
	"slices"

	"onevoice/machine"
	"onevoice/problem"
	"onevoice/ring"
)

// Machine is the replicated machine. It implements machine.Machine.
type Machine struct {
	state   *State // replaced at each change, never changed: it is the root
	loading *loading
	// rings are those of the newest roll, nil where nobody has asked for them yet; they follow from the state.
	rings *ring.Rings
}

var _ machine.Machine = (*Machine)(nil)

// New is the machine of an empty crowd.
func New() *Machine { return &Machine{state: &State{}} }

// Root is the state now.
func (m *Machine) Root() machine.Root { return m.state }

// State is the state now.
func (m *Machine) State() *State { return m.state }

// DueNs is the log time at which Advance next has something to do, 0 for never.
func (m *Machine) DueNs() int64 {
	due := m.state.rollDueNs
	if look := m.state.lookNs; look != 0 && (due == 0 || look < due) {
		due = look
	}
	return due
}

// Advance makes the roll that is due, and looks again at what is reported.
func (m *Machine) Advance(at machine.At, emit machine.Emit) {
	if due := m.DueNs(); due == 0 || due > at.LogTimeNs {
		return
	}
	t := m.begin(at)
	t.settle()
	m.end(t, emit)
}

// Apply runs one command; its result is a Result, encoded, and nothing for Reports.
func (m *Machine) Apply(at machine.At, op []byte, emit machine.Emit) []byte {
	c, err := Decode(op)
	if err != nil {
		return Result{Problem: &problem.Error{Kind: problem.Invalid, Op: "crowd", Detail: "the command does not parse"}}.Encode()
	}
	t := m.begin(at)
	var result []byte
	switch c := c.(type) {
	case Join:
		result = t.join(c).Encode()
	case Leave:
		result = t.leave(c).Encode()
	case Condemn:
		result = t.condemn(c).Encode()
	case Reports:
		for _, r := range c.All {
			t.take(r)
		}
		t.settle()
	}
	m.end(t, emit)
	return result
}

// turn is one entry at work on a copy of the state. Its slices are shared: whoever changes one clones it first.
type turn struct {
	State
	m      *Machine
	nowNs  int64 // log time
	place  uint64
	copied bool // the suspects are ours to change
	rolls  []Roll
}

func (m *Machine) begin(at machine.At) *turn {
	return &turn{State: *m.state, m: m, nowNs: at.LogTimeNs, place: at.Index<<16 | uint64(at.Sub)}
}

func (m *Machine) end(t *turn, emit machine.Emit) {
	for i := range t.rolls {
		emit((&Event{t.rolls[i]}).Encode())
	}
	s := t.State
	m.state = &s
}

// settle judges, and makes a roll where somebody goes or one is due.
func (t *turn) settle() {
	cut := t.judge()
	due := t.rollDueNs != 0 && t.rollDueNs <= t.nowNs
	switch {
	case len(cut) > 0 || due && len(t.joining)+len(t.leaving) > 0:
		t.call(cut)
	case due: // who joined has left again
		t.rollDueNs = 0
	}
}

const (
	// joinNs is for how long who joins is collected for one roll, and goneNs for how long who goes by itself.
	joinNs, goneNs = 100 * msNs, 10 * msNs
	// drawBounds is for how many detection bounds rings stay at least: observers need some six to know a bad link from a good one. While
	// anybody is reported they stay, up to three times that.
	drawBounds = 20
)

// rollWithin has a roll made by then at the latest.
func (t *turn) rollWithin(ns int64) {
	if at := t.nowNs + ns; t.rollDueNs == 0 || at < t.rollDueNs {
		t.rollDueNs = at
	}
}

// call makes the next roll: with those that go by verdict, and all who joined or left meanwhile.
func (t *turn) call(cut []Gone) {
	before := t.roll.Hash
	gone := slices.Concat(t.leaving, cut)
	slices.SortFunc(gone, func(a, b Gone) int { return cmp.Compare(a.ID, b.ID) })
	joined := t.joining[:min(len(t.joining), MaxJoined)]
	t.joining, t.leaving, t.rollDueNs = t.joining[len(joined):], nil, 0
	if len(t.joining) > 0 {
		t.rollWithin(goneNs)
	}
	next := Roll{Number: t.roll.Number + 1, Drawn: t.roll.Drawn, Joined: joined, Gone: gone}
	t.fallen(gone)
	t.members, _ = next.after(t.members)
	next.Count, next.List = uint32(len(t.members)), ListHash(t.members)
	t.m.rings = nil
	t.keepSuspects()
	stay := drawBounds * BoundNs(len(t.members))
	if age := t.nowNs - t.drawnAtNs; next.Number == 1 || age >= stay && (len(t.suspects) == 0 || age >= 3*stay) {
		next.Drawn, t.drawnAtNs = next.Number, t.nowNs
	}
	next.Hash = next.Chain(before)
	if next.Drawn == next.Number {
		t.seed = ring.Seed(next.Hash)
		t.m.rings = nil
		t.keepSuspects()
	}
	t.roll = next
	t.rolls = append(t.rolls, next)
	t.remember(next)
}

// remember keeps a roll for those who miss it.
func (t *turn) remember(r Roll) {
	t.history = append(slices.Clone(t.history), r)
	joined := 0
	for i := len(t.history) - 1; i >= 0; i-- {
		if joined += len(t.history[i].Joined); i < len(t.history)-1 && (joined > maxHistoryJoined || len(t.history)-i > maxHistory) {
			t.history = t.history[i+1:]
			return
		}
	}
}

// fallen notes who went, so that it does not come back as it was, and waits where it comes and goes.
func (t *turn) fallen(gone []Gone) {
	if len(gone) == 0 {
		return
	}
	falls := slices.Clone(t.falls)
	for _, g := range gone {
		if m, ok := find(t.members, g.ID); ok {
			falls = append(falls, fall{m.Name, m.Boot, g.Why, t.nowNs})
		}
	}
	t.falls = falls[max(0, len(falls)-maxFalls):]
}

// observers are those of a member as of the newest roll.
func (t *turn) observers(id uint64) []uint64 {
	if t.m.rings == nil {
		t.m.rings = ring.New(t.seed, IDs(t.members))
	}
	return t.m.rings.Observers(id)
}
