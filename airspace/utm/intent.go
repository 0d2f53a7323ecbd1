package utm

import (
	"bytes"
	"fmt"
	"slices"

	"onevoice/problem"
)

// attached is the subscription that an intent will have, and what has to be put for that.
type attached struct {
	sub *Entity // nil for none
	was place   // what sub replaces, where changed
	// changed says that sub is to be stored.
	changed bool
}

func (t turn) putIntent(c *checker, p *Put, e, old *Entity) Result {
	t.mayPut(c, p, old)
	a := t.attach(c, p, e, old)
	if c.found != nil {
		return Result{Problem: c.found}
	}
	if !e.State.OffNominal() {
		if r := t.missing(c, p, e, a.sub); r.Problem != nil {
			return r
		}
	}
	if a.changed {
		t.store(a.sub, a.was.entity, a.was.notified)
	}
	if a.sub != nil {
		e.Subscription = a.sub.ID
	}
	return t.finish(e, place{entity: old})
}

// mayPut checks rights, availability and the way of states.
func (t turn) mayPut(c *checker, p *Put, old *Entity) {
	switch {
	case p.State.OffNominal() && !p.MayOffNominal:
		c.deny(problem.Forbidden, "state "+p.State.String()+" needs the right of conformance monitoring")
	case !p.State.OffNominal() && t.down(p.Manager):
		c.deny(problem.PreconditionFailed, "the USS is marked as Down, and may not accept or activate an intent")
	case old != nil && old.State == Contingent && p.State != Contingent:
		c.fail(problem.Invalid, "state", p.State.String(), "Contingent, since the intent is: it can only be deleted")
	}
}

func (t turn) down(manager string) bool {
	u, ok := t.register.uss.Get(manager)
	return ok && u.Availability == Down
}

// attach finds or makes the subscription of an intent. It changes nothing.
func (t turn) attach(c *checker, p *Put, e, old *Entity) attached {
	switch {
	case c.found != nil || p.Implicit == nil && p.Subscription == ID{}:
		return attached{}
	case p.Implicit != nil:
		return t.attachImplicit(c, p.Implicit, e, old)
	}
	at, ok := t.register.shelves[Subscription].get(p.Subscription)
	if !ok {
		c.fail(problem.Invalid, "subscription_id", p.Subscription.String(), "a subscription that exists")
		return attached{}
	}
	sub := at.entity
	mine := old != nil && old.Subscription == sub.ID
	switch {
	case sub.Manager != p.Manager:
		c.deny(problem.Forbidden, "subscription "+sub.ID.String()+" is another manager's")
	case !sub.NotifyIntents:
		c.fail(problem.Invalid, "subscription_id", sub.ID.String(), "a subscription that notifies for operational intents")
	case !mine && t.register.dependentCount(sub.ID, MaxDependents) >= MaxDependents:
		c.deny(problem.Overloaded, fmt.Sprintf("%d intents name subscription %s, as many as may", MaxDependents, sub.ID))
	case sub.Extent.covers(&e.Extent):
		return attached{sub: sub}
	case !sub.Implicit:
		c.fail(problem.Invalid, "subscription_id", sub.ID.String(), "a subscription that covers the intent in area, altitude and time")
	default:
		return t.stretch(c, at, e)
	}
	return attached{}
}

// stretch makes an implicit subscription cover one more intent.
func (t turn) stretch(c *checker, at place, e *Entity) attached {
	n := *at.entity
	n.Extent = n.Extent.union(&e.Extent)
	n.OVN, n.Version = e.OVN, n.Version+1
	if len(n.Extent.Cells) > MaxCells {
		c.fail(problem.TooLarge, "subscription_id", fmt.Sprintf("%d cells", len(n.Extent.Cells)), fmt.Sprintf("up to %d cells, with all intents that name the implicit subscription", MaxCells))
	}
	return attached{&n, at, true}
}

// attachImplicit makes a subscription for an intent, or changes the one that it alone has.
func (t turn) attachImplicit(c *checker, i *Implicit, e, old *Entity) attached {
	n := &Entity{
		Kind: Subscription, ID: i.ID, Manager: e.Manager, URL: i.URL, Extent: e.Extent, OVN: i.OVN, Version: 1,
		NotifyIntents: true, NotifyConstraints: i.NotifyConstraints, Implicit: true,
	}
	if old != nil {
		was, ok := t.register.shelves[Subscription].get(old.Subscription)
		if ok && was.entity.Implicit && t.register.dependentCount(old.Subscription, 2) == 1 {
			n.ID, n.Version = was.entity.ID, was.entity.Version+1
			return attached{n, was, true}
		}
	}
	if _, used := t.register.shelves[Subscription].get(i.ID); used {
		c.deny(problem.Conflict, "there is a subscription "+i.ID.String()+": draw another identifier")
	}
	if t.register.Count(Subscription) >= MaxEntities {
		c.deny(problem.Overloaded, fmt.Sprintf("there are %d subscriptions, as many as may be", MaxEntities))
	}
	return attached{sub: n, changed: true}
}

// missing says what is relevant to an intent and not in its key.
func (t turn) missing(c *checker, p *Put, e, sub *Entity) Result {
	relevant := t.relevant(Intent, &e.Extent, e.ID)
	intents := len(relevant)
	if sub != nil && sub.NotifyConstraints {
		relevant = append(relevant, t.relevant(Constraint, &e.Extent, ID{})...)
	}
	if len(relevant) == 0 {
		return Result{}
	}
	known := make(map[OVN]bool, len(relevant))
	for _, o := range relevant {
		known[o.OVN] = false
	}
	for _, v := range p.Key {
		if _, asked := known[v]; asked {
			known[v] = true
		}
	}
	var r Result
	add := func(list []ID, from []*Entity) []ID {
		for _, o := range from {
			if !known[o.OVN] {
				list = append(list, o.ID)
			}
		}
		slices.SortFunc(list, func(a, b ID) int { return bytes.Compare(a[:], b[:]) })
		r.MoreMissing = r.MoreMissing || len(list) > MaxMissing
		return list[:min(len(list), MaxMissing)]
	}
	r.MissingIntents, r.MissingConstraints = add(nil, relevant[:intents]), add(nil, relevant[intents:])
	if len(r.MissingIntents)+len(r.MissingConstraints) > 0 {
		c.deny(problem.Conflict, "the key lacks OVNs of relevant intents or constraints")
		r.Problem = c.found
	}
	return r
}

// relevant gives the entities of a kind that an extent meets, but for one, in no order that means anything.
func (t turn) relevant(k Kind, x *Extent, but ID) []*Entity {
	var list []*Entity
	t.register.shelves[k].search(x, t.register.nowNs, func(_ uint32, at *place) {
		if at.entity.ID != but {
			list = append(list, at.entity)
		}
	})
	return list
}
