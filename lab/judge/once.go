package judge

import (
	"bytes"
	"cmp"
	"slices"
)

// retry names a command across its retries.
type retry struct {
	group        uint32
	session, seq uint64
}

type answer struct {
	index  uint64
	sub    uint32
	result []byte
}

// Replied hears every answer that says a command was applied, repeated ones too: all must be equal (S5).
func (c *Court) Replied(group uint32, session, seq, index uint64, sub uint32, result []byte) {
	key, now := retry{group, session, seq}, answer{index, sub, result}
	was, known := c.replies[key]
	if !known {
		now.result = bytes.Clone(result)
		c.replies[key] = now
		return
	}
	if was.index != index || was.sub != sub || !bytes.Equal(was.result, result) {
		c.Fail("S5", "group %d session %d seq %d: answered %x at %d.%d, and again %x at %d.%d", group, session, seq,
			was.result, was.index, was.sub, result, index, sub)
	}
}

// judgeEffects counts the effects of each command in the log: one for an acknowledged change (S5, S6), none for a refusal,
// at most one for an unknown outcome (S5). It needs EventID.
func (c *Court) judgeEffects(ops []Op) {
	for i := range ops {
		o := &ops[i]
		if o.Query || c.EventID == nil {
			continue
		}
		g := c.log(o.Group)
		at := g.effects[o.ID]
		switch {
		case len(at) > 1:
			c.Fail("S5", "group %d: command with effects at %v: %v", o.Group, at, o)
		case o.Outcome == OK && o.Changed && (len(at) == 0 || at[0].index != o.Index):
			c.Fail("S6", "group %d: acknowledged at index %d, in the log at %v: %v", o.Group, o.Index, at, o)
		case o.Outcome == OK && !o.Changed && len(at) > 0, o.Outcome == Refused && len(at) > 0:
			c.Fail("S5", "group %d: said to change nothing, and has an effect at %v: %v", o.Group, at, o)
		}
		if entry, known := g.entries[o.Index]; o.Outcome == OK && known && o.Hash != [32]byte{} && o.Hash != entry.Hash {
			c.Fail("S6", "group %d index %d: answer carries hash %x, the log %x: %v", o.Group, o.Index, o.Hash[:8], entry.Hash[:8], o)
		}
	}
}

// judgeSums checks keys that are only added to: what a read sees lies between the sum of what was acknowledged before it
// began and that plus all that may have happened before it ended (S5). All additions must be positive for the bounds to hold.
func (c *Court) judgeSums(ops []Op) {
	byKey := map[string][]*Op{}
	for i := range ops {
		o := &ops[i]
		key := groupKey(o)
		if o.Kind == Add || o.Kind == Read {
			byKey[key] = append(byKey[key], o)
		} else if o.Kind != Other {
			byKey[key] = append(byKey[key], nil) // not added to alone
		}
	}
	keys := make([]string, 0, len(byKey))
	for key := range byKey {
		keys = append(keys, key)
	}
	slices.SortFunc(keys, cmp.Compare[string])
	for _, key := range keys {
		if !slices.Contains(byKey[key], nil) {
			c.judgeSum(key, byKey[key])
		}
	}
}

func (c *Court) judgeSum(key string, ops []*Op) {
	for _, read := range ops {
		if read.Kind != Read || read.Outcome != OK {
			continue
		}
		var least, most int64
		for _, o := range ops {
			if o.Kind != Add || o.Outcome == Refused || o.CallNs > read.ReturnNs {
				continue
			}
			most += o.Arg
			if o.Outcome == OK && o.ReturnNs < read.CallNs {
				least += o.Arg
			}
		}
		if read.Value < least || read.Value > most {
			c.Fail("S5", "sum %s: read %d, acknowledged %d, at most %d: %v", key, read.Value, least, most, read)
			return
		}
	}
}
