package consensus

import (
	"bytes"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"onevoice/step"
)

// usedStore is the disk of a server with a snapshot, entries below it and entries above it.
func usedStore(t *testing.T) *simDisk {
	w := newWorld(t, 1, 1, Limits{SnapshotEntries: 20, KeepEntries: 5})
	id := w.openSession()
	w.write(id, 1, 30)
	w.run(200)
	d := w.servers[1].disk
	if m := w.servers[1].group.snap.meta; m.index < 20 || m.chunks < 3 || len(w.servers[1].keys(keyEntry)) < 10 {
		t.Fatalf("snapshot %+v", m)
	}
	return d
}

func oneVoter() Config {
	return Config{Group: testGroup, Self: 1, Voters: []uint64{1}, NewMachine: newToy, Rand: rand.New(rand.NewPCG(1, 1))}
}

func TestOpenRefusesEveryFlippedBit(t *testing.T) {
	d := usedStore(t)
	if _, err := Open(oneVoter(), d.scan); err != nil {
		t.Fatal(err)
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, k := range slices.Sorted(maps.Keys(d.seen)) {
		whole := d.seen[k]
		for at := 0; at < len(whole); at += 1 + len(whole)/20 {
			d.seen[k] = bytes.Clone(whole)
			d.seen[k][at] ^= 1 << rng.IntN(8)
			if _, err := Open(oneVoter(), d.scan); err == nil {
				t.Fatalf("key %x: byte %d of %d was flipped and nobody noticed", k, at, len(whole))
			}
		}
		for _, n := range []int{0, 3, len(whole) / 2, len(whole) - 1} {
			d.seen[k] = whole[:n]
			if _, err := Open(oneVoter(), d.scan); err == nil {
				t.Fatalf("key %x: cut to %d of %d bytes and nobody noticed", k, n, len(whole))
			}
		}
		d.seen[k] = whole
	}
}

func TestOpenRefusesMissingKeys(t *testing.T) {
	d := usedStore(t)
	entries := 0
	first := true
	for _, k := range slices.Sorted(maps.Keys(d.seen)) {
		isEntry := k[keyPrefixBytes-1] == keyEntry
		if isEntry && first {
			first = false
			continue // the oldest entry kept may go, with the next one in its place
		}
		whole := d.seen[k]
		delete(d.seen, k)
		if _, err := Open(oneVoter(), d.scan); err == nil {
			t.Errorf("key %x is missing and nobody noticed", k)
		}
		d.seen[k] = whole
		if isEntry {
			entries++
		}
	}
	if entries < 10 {
		t.Fatalf("only %d entries", entries)
	}
}

func TestOpenRefuses(t *testing.T) {
	hard := string(keyOf(testGroup, keyHard))
	meta := string(keyOf(testGroup, keyMeta))
	set := func(key string, value []byte) func(*simDisk, *Config) {
		return func(d *simDisk, _ *Config) { d.seen[key] = value }
	}
	for _, c := range []struct {
		what, want string
		do         func(*simDisk, *Config)
	}{
		{"nothing at all", "missing", func(d *simDisk, _ *Config) { d.seen = nil }},
		{"another version", "format version 9", func(d *simDisk, _ *Config) { d.seen[hard][0] = 9 }},
		{"an entry in another's place", "holds entry", func(d *simDisk, _ *Config) {
			d.seen[string(keyOf(testGroup, keyEntry, 28))] = d.seen[string(keyOf(testGroup, keyEntry, 27))]
		}},
		{"a commit index above the log", "commits 1000", set(hard, hardState{term: 9, commit: 1000}.encode())},
		{"a commit index below the snapshot", "commits 3", set(hard, hardState{term: 9, commit: 3}.encode())},
		{"a term below the log's", "of term 1", set(hard, hardState{term: 1, commit: 30}.encode())},
		{"a vote for a client", "votes for 65537", set(hard, hardState{term: 9, vote: uint64(step.MaxServer) + 1, commit: 30}.encode())},
		{"a snapshot record of other content", "promised", func(d *simDisk, _ *Config) {
			m, err := decodeMeta(d.seen[meta])
			if err != nil {
				t.Fatal(err)
			}
			m.sum[3]++
			d.seen[meta] = m.encode()
		}},
		{"a snapshot record of another term", "of term", func(d *simDisk, _ *Config) {
			m, err := decodeMeta(d.seen[meta])
			if err != nil {
				t.Fatal(err)
			}
			m.term++
			d.seen[meta] = m.encode()
		}},
		{"a snapshot record of other members", "of members [1]+[7] of change 0", func(d *simDisk, _ *Config) {
			m, err := decodeMeta(d.seen[meta])
			if err != nil {
				t.Fatal(err)
			}
			m.members.learners = []uint64{7}
			d.seen[meta] = m.encode()
		}},
		{"group 0", "Config.Group", func(_ *simDisk, c *Config) { c.Group = 0 }},
		{"server 0", "Config.Self", func(_ *simDisk, c *Config) { c.Self = 0 }},
		{"a client's number", "Config.Self", func(_ *simDisk, c *Config) { c.Self = uint64(step.MaxServer) + 1 }},
		{"no machine", "Config.NewMachine", func(_ *simDisk, c *Config) { c.NewMachine = nil }},
		{"no source of chance", "Config.Rand", func(_ *simDisk, c *Config) { c.Rand = nil }},
		{"a stray key", "bytes", func(d *simDisk, _ *Config) { d.seen[string(keyOf(testGroup, keyEntry))] = []byte("x") }},
		{"a machine that does not load", "unloadable", func(d *simDisk, _ *Config) { unloadable(d) }},
	} {
		d, cfg := usedStore(t), oneVoter()
		c.do(d, &cfg)
		if _, err := Open(cfg, d.scan); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: error %v, wanted one with %q", c.what, err, c.want)
		}
	}
}

