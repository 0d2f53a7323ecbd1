package utm

import (
	"fmt"

	"onevoice/geo"
	"onevoice/problem"
)

func (t turn) put(p *Put) Result {
	c := &checker{op: "put " + p.Kind.String(), id: p.ID.String()}
	if c.put(p); c.found != nil {
		return Result{Problem: c.found}
	}
	old := t.present(c, p.Kind, p.ID, p.Manager, p.Match, p.Match == "")
	e := &Entity{
		Kind: p.Kind, ID: p.ID, Manager: p.Manager, URL: p.URL, Extent: p.Extent, Volumes: p.Volumes, OVN: p.OVN, Version: 1, State: p.State,
		NotifyIntents: p.NotifyIntents, NotifyConstraints: p.NotifyConstraints,
	}
	if p.Kind != Intent {
		e.State = 0
	}
	if p.Kind != Subscription {
		e.NotifyIntents, e.NotifyConstraints = false, false
	}
	if old.entity != nil {
		e.Version = old.entity.Version + 1
	}
	if c.found == nil {
		t.settle(c, e, old.entity)
	}
	if c.found != nil {
		return Result{Problem: c.found}
	}
	if p.Kind == Intent {
		return t.putIntent(c, p, e, old.entity)
	}
	return t.finish(e, old)
}

// finish stores an entity and counts the notifications that this makes.
func (t turn) finish(e *Entity, old place) Result {
	t.store(e, old.entity, old.notified)
	r := Result{Entity: e, Notified: old.notified}
	t.notify(&r, e, old.entity)
	return r
}

// present finds what a command is about and checks who asks and which version is meant.
func (t turn) present(c *checker, k Kind, id ID, manager string, match OVN, create bool) place {
	old, there := t.register.shelves[k].get(id)
	switch {
	case create && there:
		c.deny(problem.Conflict, "there is one with this identifier")
	case create && t.register.Count(k) >= MaxEntities:
		c.deny(problem.Overloaded, fmt.Sprintf("there are %d, as many as may be", MaxEntities))
	case create:
	case !there:
		c.deny(problem.NotFound, "there is none with this identifier")
	case old.entity.Manager != manager:
		c.deny(problem.Forbidden, "it is another manager's")
	case old.entity.OVN != match:
		c.deny(problem.Conflict, "it has changed: get it and name its present version")
	}
	return old
}

// settle fills in the times that were left open and checks what depends on the present.
func (t turn) settle(c *checker, e, old *Entity) {
	switch e.Kind {
	case Intent:
		c.within(&e.Extent, t.register.nowNs, MaxIntentHorizonNs)
	case Constraint:
		c.within(&e.Extent, t.register.nowNs, MaxConstraintHorizonNs)
	case ISA:
		t.adjust(c, e, old)
		c.within(&e.Extent, t.register.nowNs, MaxIntentHorizonNs)
	default:
		t.adjust(c, e, old)
		c.within(&e.Extent, t.register.nowNs, MaxConstraintHorizonNs)
		if x := &e.Extent; c.found == nil && x.EndNs-x.BeginNs > MaxSubscriptionNs {
			c.fail(problem.Invalid, "extents.time_end", fmt.Sprintf("%d s after time_start", (x.EndNs-x.BeginNs)/second), "up to 24 hours after it")
		}
		t.checkDependents(c, e, old)
		t.checkCrowd(c, e)
	}
}

// within refuses a time that is over or beyond the horizon.
func (c *checker) within(x *Extent, nowNs, horizonNs int64) {
	if x.EndNs <= x.BeginNs {
		c.fail(problem.Invalid, "extents.time_end", fmt.Sprintf("%d ns", x.EndNs), "after time_start")
	}
	if x.EndNs <= nowNs {
		c.fail(problem.Invalid, "extents.time_end", fmt.Sprintf("%d s ago", (nowNs-x.EndNs)/second), "later than now")
	}
	if x.EndNs-nowNs > horizonNs || x.EndNs > geo.MaxAtNs {
		c.fail(problem.Invalid, "extents.time_end", fmt.Sprintf("%d s from now", (x.EndNs-nowNs)/second), fmt.Sprintf("up to %d days from now, and 2200", horizonNs/(24*hour)))
	}
}

// adjust gives a subscription or service area the times that its user left open.
func (t turn) adjust(c *checker, e, old *Entity) {
	x, now := &e.Extent, t.register.nowNs
	switch {
	case x.BeginNs != 0 && x.BeginNs < now-MaxClockSkewNs && (old == nil || x.BeginNs != old.Extent.BeginNs):
		c.fail(problem.Invalid, "extents.time_start", fmt.Sprintf("%d s ago", (now-x.BeginNs)/second), "up to 300 s ago")
	case x.BeginNs == 0 && old != nil:
		x.BeginNs = old.Extent.BeginNs
	case x.BeginNs == 0:
		x.BeginNs = now
	}
	switch {
	case x.EndNs != 0:
	case old != nil:
		x.EndNs = old.Extent.EndNs
	case e.Kind == ISA:
		c.fail(problem.Invalid, "extents.time_end", "missing", "an instant later than now")
	default:
		x.EndNs = x.BeginNs + MaxSubscriptionNs
	}
}

// maxLooked bounds the dependent intents that are held against a subscription that becomes smaller.
const maxLooked = 1000

// checkDependents refuses a subscription that no longer covers what depends on it.
func (t turn) checkDependents(c *checker, e, old *Entity) {
	if c.found != nil || old == nil || old.Kind != Subscription {
		return
	}
	n := t.register.dependentCount(e.ID, maxLooked+1)
	switch {
	case n == 0:
		return
	case !e.NotifyIntents:
		c.fail(problem.Invalid, "notify_for_operational_intents", "false", "true while intents name the subscription")
	case e.Extent.covers(&old.Extent):
		return
	case n > maxLooked:
		c.fail(problem.Invalid, "extents", "smaller", fmt.Sprintf("not less than now while over %d intents name the subscription", maxLooked))
	}
	t.register.eachDependent(e.ID, ID{}, func(id ID) bool {
		if at, _ := t.register.shelves[Intent].get(id); !e.Extent.covers(&at.entity.Extent) {
			c.fail(problem.Invalid, "extents", "not around intent "+id.String(), "an area and time that cover the intents which name the subscription")
		}
		return c.found == nil
	})
}

// checkCrowd bounds the remote ID subscriptions of a manager in a cell that have not ended.
func (t turn) checkCrowd(c *checker, e *Entity) {
	if c.found != nil || e.Kind != RIDSubscription {
		return
	}
	x := e.Extent
	x.FloorCm, x.CeilingCm, x.BeginNs, x.EndNs = NoFloorCm, NoCeilingCm, t.register.nowNs, maxNs
	counts := make([]uint8, len(x.Cells))
	t.register.shelves[RIDSubscription].search(&x, t.register.nowNs, func(_ uint32, at *place) {
		o := at.entity
		if o.Manager != e.Manager || o.ID == e.ID {
			return
		}
		i := 0
		for _, cell := range o.Extent.Cells {
			for i < len(x.Cells) && x.Cells[i] < cell {
				i++
			}
			if i < len(x.Cells) && x.Cells[i] == cell {
				counts[i]++
			}
		}
	})
	for i, n := range counts {
		if n >= MaxRIDSubscriptions {
			c.fail(problem.Overloaded, "cells", fmt.Sprintf("%#x with %d subscriptions of %s", x.Cells[i], n, problem.Clip(e.Manager)), fmt.Sprintf("up to %d of one USS in a cell", MaxRIDSubscriptions))
			return
		}
	}
}
