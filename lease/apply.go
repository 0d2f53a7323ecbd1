package lease

import (
	"fmt"
	"strconv"
	"time"

	"onevoice/fence"
	"onevoice/machine"
	"onevoice/problem"
)

const msNs = 1_000_000

// Apply runs one command; its result is a Result, encoded.
func (m *Machine) Apply(at machine.At, op []byte, emit machine.Emit) []byte {
	r := Result{NowNs: m.state.nowNs}
	c, err := Decode(op)
	if err != nil {
		r.Problem = &problem.Error{Kind: problem.Invalid, Op: "lock", Detail: "the command does not parse"}
		return r.Encode()
	}
	m.root = nil
	t := &turn{Machine: m, at: at, emit: emit}
	r.Lease, r.Problem = t.run(c)
	return r.Encode()
}

// turn is one command at work.
type turn struct {
	*Machine
	at   machine.At
	emit machine.Emit
}

func (t *turn) run(c Command) (Lease, *problem.Error) {
	switch c := c.(type) {
	case Grant:
		return t.grant(c)
	case Keep:
		return t.keep(c)
	case Release:
		return t.release(c)
	case Revoke:
		return t.revoke(c)
	}
	return Lease{}, &problem.Error{Kind: problem.Invalid, Op: "lock", Detail: "the command is of no known kind"}
}

func (t *turn) grant(c Grant) (Lease, *problem.Error) {
	if err := c.check(); err != nil {
		return Lease{}, err
	}
	l := Lease{Name: c.Name, Owner: c.Owner, TTLMs: c.TTLMs, DelayMs: c.DelayMs, Standing: Held, EndsNs: t.state.nowNs + c.TTLMs*msNs}
	switch old := t.settle(c.Name, t.emit); {
	case old == nil && t.state.leases.Len() >= MaxLeases:
		return Lease{}, &problem.Error{Kind: problem.Overloaded, Op: OpGrant, Subject: c.Name, Detail: fmt.Sprintf("%d locks are held, allowed: %d", t.state.leases.Len(), MaxLeases)}
	case old == nil:
		t.state.seq++
		l.Token = fence.Token{Epoch: t.at.Epoch, Holder: c.Holder, Seq: t.state.seq}
		t.emit((&Event{Granted, l}).encode())
	case old.Standing == Held && old.Token.Holder == c.Holder:
		l.Token = old.Token
	default:
		now := t.state.asOf(old)
		return now, &problem.Error{Kind: problem.Refused, Op: OpGrant, Subject: c.Name, Detail: now.inTheWay()}
	}
	t.put(&l)
	return l, nil
}

func (t *turn) keep(c Keep) (Lease, *problem.Error) {
	old, err := t.held(OpKeep, c.Name, c.Holder)
	if err != nil {
		return Lease{}, err
	}
	l := *old
	l.EndsNs = t.state.nowNs + l.TTLMs*msNs
	t.put(&l)
	return l, nil
}

func (t *turn) release(c Release) (Lease, *problem.Error) {
	l, err := t.held(OpRelease, c.Name, c.Holder)
	if err != nil {
		return Lease{}, err
	}
	t.drop(l)
	t.emit((&Event{Released, *l}).encode())
	return *l, nil
}

func (t *turn) revoke(c Revoke) (Lease, *problem.Error) {
	if err := checkName(OpRevoke, c.Name); err != nil {
		return Lease{}, err
	}
	old := t.settle(c.Name, t.emit)
	switch {
	case old == nil || old.Standing == Lapsed:
		return Lease{}, &problem.Error{Kind: problem.NotFound, Op: OpRevoke, Subject: c.Name, Detail: "nobody holds it"}
	case old.Token.Seq != c.Seq:
		return t.state.asOf(old), &problem.Error{Kind: problem.Refused, Op: OpRevoke, Subject: c.Name,
			Detail: fmt.Sprintf("grant %d was meant, and by now it is grant %d, of %s", c.Seq, old.Token.Seq, old.holder())}
	case old.Standing == Revoked:
		return t.state.asOf(old), nil
	}
	l := t.state.asOf(old)
	l.Standing = Revoked
	t.put(&l)
	t.emit((&Event{WasRevoked, l}).encode())
	return l, nil
}

// held is the lease of who holds a name; whoever does not is told by whom it is held.
func (t *turn) held(op, name string, h fence.Holder) (*Lease, *problem.Error) {
	if err := checkName(op, name); err != nil {
		return nil, err
	}
	l := t.settle(name, t.emit)
	lost := func(why string) *problem.Error {
		return &problem.Error{Kind: problem.Expired, Op: op, Subject: name, Detail: "the lease is gone: " + why}
	}
	switch {
	case l == nil:
		return nil, lost("it was released or has lapsed, and nobody holds the name")
	case l.Token.Holder != h:
		return nil, lost("the name was granted to " + l.holder())
	case l.Standing == Lapsed:
		return nil, lost("it was not kept in time")
	case l.Standing == Revoked && op == OpKeep:
		return nil, lost("it was revoked")
	}
	return l, nil
}

// The words for what is done, in problems.
const (
	OpGrant, OpKeep, OpRelease, OpRevoke = "take lock", "keep lock", "release lock", "revoke lock"
)

func (c *Grant) check() *problem.Error {
	if err := checkName(OpGrant, c.Name); err != nil {
		return err
	}
	invalid := func(field, value, allowed string) *problem.Error {
		return &problem.Error{Kind: problem.Invalid, Op: OpGrant, Subject: c.Name, Field: field, Value: value, Allowed: allowed}
	}
	switch {
	case c.Holder == fence.Holder{}:
		return invalid("holder", "zero", "128 bits, drawn at random")
	case c.TTLMs < MinTTLMs || c.TTLMs > MaxTTLMs:
		return invalid("ttl", strconv.FormatInt(c.TTLMs, 10), fmt.Sprintf("%d to %d ms", MinTTLMs, MaxTTLMs))
	case c.DelayMs < 0 || c.DelayMs > MaxDelayMs:
		return invalid("delay", strconv.FormatInt(c.DelayMs, 10), fmt.Sprintf("0 to %d ms", MaxDelayMs))
	case !validOwner(c.Owner):
		return invalid("owner", strconv.QuoteToASCII(problem.Clip(c.Owner)), allowedOwner)
	}
	return nil
}

func checkName(op, name string) *problem.Error {
	if !validName(name) {
		return &problem.Error{Kind: problem.Invalid, Op: op, Field: "name", Value: strconv.QuoteToASCII(problem.Clip(name)), Allowed: allowedName}
	}
	return nil
}

// holder is who holds the lease, for people.
func (l *Lease) holder() string {
	owner := l.Owner
	if owner == "" {
		owner = "somebody"
	}
	return fmt.Sprintf("%s (holder %.8s)", owner, l.Token.Holder)
}

// inTheWay says why a name cannot be had, and when it may.
func (l *Lease) inTheWay() string {
	ends := time.Unix(0, l.EndsNs).UTC().Format("2006-01-02T15:04:05.000Z")
	switch l.Standing {
	case Revoked:
		return fmt.Sprintf("it was revoked, and %s may hold it until %s; lock-delay: %d ms", l.holder(), ends, l.DelayMs)
	case Lapsed:
		return fmt.Sprintf("%s had it and did not keep it; it is free at %s", l.holder(), ends)
	}
	return fmt.Sprintf("%s holds it; the lease ends at %s unless it is kept, lock-delay: %d ms", l.holder(), ends, l.DelayMs)
}
