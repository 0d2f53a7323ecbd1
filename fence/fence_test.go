package fence

import (
	"encoding/hex"
	"errors"
	"strings"
	"testing"

	"onevoice/codec"
	"onevoice/problem"
	"onevoice/view"

	"pgregory.net/rapid"
)

func token(v, term, seq uint64, holder byte) Token {
	return Token{Epoch: view.Epoch{View: view.Number(v), Term: term}, Seq: seq, Holder: Holder{holder}}
}

// shelf is a Storage that can fail.
type shelf struct {
	kept        map[string]Token
	keeps       int
	read, write error
}

func (s *shelf) Highest(name string) (Token, error) { return s.kept[name], s.read }

func (s *shelf) Keep(name string, t Token) error {
	if s.write != nil {
		return s.write
	}
	s.keeps++
	s.kept[name] = t
	return nil
}

func TestOrder(t *testing.T) {
	rising := []Token{{}, token(1, 1, 1, 9), token(1, 1, 2, 1), token(1, 2, 1, 1), token(2, 1, 1, 1), token(2, 1, 9, 1)}
	for i, a := range rising {
		for k, b := range rising {
			if got := a.Compare(b); got < 0 != (i < k) || got > 0 != (i > k) {
				t.Errorf("%v against %v: %d", a, b, got)
			}
		}
	}
	if token(1, 1, 1, 1).Compare(token(1, 1, 1, 2)) != 0 {
		t.Error("the holder has an order")
	}
}

func TestAdmit(t *testing.T) {
	s := &shelf{kept: map[string]Token{}}
	g := Guard{s}
	for _, c := range []struct {
		name string
		t    Token
		kind problem.Kind // 0: admitted
	}{
		{"a", token(1, 1, 5, 1), 0},
		{"a", token(1, 1, 5, 1), 0},
		{"a", token(1, 1, 4, 2), problem.Expired},
		{"a", token(1, 1, 5, 2), problem.TwoVoices},
		{"b", token(1, 1, 4, 2), 0}, // each name has its own
		{"a", token(1, 1, 6, 2), 0},
		{"a", token(1, 1, 5, 1), problem.Expired},
		{"a", token(1, 2, 1, 3), 0}, // a later epoch, whatever the seq
		{"a", token(1, 1, 7, 4), problem.Expired},
		{"a", token(9, 9, 0, 4), problem.Invalid},
		{"a", token(9, 9, 9, 0), problem.Invalid},
		{"a", token(1, 2, 1, 3), 0},
	} {
		err := g.Admit(c.name, c.t)
		var p *problem.Error
		switch {
		case c.kind == 0 && err != nil:
			t.Errorf("%s %v: %v", c.name, c.t, err)
		case c.kind != 0 && (!errors.As(err, &p) || p.Kind != c.kind):
			t.Errorf("%s %v: %v, want %v", c.name, c.t, err, c.kind)
		}
	}
	if s.keeps != 4 {
		t.Errorf("%d writes, want 4: what is known is not written again", s.keeps)
	}
}

func TestNobodyIsAdmittedByADiskThatFails(t *testing.T) {
	broken := errors.New("the disk is gone")
	s := &shelf{kept: map[string]Token{}, write: broken}
	if err := (Guard{s}).Admit("a", token(1, 1, 1, 1)); !errors.Is(err, broken) {
		t.Error(err)
	}
	s.write, s.read = nil, broken
	if err := (Guard{s}).Admit("a", token(1, 1, 1, 1)); !errors.Is(err, broken) || s.keeps != 0 {
		t.Error(err)
	}
}

// TestOnceRefusedForEver: in any order of requests, whoever is admitted is never older than who was before.
func TestOnceRefusedForEver(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		g := Guard{&shelf{kept: map[string]Token{}}}
		last := Token{}
		for range rapid.IntRange(1, 40).Draw(r, "requests") {
			seq := rapid.Uint64Range(1, 6).Draw(r, "seq")
			k := token(rapid.Uint64Range(1, 3).Draw(r, "view"), rapid.Uint64Range(1, 3).Draw(r, "term"), seq, byte(seq))
			err := g.Admit("a", k)
			if (err == nil) != (k.Compare(last) >= 0) {
				r.Fatalf("%v after %v: %v", k, last, err)
			}
			if err == nil {
				last = k
			}
		}
	})
}

func TestFormat(t *testing.T) {
	k := Token{Epoch: view.Epoch{View: 3, Term: 5}, Seq: 17, Holder: Holder{0xab, 15: 1}}
	const text = "3/5/17/ab000000000000000000000000000001"
	if k.String() != text {
		t.Errorf("%s, want %s", k, text)
	}
	if got, err := ParseToken(text); err != nil || got != k {
		t.Errorf("%v, %v", got, err)
	}
	for _, bad := range []string{"", "3/5/17", "3/5/0/ab000000000000000000000000000001", "03/5/17/ab000000000000000000000000000001",
		"3/5/17/AB000000000000000000000000000001", "3/5/17/" + strings.Repeat("0", 32), text + "/", "-3/5/17/ab000000000000000000000000000001"} {
		if _, err := ParseToken(bad); err == nil {
			t.Errorf("%q is taken", bad)
		}
	}
	var w codec.Writer
	k.Append(&w)
	const want = "0000000000000003" + "0000000000000005" + "ab000000000000000000000000000001" + "0000000000000011"
	if got := hex.EncodeToString(w.B); got != want || len(w.B) != TokenBytes {
		t.Errorf("the format changed: got %s, want %s", got, want)
	}
	r := codec.NewReader(w.B)
	if got := Read(r); r.Finish() != nil || got != k {
		t.Errorf("%v, %v", got, r.Err())
	}
}

func FuzzParseToken(f *testing.F) {
	f.Add("3/5/17/ab000000000000000000000000000001")
	f.Add("3/5/17")
	f.Fuzz(func(t *testing.T, text string) {
		if k, err := ParseToken(text); err == nil && k.String() != text {
			t.Fatalf("%q reads as %v", text, k)
		}
	})
}
