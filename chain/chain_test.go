package chain

import (
	"encoding/hex"
	"testing"

	"pgregory.net/rapid"
)

func sample() (Hash, Entry) {
	var l Linker
	return Hash{1, 2, 3}, Entry{Index: 812, LogTimeNs: 1_533_099_600_000_000_000, Digest: l.Digest(7, 0, []byte("payload"), []byte{0, 0, 0, 0}),
		Events: [][]byte{[]byte("one"), {}, []byte("three")}}
}

// TestGolden holds the definition: who exports a log today must be able to check it with a later build.
func TestGolden(t *testing.T) {
	before, e := sample()
	var l Linker
	got := l.Next(before, &e)
	const digest, hash = "427827282925e4227d957d30199fbae695be77e8839d8f4d47477dc75391ab25", "be6a6871b5bd584d6434c4da996e6d19bd143ced1fb9f32da0a292b04ebe87d5"
	if d, h := hex.EncodeToString(e.Digest[:]), hex.EncodeToString(got[:]); d != digest || h != hash {
		t.Errorf("digest %s, hash %s", d, h)
	}
}

// TestEveryPartIsBound changes each thing that a link is made of, by itself: the hash is always another one.
func TestEveryPartIsBound(t *testing.T) {
	before, e := sample()
	var l Linker
	seen := map[Hash]string{l.Next(before, &e): "nothing"}
	for name, change := range map[string]func(*Hash, *Entry){
		"the hash before":     func(h *Hash, _ *Entry) { h[31]++ },
		"the index":           func(_ *Hash, e *Entry) { e.Index++ },
		"log time":            func(_ *Hash, e *Entry) { e.LogTimeNs++ },
		"the digest":          func(_ *Hash, e *Entry) { e.Digest[0]++ },
		"an event":            func(_ *Hash, e *Entry) { e.Events[0] = []byte("ons") },
		"an event left out":   func(_ *Hash, e *Entry) { e.Events = e.Events[:2] },
		"an empty one moved":  func(_ *Hash, e *Entry) { e.Events[1], e.Events[2] = e.Events[2], e.Events[1] },
		"events exchanged":    func(_ *Hash, e *Entry) { e.Events[0], e.Events[2] = e.Events[2], e.Events[0] },
		"a byte moved over":   func(_ *Hash, e *Entry) { e.Events[0], e.Events[1] = []byte("on"), []byte("e") },
		"two events as one":   func(_ *Hash, e *Entry) { e.Events = [][]byte{[]byte("one"), []byte("three")} },
		"no events":           func(_ *Hash, e *Entry) { e.Events = nil },
		"other term":          func(_ *Hash, e *Entry) { e.Digest = l.Digest(8, 0, []byte("payload"), []byte{0, 0, 0, 0}) },
		"other type":          func(_ *Hash, e *Entry) { e.Digest = l.Digest(7, 1, []byte("payload"), []byte{0, 0, 0, 0}) },
		"payload and results": func(_ *Hash, e *Entry) { e.Digest = l.Digest(7, 0, []byte("payload\x00"), []byte{0, 0, 0}) },
	} {
		h, changed := sample()
		change(&h, &changed)
		next := l.Next(h, &changed)
		if was, ok := seen[next]; ok {
			t.Errorf("%s gives the hash of %s", name, was)
		}
		seen[next] = name
	}
}

// TestLinkersKeepNothing: what a linker made before has no bearing on what it makes.
func TestLinkersKeepNothing(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		events := rapid.SliceOfN(rapid.SliceOfN(rapid.Byte(), 0, 9), 0, 5)
		var used Linker
		used.Next(Hash{9}, &Entry{Index: 3, Events: events.Draw(t, "earlier")})
		used.Digest(1, 2, rapid.SliceOfN(rapid.Byte(), 0, 9).Draw(t, "payload"), nil)
		e := Entry{Index: rapid.Uint64().Draw(t, "index"), LogTimeNs: rapid.Int64().Draw(t, "log"), Events: events.Draw(t, "events")}
		var fresh Linker
		if used.Next(Hash{1}, &e) != fresh.Next(Hash{1}, &e) {
			t.Error("a used linker makes another hash")
		}
	})
}

func TestALinkAllocatesNothing(t *testing.T) {
	before, e := sample()
	var l Linker
	payload := make([]byte, 1000)
	if n := testing.AllocsPerRun(100, func() {
		e.Digest = l.Digest(7, 0, payload, payload[:4])
		before = l.Next(before, &e)
	}); n != 0 {
		t.Errorf("%v allocations", n)
	}
}
