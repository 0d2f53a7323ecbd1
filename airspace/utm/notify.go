package utm

import (
	"bytes"
	"slices"
)

// notify counts a change of an entity in each subscription that it is relevant to, before or after, and lists them.
func (t turn) notify(r *Result, now, was *Entity) {
	e := now
	if e == nil {
		e = was
	}
	k := Subscription
	switch e.Kind {
	case Subscription, RIDSubscription:
		return
	case ISA:
		k = RIDSubscription
	}
	s := &t.register.shelves[k]
	var found []numbered
	for _, x := range [...]*Entity{now, was} {
		if x == nil {
			continue
		}
		s.search(&x.Extent, t.register.nowNs, func(number uint32, at *place) {
			if o := at.entity; e.Kind == ISA || e.Kind == Intent && o.NotifyIntents || e.Kind == Constraint && o.NotifyConstraints {
				found = append(found, numbered{o.ID, number})
			}
		})
	}
	slices.SortFunc(found, func(a, b numbered) int { return bytes.Compare(a.id[:], b.id[:]) })
	found = slices.Compact(found)
	r.MoreSubscribers = len(found) > MaxSubscribers
	for i, f := range found {
		at := *s.places.At(f.number)
		at.notified++
		s.places.Set(f.number, at)
		if i < MaxSubscribers {
			r.Subscribers = append(r.Subscribers, Subscriber{f.id, at.entity.URL, at.notified})
		}
	}
}
