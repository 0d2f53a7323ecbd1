package airspace

import (
	"fmt"

	"github.com/tidwall/btree"

	"onevoice/machine"
	"onevoice/problem"
)

// Machine is the replicated airspace. One goroutine calls it, in log order.
type Machine struct {
	state State
	// root is the copy of state that was handed out, nil when state has changed since.
	root *State
	// ground is nil when the sectors have changed since it was made.
	ground *ground
	// outline is that of the last flight put, whose memory is used again.
	outline outline
	// ends holds every flight by its end.
	ends *btree.BTreeG[end]
	// free are the numbers of flights that are gone; those from numbers.Len()+len(free) on were never used.
	free []uint32
	// sectorsMade is the number of the last new sector.
	sectorsMade uint64
	load        loader
}

// end orders flights by when they are over.
type end struct {
	ns int64
	id string
}

func (e end) before(o end) bool { return e.ns < o.ns || e.ns == o.ns && e.id < o.id }

var _ machine.Machine = (*Machine)(nil)

// New makes an empty machine; service time begins with the log time of its first entry, at real speed.
func New() *Machine { return NewAt(0, DefaultRateMilli) }

// NewAt makes an empty machine whose service time is serviceNs (0 to MaxServiceNs, else cut to it) at its first entry, and
// runs at rateMilli from there; 0 begins with log time. It is how a replay gets its own date: all voters of a new cluster
// begin with the same. A machine that is loaded from a snapshot goes on as that says.
func NewAt(serviceNs, rateMilli int64) *Machine {
	return &Machine{state: newState(serviceNs, rateMilli), ends: btree.NewBTreeGOptions(end.before, btree.Options{NoLocks: true})}
}

// Root implements machine.Machine; it is a *State.
func (m *Machine) Root() machine.Root { return m.State() }

// State is the state after the last Apply or Advance.
func (m *Machine) State() *State {
	if m.root == nil {
		m.root = m.state.copy()
	}
	return m.root
}

// Apply implements machine.Machine: it runs an encoded Command and gives an encoded Result. It takes the time from the last
// Advance. A command that is refused changes nothing and emits nothing.
func (m *Machine) Apply(at machine.At, op []byte, emit machine.Emit) []byte {
	res := m.run(Version{at.Index, at.Sub}, op, emit)
	evolve(at.Version, &res)
	res.ServiceNs = m.state.clock.nowNs
	return encodeResult(&res)
}

func (m *Machine) run(at Version, op []byte, emit machine.Emit) Result {
	cmd, err := Decode(op)
	if err != nil {
		return Result{Problem: &problem.Error{
			Kind: problem.Invalid, Op: "apply command", Field: "command", Value: fmt.Sprintf("%d bytes", len(op)),
			Allowed: fmt.Sprintf("an airspace command of format %d", Format),
		}}
	}
	if p := Validate(cmd); p != nil {
		return Result{Problem: p}
	}
	do := change{m: m, at: at, emit: emit}
	do.find(cmd)
	if p := do.hold(cmd); p != nil {
		return Result{Problem: p, Current: do.current}
	}
	var res Result
	switch cmd := cmd.(type) {
	case PutSector:
		res = do.putSector(cmd)
	case RemoveSector:
		res = do.removeSector(cmd)
	case PutFlight:
		res = do.putFlight(cmd)
	case CancelFlight:
		do.cancelFlight()
	case SetService:
		res = do.setService(cmd)
	case SetRules:
		res = do.setRules(cmd)
	}
	if res.Problem == nil {
		m.root = nil
		res.Version = at
	}
	return res
}

// emit hands out an event with the service time of its entry.
func (m *Machine) emit(emit machine.Emit, e Event) {
	e.ServiceNs = m.state.clock.nowNs
	emit(encodeEvent(&e))
}

// change is one command that takes effect, if nothing that it finds refuses it.
type change struct {
	m    *Machine
	at   Version
	emit machine.Emit

	// subject is the name of what the command is about, empty for the settings; sector or flight is what is there under it, nil where
	// nothing is, and current its version or that of the settings.
	subject string
	sector  *sector
	flight  *flight
	current *Version
}

// find finds what a command is about.
func (c *change) find(cmd Command) {
	switch cmd := cmd.(type) {
	case PutSector:
		c.findSector(cmd.Sector.ID)
	case RemoveSector:
		c.findSector(cmd.ID)
	case PutFlight:
		c.findFlight(cmd.Flight.ID)
	case CancelFlight:
		c.findFlight(cmd.ID)
	default:
		c.current = &c.m.state.settings.Version
	}
}

func (c *change) findSector(id string) {
	c.subject = id
	if s, ok := c.m.state.sectors.Get(id); ok {
		c.sector, c.current = s, &s.Version
	}
}

func (c *change) findFlight(id string) {
	c.subject = id
	if f := c.m.state.flight(id); f != nil {
		c.flight, c.current = f, &f.Version
	}
}

// hold holds a command's precondition against what is there.
func (c *change) hold(cmd Command) *problem.Error {
	if p := cmd.precondition().check(opName(cmd), c.subject, c.current); p != nil {
		return p
	}
	switch cmd.(type) {
	case RemoveSector, CancelFlight:
		if c.current == nil {
			return &problem.Error{Kind: problem.NotFound, Op: opName(cmd), Subject: c.subject, Detail: "there is none"}
		}
	}
	return nil
}

func (c *change) event(e Event) { c.m.emit(c.emit, e) }

func refused(op, subject, detail string) Result {
	return Result{Problem: &problem.Error{Kind: problem.Refused, Op: op, Subject: subject, Detail: detail}}
}

func full(op, subject string, most int) Result {
	return Result{Problem: &problem.Error{Kind: problem.Overloaded, Op: op, Subject: subject, Detail: fmt.Sprintf("%d are held, which is as many as there may be", most)}}
}
