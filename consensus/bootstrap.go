package consensus

import (
	"slices"

	"onevoice/step"
)

// Bootstrap returns what makes an empty store this group's first state, alike on every voter: the snapshot of the empty
// machine at index 1 with the voters. It is written with Sync before the first Open. An error names the wrong field of cfg.
func Bootstrap(cfg Config) ([]step.Op, error) {
	if err := cfg.check(); err != nil {
		return nil, err
	}
	if err := cfg.checkVoters(); err != nil {
		return nil, err
	}
	first := genesis(&cfg)
	sum := newContentSum()
	var ops []step.Op
	for chunk := range first.root(cfg.Group).chunks() {
		ops = append(ops, step.Op{Kind: step.Set, Key: keyOf(cfg.Group, keyChunk, first.index, sum.chunks), Value: chunk})
		sum.add(chunk)
	}
	meta := snapMeta{index: first.index, term: first.term, voters: slices.Clone(cfg.Voters), content: sum.content()}
	hard := hardState{term: first.term, commit: first.index}
	return append(ops,
		step.Op{Kind: step.Set, Key: keyOf(cfg.Group, keyHard), Value: hard.encode()},
		step.Op{Kind: step.Set, Key: keyOf(cfg.Group, keyMeta), Value: meta.encode()},
	), nil
}
