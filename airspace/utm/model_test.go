package utm

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"

	"onevoice/problem"
)

// epochNs is when the tests begin.
const epochNs = 1_800_000_000_000_000_000

// cellsAt are the cells of the tests: neighbours on one face.
func cellsAt(first, n int) []uint64 {
	var list []uint64
	for i := range n {
		list = append(list, uint64(1<<20+first+i)<<cellShift|1<<(cellShift-1))
	}
	return list
}

func idOf(n int) ID {
	id := ID{6: 0x40, 8: 0x80}
	id[14], id[15] = byte(n>>8), byte(n)
	return id
}

func ovnOf(n int) OVN { return OVN(fmt.Sprintf("%016d", n)) }

// naive is the same machine, told as plainly as possible: a list of everything.
type naive struct {
	now      int64
	things   []*Entity
	notified map[ID]uint32
	down     map[string]bool
}

func (n *naive) find(k Kind, id ID) *Entity {
	for _, e := range n.things {
		if e.Kind == k && e.ID == id {
			return e
		}
	}
	return nil
}

func (n *naive) meets(x, y *Extent) bool {
	common := slices.ContainsFunc(x.Cells, func(c uint64) bool { return slices.Contains(y.Cells, c) })
	return common && max(x.BeginNs, n.now) < y.EndNs && y.BeginNs < x.EndNs && max(y.BeginNs, n.now) < y.EndNs && n.now < x.EndNs && x.FloorCm < y.CeilingCm && y.FloorCm < x.CeilingCm
}

func (n *naive) near(k Kind, x *Extent) []ID {
	var list []ID
	for _, e := range n.things {
		if e.Kind == k && n.meets(x, &e.Extent) {
			list = append(list, e.ID)
		}
	}
	slices.SortFunc(list, func(a, b ID) int { return bytes.Compare(a[:], b[:]) })
	return list
}

func (n *naive) users(sub ID) (count int) {
	for _, e := range n.things {
		if e.Subscription == sub && sub != (ID{}) {
			count++
		}
	}
	return count
}

func (n *naive) drop(k Kind, id ID) {
	e := n.find(k, id)
	n.things = slices.DeleteFunc(n.things, func(o *Entity) bool { return o == e })
	if k == Subscription || k == RIDSubscription {
		delete(n.notified, id)
	}
	n.tidy()
}

// tidy removes implicit subscriptions that no intent names.
func (n *naive) tidy() {
	n.things = slices.DeleteFunc(n.things, func(o *Entity) bool {
		gone := o.Implicit && n.users(o.ID) == 0
		if gone {
			delete(n.notified, o.ID)
		}
		return gone
	})
}

func (n *naive) advance(now int64) {
	n.now = now
	for _, k := range []Kind{Intent, Constraint, Subscription, ISA, RIDSubscription} {
		for _, e := range slices.Clone(n.things) {
			if e.Kind == k && e.Extent.EndNs+RetainNs <= now && n.find(k, e.ID) != nil {
				n.drop(k, e.ID)
			}
		}
	}
}

func within(x, y *Extent) bool {
	return y.union(x).EndNs == y.EndNs && reflect.DeepEqual(y.union(x), *y)
}

// put gives the kind of problem, 0 for none, and what is to be told.
func (n *naive) put(p *Put) (problem.Kind, []ID) {
	old := n.find(p.Kind, p.ID)
	switch {
	case p.Match == "" && old != nil:
		return problem.Conflict, nil
	case p.Match != "" && old == nil:
		return problem.NotFound, nil
	case old != nil && old.Manager != p.Manager:
		return problem.Forbidden, nil
	case old != nil && old.OVN != p.Match:
		return problem.Conflict, nil
	case p.Extent.EndNs <= n.now:
		return problem.Invalid, nil
	case p.Extent.EndNs-p.Extent.BeginNs > MaxSubscriptionNs && (p.Kind == Subscription || p.Kind == RIDSubscription):
		return problem.Invalid, nil
	case p.Extent.BeginNs < n.now-MaxClockSkewNs && p.Kind >= Subscription && (old == nil || old.Extent.BeginNs != p.Extent.BeginNs):
		return problem.Invalid, nil
	}
	e := &Entity{Kind: p.Kind, ID: p.ID, Manager: p.Manager, Extent: p.Extent, OVN: p.OVN, State: p.State, NotifyIntents: p.NotifyIntents, NotifyConstraints: p.NotifyConstraints}
	var sub *Entity
	switch p.Kind {
	case Subscription:
		for _, o := range n.things {
			if o.Subscription == p.ID && (!p.NotifyIntents || !within(&o.Extent, &p.Extent)) {
				return problem.Invalid, nil
			}
		}
	case RIDSubscription:
		for _, c := range p.Extent.Cells {
			count := 0
			for _, o := range n.things {
				if o.Kind == RIDSubscription && o.Manager == p.Manager && o.ID != p.ID && slices.Contains(o.Extent.Cells, c) && o.Extent.EndNs > n.now {
					count++
				}
			}
			if count >= MaxRIDSubscriptions {
				return problem.Overloaded, nil
			}
		}
	case Intent:
		var kind problem.Kind
		if sub, kind = n.attach(p, old); kind != 0 {
			return kind, nil
		}
		if p.State <= Activated && n.lacks(p, sub) {
			return problem.Conflict, nil
		}
	}
	if sub != nil {
		e.Subscription = sub.ID
		n.things = slices.DeleteFunc(n.things, func(o *Entity) bool { return o.Kind == Subscription && o.ID == sub.ID })
		n.things = append(n.things, sub)
	}
	n.things = append(slices.DeleteFunc(n.things, func(o *Entity) bool { return o == old }), e)
	n.tidy()
	return 0, n.tell(e, old)
}

