package judge

// Hashed hears that a server named a chain hash for an index, in an answer or when asked (S7). It is for real servers, whose
// entries are not seen as they are applied.
func (c *Court) Hashed(server string, group uint32, index uint64, hash [32]byte) {
	g := c.log(group)
	if g.hashes == nil {
		g.hashes = map[uint64]state{}
	}
	was, known := g.hashes[index]
	if !known {
		g.hashes[index] = state{hash, server}
	} else if was.sum != hash {
		c.Fail("S7", "group %d index %d: %s says hash %x, %s said %x", group, index, server, hash[:8], was.server, was.sum[:8])
	}
}

// Hashes counts the indices for which a hash was named.
func (c *Court) Hashes(group uint32) int { return len(c.log(group).hashes) }
