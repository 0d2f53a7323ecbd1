package consensus

import (
	"fmt"
	"slices"

	"onevoice/step"
)

// Bootstrap returns what makes an empty store this group's first state, alike on every voter: the snapshot of the empty
// machine at index 1 with the voters. It is written with Sync before the first Open. An error names the wrong field of cfg.
func Bootstrap(cfg Config) ([]step.Op, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	return bootstrap(cfg, genesis(&cfg))
}

// bootstrap makes the ops of a group that begins with first.
func bootstrap(cfg Config, first *state) ([]step.Op, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if err := cfg.checkVoters(); err != nil {
		return nil, err
	}
	if known := cfg.Versions.orDefault(); !known.Has(first.version) {
		return nil, fmt.Errorf("consensus: group %d: %w", cfg.Group, machineVersion(first.version, known))
	}
	first.members = members{voters: slices.Clone(cfg.Voters), learners: slices.Clone(cfg.Learners)}
	sum := newContentSum()
	var ops []step.Op
	for chunk := range first.root(cfg.Group).chunks() {
		ops = append(ops, step.Op{Kind: step.Set, Key: keyOf(cfg.Group, keyChunk, first.index, sum.chunks), Value: chunk})
		sum.add(chunk)
	}
	meta := snapMeta{index: first.index, term: first.term, members: first.members, content: sum.content()}
	hard := hardState{term: first.term, commit: first.index}
	return append(ops,
		step.Op{Kind: step.Set, Key: keyOf(cfg.Group, keyHard), Value: hard.encode()},
		step.Op{Kind: step.Set, Key: keyOf(cfg.Group, keyMeta), Value: meta.encode()},
	), nil
}

// Vacant returns what makes an empty store that of a server which joins this group later: it knows no members and waits for a
// leader to find it; the first it takes is a snapshot. It is written with Sync before the first Open. An error names the wrong field
// of cfg.
func Vacant(cfg Config) ([]step.Op, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	meta := snapMeta{content: newContentSum().content()}
	return []step.Op{
		{Kind: step.Set, Key: keyOf(cfg.Group, keyHard), Value: hardState{}.encode()},
		{Kind: step.Set, Key: keyOf(cfg.Group, keyMeta), Value: meta.encode()},
	}, nil
}
