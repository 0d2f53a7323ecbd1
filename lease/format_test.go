package lease

import (
	"bytes"
	"encoding/hex"
	"slices"
	"testing"

	"onevoice/fence"
	"onevoice/machine"
	"onevoice/problem"
	"onevoice/view"
)

// sample is a lease of which every byte can be told.
func sample() Lease {
	return Lease{
		Name: "a/b", Token: fence.Token{Epoch: view.Epoch{View: 3, Term: 5}, Holder: fence.Holder{0xab, 15: 1}, Seq: 17}, Owner: "me",
		TTLMs: 10_000, DelayMs: 5_000, Standing: Held, EndsNs: 1 << 40,
	}
}

const (
	sampleHolder = "ab000000000000000000000000000001"
	sampleBytes  = "03612f62" + "0000000000000003" + "0000000000000005" + sampleHolder + "0000000000000011" + "026d65" +
		"0000000000002710" + "0000000000001388" + "01" + "0000010000000000"
)

// TestFormats: what is stored and sent must not move.
func TestFormats(t *testing.T) {
	l := sample()
	h := l.Token.Holder
	for want, got := range map[string][]byte{
		"0160" + "03612f62" + sampleHolder + "0000000000002710" + "0000000000001388" + "026d65": Encode(Grant{"a/b", h, 10_000, 5_000, "me"}),
		"0161" + "03612f62" + sampleHolder:                         Encode(Keep{"a/b", h}),
		"0162" + "03612f62" + sampleHolder:                         Encode(Release{"a/b", h}),
		"0163" + "03612f62" + "0000000000000011":                   Encode(Revoke{"a/b", 17}),
		"0160" + "03612f62":                                        AskHolder("a/b"),
		"0161" + "03612f62" + "00000005":                           AskList("a/b", 5),
		"01" + "0000000000000009" + "01" + sampleBytes + "00":      (&Result{Lease: l, NowNs: 9}).Encode(),
		"01" + "0000000000000009" + "00" + "01" + "04000000000000": (&Result{Problem: &problem.Error{Kind: problem.Refused}, NowNs: 9}).Encode(),
		"0163" + sampleBytes:                                       (&Event{HasLapsed, l}).encode(),
	} {
		if hex.EncodeToString(got) != want {
			t.Errorf("the format changed: got %x, want %s", got, want)
		}
	}
}

func TestFormatOfASnapshot(t *testing.T) {
	m := New()
	l := sample()
	m.put(&l)
	m.state.seq, m.state.epoch, m.state.nowNs, m.state.renewedNs = 18, view.Epoch{View: 4, Term: 6}, 9, 8
	var got []string
	for c := range m.Root().Chunks() {
		got = append(got, hex.EncodeToString(c))
	}
	want := []string{
		"0160" + "0000000000000012" + "0000000000000004" + "0000000000000006" + "0000000000000009" + "0000000000000008" + "00000001",
		"0161" + sampleBytes,
	}
	if !slices.Equal(got, want) {
		t.Errorf("the format changed: got %v, want %v", got, want)
	}
	if answer := hex.EncodeToString(m.State().Query(AskHolder("a/b"))); answer != "01"+"0000000000000009"+"01"+sampleBytes {
		t.Errorf("the answer's format changed: %s", answer)
	}
}

func TestWrongSnapshotsAreRefused(t *testing.T) {
	m := New()
	for _, name := range []string{"a", "b"} {
		l := sample()
		l.Name = name
		m.put(&l)
	}
	m.state.seq = 17
	var good [][]byte
	for c := range m.Root().Chunks() {
		good = append(good, bytes.Clone(c))
	}
	head, leases := good[0], good[1]
	half := 2 + (len(leases)-2)/2
	other := func(of []byte, at int, to byte) []byte {
		b := bytes.Clone(of)
		b[at] = to
		return b
	}
	for name, bad := range map[string][][]byte{
		"nothing":         nil,
		"no head":         {leases},
		"no leases":       {head},
		"two heads":       {head, head, leases},
		"twice":           {head, leases, leases},
		"one less":        {head, leases[:half]},
		"cut":             {head, leases[:len(leases)-1]},
		"unsorted":        {head, other(leases, 3, 'c')},
		"another version": {other(head, 0, 2), leases},
		"another kind":    {head, other(leases, 1, 98)},
		"a later token":   {other(head, 9, 16), leases},
		"no standing":     {head, other(leases, len(leases)-9, 4)},
		"empty":           {head, leases[:2]},
	} {
		again := New()
		failed := false
		for _, c := range bad {
			failed = failed || again.Load(c) != nil
		}
		if !failed && again.Loaded() == nil {
			t.Errorf("%s: it is taken", name)
		}
	}
	again := New()
	if again.Load(head) != nil || again.Load(leases) != nil || again.Loaded() != nil {
		t.Error("the right one is refused")
	}
}

func FuzzApply(f *testing.F) {
	for _, c := range []Command{grant("a", 1), grant("b", 2), Keep{"a", holder(1)}, Release{"a", holder(1)}, Revoke{"a", 1}} {
		f.Add(Encode(c), int64(sec))
	}
	f.Fuzz(func(t *testing.T, op []byte, after int64) {
		w := newWorld(t)
		w.do(grant("a", 1))
		w.at.LogTimeNs += after
		w.m.Advance(w.at, w.emit)
		if c, err := Decode(op); err == nil && !bytes.Equal(Encode(c), op) {
			t.Fatalf("%x reads as %+v", op, c)
		}
		w.apply(op)
		w.m.State().Query(op)
		if chunks(copied(t, w.m).Root()) != chunks(w.m.Root()) {
			t.Fatal("it comes back otherwise")
		}
	})
}

func FuzzLoad(f *testing.F) {
	w := newWorld(f)
	w.do(grant("a", 1))
	w.do(grant("b", 2))
	var good [][]byte
	for c := range w.m.Root().Chunks() {
		good = append(good, bytes.Clone(c))
	}
	f.Add(good[0], good[1])
	f.Fuzz(func(t *testing.T, head, leases []byte) {
		m := New()
		if m.Load(head) != nil || m.Load(leases) != nil || m.Loaded() != nil {
			return
		}
		before := chunks(m.Root())
		if again := chunks(copied(t, m).Root()); again != before {
			t.Fatalf("%x came back as %x", before, again)
		}
		emit := func([]byte) {}
		m.Advance(machine.At{Index: 5, LogTimeNs: m.DueNs()}, emit)
		m.Apply(machine.At{Index: 5}, Encode(Keep{"a", holder(1)}), emit)
	})
}

func FuzzAnswers(f *testing.F) {
	w := newWorld(f)
	w.do(grant("a", 1))
	f.Add(w.m.State().Query(AskHolder("a")))
	r := w.do(grant("a", 2))
	f.Add(r.Encode())
	f.Fuzz(func(_ *testing.T, b []byte) {
		_, _, _ = DecodeLeases(b)
		_, _ = DecodeResult(b)
		_, _ = DecodeEvent(b)
	})
}
