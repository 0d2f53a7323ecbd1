package core

import (
	"onevoice/codec"
	"onevoice/internal/mutant"
	"onevoice/view"
	"onevoice/wire"
)

// seen takes a view of the oracle.
func (c *Core) seen(nowNs int64, k int, r *codec.Reader, out *Out) {
	v, err := wire.DecodeView(r)
	if c.unasked(nowNs, k, err) {
		c.obey(&v, out)
		c.pump(nowNs, out)
	}
}

// obey ends the connections with whoever is down by a newer view: what they owe is asked elsewhere, and what still comes from them is
// dropped.
func (c *Core) obey(v *view.View, out *Out) {
	switch {
	case v.Number < c.view.Number:
		return
	case v.Number == c.view.Number:
		if v.Hash != c.view.Hash {
			c.stats.Contradicted++
		}
		return
	}
	c.view = *v
	for k := range c.servers {
		if s := &c.servers[k]; s.up && c.over(s) && !mutant.On(mutant.DownedIsHeard) {
			c.drop(k)
			out.Redial = append(out.Redial, k)
			c.stats.Fenced++
		}
	}
}

// over says whether the start of a server that is connected is over.
func (c *Core) over(s *server) bool { return c.view.Over(s.number, s.boot) }
