package consensus

import (
	"bytes"
	"slices"
	"testing"

	"onevoice/machine"
	"onevoice/wire"
)

// loaded is the image of chunks.
func loaded(t *testing.T, chunks [][]byte) *Image {
	t.Helper()
	r := NewImageReader(testGroup, newToy, Versions{})
	for _, c := range chunks {
		if err := r.Add(bytes.Clone(c)); err != nil {
			t.Fatal(err)
		}
	}
	i, err := r.Finish()
	if err != nil {
		t.Fatal(err)
	}
	return i
}

func chunksOfImage(i *Image) [][]byte { return slices.Collect(i.Chunks()) }

// busyWorld has sessions with outcomes that are not acknowledged, and a log beyond its snapshot.
func busyWorld(t *testing.T) (*world, uint64) {
	w := newWorld(t, 3, 1, Limits{SnapshotEntries: 20, KeepEntries: 5})
	id := w.openSession()
	w.awaitLeader().group.Obey(w.aView(7))
	w.write(id, 1, 50)
	w.run(500)
	return w, id
}

func TestAnImageIsTheStateOfTheGroup(t *testing.T) {
	w, _ := busyWorld(t)
	g := w.servers[2].group
	want := slices.Collect(g.StateChunks())
	i := loaded(t, want)
	at, was := i.Published(), g.Published()
	if at.Index != was.Index || at.Hash != was.Hash || at.Epoch != was.Epoch || at.LogTimeNs != was.LogTimeNs || at.Group != testGroup {
		t.Errorf("%+v, want %+v", at, was)
	}
	if i.Sessions() != g.Status().Sessions || i.Sessions() == 0 || i.Keys() != g.Status().Keys {
		t.Errorf("%d sessions, %d keys", i.Sessions(), i.Keys())
	}
	if got := chunksOfImage(i); !slices.EqualFunc(got, want, bytes.Equal) {
		t.Error("the chunks are others")
	}
}

// TestANewClusterBeginsWithAnImage: what was there is there, on every server alike, at an index that the old cluster never
// reached, and the sessions of before go on.
func TestANewClusterBeginsWithAnImage(t *testing.T) {
	old, session := busyWorld(t)
	chunks := slices.Collect(old.servers[1].group.StateChunks())
	before := loaded(t, chunks).Published()

	w := newWorld(t, 5, 2, Limits{SnapshotEntries: 20, KeepEntries: 5})
	w.chain = map[uint64]Applied{}
	for _, s := range w.servers[1:] {
		i := loaded(t, chunks)
		if err := i.Rebirth([]byte("new"), []uint64{1, 2, 3, 4, 5}); err != nil {
			t.Fatal(err)
		}
		first := i.Content()
		ops, err := i.Bootstrap(w.config(s.id, 5))
		if err != nil {
			t.Fatal(err)
		}
		if i.Content() != first {
			t.Fatal("the store begins with another state than the image")
		}
		s.disk = newSimDisk(ops)
		w.start(s.id)
		p := s.group.Published()
		if p.Index != before.Index+RebirthIndices || p.Epoch.View != before.Epoch.View+RebirthViews || p.LogTimeNs != before.LogTimeNs {
			t.Fatalf("begins at %+v, was %+v", p, before)
		}
		if p.Hash == before.Hash || p.Hash != w.servers[1].group.Published().Hash {
			t.Fatalf("hash %x, was %x", p.Hash, before.Hash)
		}
	}
	w.request = old.request
	w.write(session, 51, 30)
	w.run(500)
	p := w.servers[5].group.Published()
	if p.Epoch.View != before.Epoch.View+RebirthViews || p.Index <= before.Index+RebirthIndices+20 {
		t.Errorf("it went on to %+v", p)
	}
	if w.facts["snapshot-saved"] == 0 {
		t.Error("no snapshot was saved")
	}
	if before.Epoch.View != 7 {
		t.Errorf("the old cluster was in epoch %v", before.Epoch)
	}
	w.awaitLeader().group.Obey(w.aView(1, 5)) // the new cluster's oracle counts from 1
	w.until("its first view is obeyed", func() bool { return w.servers[5].group.Over() })
	if e := w.servers[5].group.Epoch(); e.View != before.Epoch.View+RebirthViews+1 {
		t.Errorf("its first view makes the epoch %v", e)
	}
}

