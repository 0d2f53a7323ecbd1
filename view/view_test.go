package view

import (
	"encoding/hex"
	"testing"

	"onevoice/codec"
	"pgregory.net/rapid"
)

func someEpoch(t *rapid.T, name string) Epoch {
	return Epoch{View: Number(rapid.Uint64Range(0, 3).Draw(t, name+" view")), Term: rapid.Uint64Range(0, 3).Draw(t, name+" term")}
}

func TestEpochsAreOrderedByViewThenTerm(t *testing.T) {
	ordered := []Epoch{{0, 0}, {0, 9}, {1, 1}, {1, 2}, {2, 0}, {2, 1 << 63}, {1 << 63, 0}}
	for i, a := range ordered {
		for j, b := range ordered {
			if got, want := sign(a.Compare(b)), sign(i-j); got != want {
				t.Errorf("%v compared with %v: %d, want %d", a, b, got, want)
			}
		}
	}
	rapid.Check(t, func(t *rapid.T) {
		a, b, c := someEpoch(t, "a"), someEpoch(t, "b"), someEpoch(t, "c")
		if sign(a.Compare(b)) != -sign(b.Compare(a)) || (a.Compare(b) == 0) != (a == b) {
			t.Fatalf("%v and %v: order is not antisymmetric", a, b)
		}
		if a.Compare(b) <= 0 && b.Compare(c) <= 0 && a.Compare(c) > 0 {
			t.Fatalf("%v, %v, %v: order is not transitive", a, b, c)
		}
	})
}

func sign(n int) int {
	switch {
	case n < 0:
		return -1
	case n > 0:
		return 1
	}
	return 0
}

func TestEpochFormat(t *testing.T) {
	e := Epoch{View: 0x0102, Term: 0x0304}
	var w codec.Writer
	e.Append(&w)
	const want = "0000000000000102" + "0000000000000304"
	if got := hex.EncodeToString(w.B); got != want || len(w.B) != EpochBytes {
		t.Errorf("the format changed: got %s, want %s", got, want)
	}
	r := codec.NewReader(w.B)
	if got := ReadEpoch(r); got != e || r.Finish() != nil {
		t.Errorf("came back as %v, %v", got, r.Err())
	}
	if got := (Epoch{View: 12, Term: 7}).String(); got != "12/7" {
		t.Errorf("printed %q", got)
	}
}

func FuzzReadEpoch(f *testing.F) {
	f.Add(make([]byte, EpochBytes))
	f.Add([]byte{1, 2, 3})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := codec.NewReader(b)
		e := ReadEpoch(r)
		if r.Finish() != nil {
			return
		}
		var w codec.Writer
		if e.Append(&w); string(w.B) != string(b) {
			t.Fatalf("%x reads as %v, which is written %x", b, e, w.B)
		}
	})
}
