package utm

import (
	"errors"
	"fmt"
	"strconv"
	"strings"

	"onevoice/airspace/index"
	"onevoice/geo"
	"onevoice/problem"
)

// checker finds the first thing that is wrong with a command.
type checker struct {
	op    string
	id    string
	found *problem.Error
}

func (c *checker) fail(kind problem.Kind, field, value, allowed string) {
	if c.found == nil {
		c.found = &problem.Error{Kind: kind, Op: c.op, Subject: c.id, Field: field, Value: problem.Clip(value), Allowed: allowed}
	}
}

// deny refuses for a reason that is not a field's.
func (c *checker) deny(kind problem.Kind, detail string) {
	if c.found == nil {
		c.found = &problem.Error{Kind: kind, Op: c.op, Subject: c.id, Detail: detail}
	}
}

func (c *checker) text(field, s string, most int) {
	if s == "" || len(s) > most || strings.ContainsFunc(s, func(r rune) bool { return r <= ' ' || r > '~' }) {
		c.fail(problem.Invalid, field, strconv.QuoteToASCII(problem.Clip(s)), fmt.Sprintf("1 to %d printable ASCII characters without spaces", most))
	}
}

func (c *checker) ovn(field string, v OVN) {
	if len(v) != randomOVN && len(v) != suffixOVN {
		c.fail(problem.Invalid, field, fmt.Sprintf("%d bytes", len(v)), "16 or 32 bytes")
	}
}

func (c *checker) kind(k Kind) {
	if k < Intent || k > RIDSubscription {
		c.fail(problem.Invalid, "kind", k.String(), "1 to 5")
	}
}

func (c *checker) entity(k Kind, id ID, manager, url string) {
	c.kind(k)
	if (id == ID{}) {
		c.fail(problem.Invalid, "id", id.String(), "a UUID of version 4")
	}
	c.text("manager", manager, MaxManagerBytes)
	c.text("uss_base_url", url, MaxURLBytes)
}

func (c *checker) extent(x *Extent) {
	if len(x.Cells) == 0 {
		c.fail(problem.Invalid, "extents", "0 cells", fmt.Sprintf("1 to %d cells", MaxCells))
	}
	if n := len(x.Cells); n > MaxCells {
		c.fail(problem.TooLarge, "extents", fmt.Sprintf("%d cells", n), fmt.Sprintf("1 to %d cells", MaxCells))
	}
	for i, cell := range x.Cells {
		if !index.Valid(cell) || index.Level(cell) != CellLevel || i > 0 && x.Cells[i-1] >= cell {
			c.fail(problem.Invalid, fmt.Sprintf("cells[%d]", i), fmt.Sprintf("%#x", cell), "S2 cells of level 13, sorted, each once")
			break
		}
	}
	if x.FloorCm >= x.CeilingCm {
		c.fail(problem.Invalid, "extents.altitude_upper", fmt.Sprintf("%d cm", x.CeilingCm), fmt.Sprintf("above %d cm", x.FloorCm))
	}
	for _, ns := range [...]int64{x.BeginNs, x.EndNs} {
		if ns < geo.MinAtNs || ns > geo.MaxAtNs {
			c.fail(problem.Invalid, "extents.time", fmt.Sprintf("%d ns", ns), "from 1970 to 2200")
		}
	}
}

func (c *checker) volumes(list []Volume) {
	if len(list) > MaxVolumes {
		c.fail(problem.TooLarge, "extents", fmt.Sprintf("%d volumes", len(list)), fmt.Sprintf("up to %d volumes", MaxVolumes))
	}
	vertices := 0
	for i := range list {
		v := &list[i]
		for _, ring := range v.Area.Rings {
			vertices += len(ring)
		}
		if vertices > MaxVertices {
			c.fail(problem.TooLarge, "extents", fmt.Sprintf("over %d vertices", MaxVertices), fmt.Sprintf("up to %d vertices", MaxVertices))
			return
		}
		var wrong *geo.FieldError
		if errors.As(v.Area.Validate(), &wrong) {
			c.fail(problem.Invalid, fmt.Sprintf("extents[%d].%s", i, wrong.Field), wrong.Value, wrong.Allowed)
		}
		if v.BeginNs < geo.MinAtNs || v.EndNs > geo.MaxAtNs || v.BeginNs >= v.EndNs {
			c.fail(problem.Invalid, fmt.Sprintf("extents[%d].time_end", i), fmt.Sprintf("%d ns", v.EndNs), "after time_start, from 1970 to 2200")
		}
	}
}

// put checks the form of a Put: what can be told without the state.
func (c *checker) put(p *Put) {
	c.entity(p.Kind, p.ID, p.Manager, p.URL)
	c.extent(&p.Extent)
	c.volumes(p.Volumes)
	c.ovn("ovn", p.OVN)
	if len(p.Key) > MaxKey {
		c.fail(problem.TooLarge, "key", fmt.Sprintf("%d OVNs", len(p.Key)), fmt.Sprintf("up to %d OVNs", MaxKey))
	}
	switch {
	case p.Kind == Intent:
		c.intent(p)
	case p.Kind == Subscription && !p.NotifyIntents && !p.NotifyConstraints:
		c.fail(problem.Invalid, "notify_for_operational_intents", "false", "true, or notify_for_constraints true")
	}
}

func (c *checker) intent(p *Put) {
	if p.State < Accepted || p.State > Contingent {
		c.fail(problem.Invalid, "state", p.State.String(), "Accepted, Activated, Nonconforming or Contingent")
	}
	none := p.Subscription == ID{}
	if p.Implicit != nil {
		c.text("new_subscription.uss_base_url", p.Implicit.URL, MaxURLBytes)
		c.ovn("new_subscription.ovn", p.Implicit.OVN)
		if !none {
			c.fail(problem.Invalid, "subscription_id", p.Subscription.String(), "none together with new_subscription")
		}
		if (p.Implicit.ID == ID{}) {
			c.fail(problem.Invalid, "new_subscription.id", p.Implicit.ID.String(), "a UUID of version 4")
		}
	} else if none && p.State != Accepted {
		c.fail(problem.Invalid, "subscription_id", "missing", "a subscription, or new_subscription, in state "+p.State.String())
	}
}