func TestRebirthsDiffer(t *testing.T) {
	w, _ := busyWorld(t)
	chunks := slices.Collect(w.servers[1].group.StateChunks())
	a, b := loaded(t, chunks), loaded(t, chunks)
	if err := a.Rebirth([]byte("a"), []uint64{1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	if err := b.Rebirth([]byte("b"), []uint64{1, 2, 3}); err != nil {
		t.Fatal(err)
	}
	if a.Published().Hash == b.Published().Hash {
		t.Error("two clusters have one hash")
	}
	for n := 0; ; n++ {
		if err := a.Rebirth([]byte("a"), []uint64{1, 2, 3}); err != nil {
			if n < 1000 {
				t.Errorf("%d restores of one state, and then %v", n, err)
			}
			break
		}
	}
}

func TestImagesThatAreNone(t *testing.T) {
	w, _ := busyWorld(t)
	chunks := slices.Collect(w.servers[1].group.StateChunks())
	flipped := slices.Clone(chunks)
	flipped[1] = bytes.Clone(flipped[1])
	flipped[1][len(flipped[1])/2] ^= 4
	for name, list := range map[string][][]byte{
		"nothing": nil, "no header": chunks[1:], "one of two headers": append(chunks[:1:1], chunks...), "a flipped bit": flipped,
	} {
		r := NewImageReader(testGroup, newToy, Versions{})
		var err error
		for _, c := range list {
			if err = r.Add(bytes.Clone(c)); err != nil {
				break
			}
		}
		if err == nil {
			_, err = r.Finish()
		}
		if err == nil {
			t.Errorf("%s: taken", name)
		}
	}
	if r := NewImageReader(testGroup+1, newToy, Versions{}); r.Add(bytes.Clone(chunks[0])) == nil {
		t.Error("the state of another group was taken")
	}
	cfg := oneVoter()
	cfg.Group++
	if _, err := loaded(t, chunks).Bootstrap(cfg); err == nil {
		t.Error("another group began with it")
	}
}

// forgetful is a machine that passes over what it is to load.
type forgetful struct{ machine.Machine }

func (forgetful) Load([]byte) error { return nil }
func (forgetful) Loaded() error     { return nil }

func TestAnImageThatLostSomethingIsNone(t *testing.T) {
	w, _ := busyWorld(t)
	r := NewImageReader(testGroup, func() machine.Machine { return forgetful{newToy()} }, Versions{})
	for c := range w.servers[1].group.StateChunks() {
		if err := r.Add(bytes.Clone(c)); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := r.Finish(); err == nil {
		t.Error("taken")
	}
}

// TestSalvage stops a cluster in the middle of its work: each disk gives the state at the index that it knew to be agreed, equal
// to what was applied there; the tail is further, and the furthest disk holds all that was acknowledged.
func TestSalvage(t *testing.T) {
	for seed := range uint64(8) {
		w := newWorld(t, 3, seed, Limits{SnapshotEntries: 20, KeepEntries: 5})
		id := w.openSession()
		w.write(id, 1, 30+seed)
		for n := range 20 {
			w.command(w.servers[1+n%3], wire.Command{Session: id, Seq: uint64(100 + n), Op: toyOp("n", 1)})
		}
		w.run(int64(3 + seed))
		furthest := Held{}
		for _, s := range w.servers[1:] {
			w.crash(s.id)
			cfg := w.config(s.id, 3)
			i, held, err := Salvage(cfg, s.disk.scan, false)
			if err != nil {
				t.Fatal(err)
			}
			p := i.Published()
			if p.Index != held.Agreed || held.Agreed > held.Last || held.Snapshot > held.Agreed || len(held.Voters) != 3 {
				t.Errorf("server %d: at %d of %+v", s.id, p.Index, held)
			}
			if a, ok := w.chain[p.Index]; ok && a.Hash != p.Hash {
				t.Errorf("server %d: salvaged another history at %d", s.id, p.Index)
			}
			tail, _, err := Salvage(cfg, s.disk.scan, true)
			if err != nil || tail.Published().Index != held.Last {
				t.Fatalf("server %d: tail to %d of %d: %v", s.id, tail.Published().Index, held.Last, err)
			}
			if held.Compare(furthest) > 0 {
				furthest = held
			}
		}
		for index := range w.chain {
			if index > furthest.Last {
				t.Errorf("entry %d was applied, the furthest disk ends at %d", index, furthest.Last)
			}
		}
	}
}
