package utm

import (
	"fmt"

	"onevoice/problem"
)

func (t turn) delete(d *Delete) Result {
	c := &checker{op: "delete " + d.Kind.String(), id: d.ID.String()}
	if c.kind(d.Kind); c.found != nil {
		return Result{Problem: c.found}
	}
	old := t.present(c, d.Kind, d.ID, d.Manager, d.Match, false)
	switch {
	case d.Kind == Intent && t.down(d.Manager):
		c.deny(problem.PreconditionFailed, "the USS is marked as Down, and may not delete an intent")
	case d.Kind == Subscription && t.register.dependentCount(d.ID, 1) > 0:
		c.deny(problem.Refused, "intents name the subscription: delete them first, or give them another")
	}
	if c.found != nil {
		return Result{Problem: c.found}
	}
	t.remove(old.entity, Deleted)
	r := Result{Entity: old.entity, Notified: old.notified}
	t.notify(&r, nil, old.entity)
	return r
}

func (t turn) setAvailability(a *SetAvailability) Result {
	c := &checker{op: "set availability", id: problem.Clip(a.USS)}
	c.text("uss_id", a.USS, MaxManagerBytes)
	c.ovn("version", a.OVN)
	if a.Availability > Down {
		c.fail(problem.Invalid, "availability", a.Availability.String(), "Unknown, Normal or Down")
	}
	old, there := t.register.uss.Get(a.USS)
	switch {
	case there && old.OVN != a.Match || !there && a.Match != "":
		c.deny(problem.Conflict, "it has changed: get it and name its present version")
	case !there && t.register.uss.Len() >= MaxManagers:
		c.deny(problem.Overloaded, fmt.Sprintf("there are %d, as many as may be", MaxManagers))
	}
	if c.found != nil {
		return Result{Problem: c.found}
	}
	n := &USS{a.USS, a.Availability, a.OVN}
	t.register.uss.Set(a.USS, n)
	return Result{USS: n}
}
