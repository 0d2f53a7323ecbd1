package replica

import (
	"slices"

	"onevoice/step"
)

// target is one token of one group.
type target struct {
	member int
	token  step.Token
}

// tokens maps the node's tokens to those of its groups. The writes of all groups in one step become one write, so that
// they share one synchronisation of the disk; one token of the node then ends several of theirs.
type tokens struct {
	last    step.Token
	pending map[step.Token][]target
	merged  step.Write
	targets []target
}

// one gives the node's token for a single token of a group.
func (t *tokens) one(member int, token step.Token) step.Token {
	return t.put([]target{{member, token}})
}

func (t *tokens) put(targets []target) step.Token {
	if t.pending == nil {
		t.pending = map[step.Token][]target{}
	}
	t.last++
	t.pending[t.last] = targets
	return t.last
}

// write adds a group's write to the one of this step.
func (t *tokens) write(member int, w step.Write) {
	if len(t.targets) == 0 {
		t.merged.Ops = slices.Clip(w.Ops) // what lies behind them is the group's
	} else {
		t.merged.Ops = append(t.merged.Ops, w.Ops...)
	}
	t.merged.Sync = t.merged.Sync || w.Sync
	t.targets = append(t.targets, target{member, w.Token})
}

// close hands out the write of this step, if there is one.
func (t *tokens) close(out *step.Out) {
	if len(t.targets) == 0 {
		return
	}
	t.merged.Token = t.put(t.targets)
	out.Writes = append(out.Writes, t.merged)
	t.merged, t.targets = step.Write{}, nil
}

// take gives what a token of the node stands for, once.
func (t *tokens) take(token step.Token) []target {
	targets := t.pending[token]
	delete(t.pending, token)
	return targets
}
