package judge

import "onevoice/view"

// View hears of a view that a server holds (S4).
func (c *Court) View(server string, v view.View) {
	if was := c.views[v.Number]; was != nil {
		if was.Hash != v.Hash {
			c.Fail("S4", "view %d: %s has it with hash %x, another server with %x", v.Number, server, v.Hash[:8], was.Hash[:8])
		}
		return
	}
	before := c.views[v.Number-1]
	if before == nil && v.Number != 1 {
		c.Fail("S4", "view %d: %s has it, and nobody told of the one before", v.Number, server)
	}
	if before != nil {
		c.follows(server, before, &v)
	}
	c.views[v.Number] = &v
}

// follows checks one view against the one before it.
func (c *Court) follows(server string, before, v *view.View) {
	if v.Hash != v.Chain(before.Hash) {
		c.Fail("S4", "view %d: %s has it with a hash that does not go on from view %d", v.Number, server, before.Number)
	}
	for _, p := range v.Processes {
		was, known := before.Process(p.Server)
		switch {
		case !known:
		case p.Incarnation < was.Incarnation || p.Boot < was.Boot:
			c.Fail("S4", "view %d: server %d went back to start %d", v.Number, p.Server, p.Boot)
		case p.Incarnation == was.Incarnation && was.Standing == view.Down && p.Standing != view.Down:
			c.Fail("S4", "view %d: start %d of server %d is %s, and was down", v.Number, p.Boot, p.Server, p.Standing)
		}
	}
}

// Views counts the views that were told of.
func (c *Court) Views() int { return len(c.views) }
