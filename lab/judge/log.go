package judge

import (
	"bytes"
	"fmt"
)

// Applied hears that a server, in its boot-th start, applied an entry (S2, S7).
func (c *Court) Applied(server string, boot int, group uint32, a Applied) {
	g := c.log(group)
	c.judgePlace(g, server, boot, group, a)
	was, known := g.entries[a.Index]
	if !known || was.Installed && !a.Installed && was.Hash == a.Hash {
		c.learn(g, group, a)
		return
	}
	switch {
	case was.Hash != a.Hash:
		c.Fail("S7", "group %d index %d: %s applied hash %x, another server %x", group, a.Index, server, a.Hash[:8], was.Hash[:8])
	case was.Epoch != a.Epoch:
		c.Fail("S2", "group %d index %d: %s applied it under epoch %v, another server under %v", group, a.Index, server, a.Epoch, was.Epoch)
	case was.View != a.View || !was.Installed && !a.Installed && was.By != a.By:
		c.Fail("S3", "group %d index %d: by %s it is of %v under view %d, by another server of %v under %d", group, a.Index, server, a.By, a.View, was.By, was.View)
	case was.LogTimeNs != a.LogTimeNs:
		c.Fail("S7", "group %d index %d: %s has log time %d, another server %d", group, a.Index, server, a.LogTimeNs, was.LogTimeNs)
	case !was.Installed && !a.Installed && !sameEvents(was.Events, a.Events):
		c.Fail("S7", "group %d index %d: %s emitted %d events unlike the %d of another server", group, a.Index, server, len(a.Events), len(was.Events))
	default:
		return
	}
	c.forget(g, group, was)
	c.learn(g, group, a)
}

func (c *Court) learn(g *groupLog, group uint32, a Applied) {
	g.entries[a.Index] = a
	g.last = max(g.last, a.Index)
	if c.EventID == nil {
		return
	}
	for i, event := range a.Events {
		if id, ok := c.EventID(group, a.Index, event); ok {
			g.effects[id] = append(g.effects[id], position{a.Index, uint32(i)})
		}
	}
}

// forget takes an entry back that a later apply contradicts: the log at the end is what counts for S6.
func (c *Court) forget(g *groupLog, group uint32, a Applied) {
	if c.EventID == nil {
		return
	}
	for _, event := range a.Events {
		if id, ok := c.EventID(group, a.Index, event); ok {
			delete(g.effects, id)
		}
	}
}

// judgePlace checks that one server goes on without gaps or steps back; a snapshot may take it forward at once.
func (c *Court) judgePlace(g *groupLog, server string, boot int, group uint32, a Applied) {
	p := g.servers[server]
	if p == nil || p.boot != boot {
		p = &place{boot: boot}
		g.servers[server] = p
	}
	if a.Index <= p.index {
		c.Fail("S7", "group %d: %s applied index %d after %d", group, server, a.Index, p.index)
	}
	if a.Epoch.Compare(p.epoch) < 0 {
		c.Fail("S2", "group %d index %d: %s went back from epoch %v to %v", group, a.Index, server, p.epoch, a.Epoch)
	}
	if a.LogTimeNs < p.logTimeNs {
		c.Fail("S7", "group %d index %d: log time of %s went back from %d to %d", group, a.Index, server, p.logTimeNs, a.LogTimeNs)
	}
	if v := c.views[p.view]; v != nil && v.Over(a.By.Server, a.By.Boot) {
		c.Fail("S3", "group %d index %d: %s let an entry take effect of start %d of server %d, which is over by view %d", group, a.Index, server, a.By.Boot, a.By.Server, p.view)
	}
	if a.View < p.view {
		c.Fail("S4", "group %d index %d: %s went back from view %d to %d", group, a.Index, server, p.view, a.View)
	}
	p.index, p.epoch, p.view, p.logTimeNs = a.Index, a.Epoch, a.View, a.LogTimeNs
}

// Led hears that a server has won the election of a term: nobody does so twice, the same server in another start neither (S2).
func (c *Court) Led(server string, boot int, group uint32, term uint64) {
	g, who := c.log(group), fmt.Sprintf("%s in its start %d", server, boot)
	if was, known := g.leaders[term]; known {
		c.Fail("S2", "group %d: %s leads in term %d, and so did %s", group, who, term, was)
	}
	g.leaders[term] = who
}

func sameEvents(a, b [][]byte) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if !bytes.Equal(a[i], b[i]) {
			return false
		}
	}
	return true
}

// State hears the hash of a server's whole state at an index (S7). what names what was hashed; only equals are compared.
func (c *Court) State(server string, group uint32, index uint64, sum [32]byte) {
	g := c.log(group)
	was, known := g.states[index]
	if !known {
		g.states[index] = state{sum, server}
	} else if was.sum != sum {
		c.Fail("S7", "group %d index %d: state of %s is %x, state of %s was %x", group, index, server, sum[:8], was.server, was.sum[:8])
	}
}

// States counts the indices at which a state was heard.
func (c *Court) States(group uint32) int { return len(c.log(group).states) }

// Knows says whether an entry was applied at an index with that hash.
func (c *Court) Knows(group uint32, index uint64, hash [32]byte) bool {
	g := c.log(group)
	a, known := g.entries[index]
	return known && a.Hash == hash || !known && index == 1
}

// Snapshot hears the hash over a snapshot that a server saves under a prefix which names group and index: every server's
// is the same (S7).
func (c *Court) Snapshot(server, prefix string, sum [32]byte) {
	was, known := c.snapshots[prefix]
	if !known {
		c.snapshots[prefix] = state{sum, server}
	} else if was.sum != sum {
		c.Fail("S7", "snapshot %x: that of %s is %x, that of %s was %x", prefix, server, sum[:8], was.server, was.sum[:8])
	}
}

// Events are those of an index; known is false where no server told them.
func (c *Court) Events(group uint32, index uint64) (events [][]byte, known bool) {
	a, known := c.log(group).entries[index]
	return a.Events, known && !a.Installed
}