// unloadable writes a consistent snapshot that the machine refuses.
func unloadable(d *simDisk) {
	cfg := oneVoter()
	first := genesis(&cfg)
	first.machine.Apply(first.at(0, 0), toyOp("unloadable", 1), func([]byte) {})
	sum := newContentSum()
	d.seen = map[string][]byte{}
	for c := range first.root(testGroup).chunks() {
		d.seen[string(keyOf(testGroup, keyChunk, 1, sum.chunks))] = c
		sum.add(c)
	}
	meta := snapMeta{index: 1, term: 1, members: members{voters: cfg.Voters}, content: sum.content()}
	d.seen[string(keyOf(testGroup, keyMeta))] = meta.encode()
	d.seen[string(keyOf(testGroup, keyHard))] = hardState{term: 1, commit: 1}.encode()
}

func TestBootstrapRefuses(t *testing.T) {
	for _, voters := range [][]uint64{nil, {2, 1}, {1, 1}, {0, 1}, {1, uint64(step.MaxServer) + 1}} {
		cfg := oneVoter()
		cfg.Voters = voters
		if _, err := Bootstrap(cfg); err == nil || !strings.Contains(err.Error(), "Config.Voters") {
			t.Errorf("voters %v: %v", voters, err)
		}
	}
	cfg := oneVoter()
	cfg.Group = 0
	if _, err := Bootstrap(cfg); err == nil {
		t.Error("group 0 was accepted")
	}
}

// All voters begin with the same bytes.
func TestBootstrapIsAlikeEverywhere(t *testing.T) {
	var want []step.Op
	for self := uint64(1); self <= 3; self++ {
		cfg := Config{Group: testGroup, Self: self, Voters: []uint64{1, 2, 3}, NewMachine: newToy}
		ops, err := Bootstrap(cfg)
		if err != nil {
			t.Fatal(err)
		}
		if want == nil {
			want = ops
		}
		if !slices.EqualFunc(want, ops, func(a, b step.Op) bool {
			return a.Kind == b.Kind && bytes.Equal(a.Key, b.Key) && bytes.Equal(a.Value, b.Value)
		}) {
			t.Fatalf("server %d begins otherwise", self)
		}
	}
}

// Groups of one store do not see each other's keys.
func TestGroupsShareAStore(t *testing.T) {
	d := usedStore(t)
	cfg := oneVoter()
	cfg.Group = testGroup + 1
	ops, err := Bootstrap(cfg)
	if err != nil {
		t.Fatal(err)
	}
	d.start(step.Write{Ops: ops})
	for _, group := range []uint32{testGroup, testGroup + 1} {
		cfg.Group = group
		g, err := Open(cfg, d.scan)
		if err != nil {
			t.Fatal(err)
		}
		if (g.Published().Index == 1) != (group != testGroup) {
			t.Fatalf("group %d stands at %d", group, g.Published().Index)
		}
	}
}