func (n *naive) attach(p *Put, old *Entity) (*Entity, problem.Kind) {
	switch {
	case p.State > Activated && !p.MayOffNominal:
		return nil, problem.Forbidden
	case p.State <= Activated && n.down[p.Manager]:
		return nil, problem.PreconditionFailed
	case old != nil && old.State == Contingent && p.State != Contingent:
		return nil, problem.Invalid
	case p.Implicit != nil:
		sub := &Entity{Kind: Subscription, ID: p.Implicit.ID, Manager: p.Manager, Extent: p.Extent, OVN: p.Implicit.OVN, NotifyIntents: true, NotifyConstraints: p.Implicit.NotifyConstraints, Implicit: true}
		if old != nil && n.users(old.Subscription) == 1 && n.find(Subscription, old.Subscription).Implicit {
			sub.ID = old.Subscription
		} else if n.find(Subscription, sub.ID) != nil {
			return nil, problem.Conflict
		}
		return sub, 0
	case p.Subscription == ID{}:
		return nil, 0
	}
	sub := n.find(Subscription, p.Subscription)
	switch {
	case sub == nil:
		return nil, problem.Invalid
	case sub.Manager != p.Manager:
		return nil, problem.Forbidden
	case !sub.NotifyIntents:
		return nil, problem.Invalid
	case within(&p.Extent, &sub.Extent):
		return sub, 0
	case !sub.Implicit:
		return nil, problem.Invalid
	}
	c := *sub
	c.Extent, c.OVN = sub.Extent.union(&p.Extent), p.OVN
	return &c, 0
}

func (n *naive) lacks(p *Put, sub *Entity) bool {
	for _, k := range []Kind{Intent, Constraint} {
		if k == Constraint && (sub == nil || !sub.NotifyConstraints) {
			continue
		}
		for _, id := range n.near(k, &p.Extent) {
			if (k != Intent || id != p.ID) && !slices.Contains(p.Key, n.find(k, id).OVN) {
				return true
			}
		}
	}
	return false
}

func (n *naive) tell(now, was *Entity) []ID {
	var list []ID
	for _, o := range n.things {
		e := now
		if e == nil {
			e = was
		}
		wants := e.Kind == Intent && o.NotifyIntents || e.Kind == Constraint && o.NotifyConstraints || e.Kind == ISA && o.Kind == RIDSubscription
		if wants && (now != nil && n.meets(&now.Extent, &o.Extent) || was != nil && n.meets(&was.Extent, &o.Extent)) {
			list = append(list, o.ID)
			n.notified[o.ID]++
		}
	}
	slices.SortFunc(list, func(a, b ID) int { return bytes.Compare(a[:], b[:]) })
	return list
}

func (n *naive) delete(d *Delete) (problem.Kind, []ID) {
	old := n.find(d.Kind, d.ID)
	switch {
	case old == nil:
		return problem.NotFound, nil
	case old.Manager != d.Manager:
		return problem.Forbidden, nil
	case old.OVN != d.Match:
		return problem.Conflict, nil
	case d.Kind == Intent && n.down[d.Manager]:
		return problem.PreconditionFailed, nil
	case d.Kind == Subscription && n.users(d.ID) > 0:
		return problem.Refused, nil
	}
	n.drop(d.Kind, d.ID)
	return 0, n.tell(nil, old)
}
