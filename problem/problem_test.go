package problem

import (
	"encoding/hex"
	"errors"
	"fmt"
	"strings"
	"testing"
	"unicode/utf8"

	"onevoice/codec"
	"pgregory.net/rapid"
)

func TestErrorSaysWhatWhereAndWhatIsAllowed(t *testing.T) {
	for want, e := range map[string]*Error{
		"put flight SWR12: invalid: path[3].altitude is 99999, allowed: -1000 to 60000 ft: correct the altitude": {
			Kind: Invalid, Op: "put flight", Subject: "SWR12", Field: "path[3].altitude", Value: "99999",
			Allowed: "-1000 to 60000 ft", Detail: "correct the altitude"},
		"read: no-voice":                  {Kind: NoVoice, Op: "read"},
		"put sector A: conflict: is at 7": {Kind: Conflict, Op: "put sector", Subject: "A", Detail: "is at 7"},
		"x: too-large: body is 9":         {Kind: TooLarge, Op: "x", Field: "body", Value: "9"},
		"x: unknown":                      {Op: "x"},
	} {
		if got := e.Error(); got != want {
			t.Errorf("got  %s\nwant %s", got, want)
		}
	}
}

func TestErrorIsFoundInAChain(t *testing.T) {
	var found *Error
	err := fmt.Errorf("import: %w", &Error{Kind: Stale, Op: "who"})
	if !errors.As(err, &found) || found.Kind != Stale {
		t.Errorf("not found in %v", err)
	}
}

func TestKindsAreStoredNumbersWithDistinctWords(t *testing.T) {
	words := []string{"unknown", "invalid", "not-found", "conflict", "refused", "too-large", "overloaded", "no-voice", "stale",
		"expired", "key-reused", "two-voices", "internal", "forbidden", "precondition-failed", "unauthenticated", "unknown"}
	for n, want := range words {
		if got := Kind(n).String(); got != want {
			t.Errorf("kind %d is %q, want %q: the numbers are stored and must not move", n, got, want)
		}
	}
}

func TestClipKeepsWholeCharacters(t *testing.T) {
	if got := Clip(strings.Repeat("a", MaxValueBytes)); len(got) != MaxValueBytes {
		t.Errorf("a value of the allowed size was cut to %d bytes", len(got))
	}
	rapid.Check(t, func(t *rapid.T) {
		value := rapid.StringN(-1, -1, 200).Draw(t, "value")
		got := Clip(value)
		if !utf8.ValidString(got) {
			t.Fatalf("%q was cut within a character: %q", value, got)
		}
		if len(got) > MaxValueBytes+len("...") {
			t.Fatalf("%d bytes are left", len(got))
		}
		if kept, cut := strings.CutSuffix(got, "..."); got != value && (!cut || !strings.HasPrefix(value, kept)) {
			t.Fatalf("%q became %q", value, got)
		}
	})
}

func TestFormat(t *testing.T) {
	e := &Error{Kind: TooLarge, Op: "put", Subject: "s", Field: "f", Value: "v", Allowed: "a", Detail: "d"}
	var w codec.Writer
	e.Append(&w)
	const want = "05" + "03707574" + "0173" + "0166" + "0176" + "0161" + "0164"
	if got := hex.EncodeToString(w.B); got != want {
		t.Errorf("the format changed: got %s, want %s", got, want)
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		text := func(name string) string { return rapid.String().Draw(t, name) }
		e := Error{Kind: Kind(rapid.Byte().Draw(t, "kind")), Op: text("op"), Subject: text("subject"), Field: text("field"),
			Value: text("value"), Allowed: text("allowed"), Detail: text("detail")}
		var w codec.Writer
		e.Append(&w)
		r := codec.NewReader(w.B)
		if got := Read(r); r.Finish() != nil || *got != e {
			t.Fatalf("wrote %+v, read %+v, %v", e, *got, r.Err())
		}
	})
}

func TestALongTextIsCutWhenWritten(t *testing.T) {
	e := &Error{Kind: Internal, Op: "x", Detail: strings.Repeat("ü", maxTextBytes)}
	var w codec.Writer
	e.Append(&w)
	r := codec.NewReader(w.B)
	got := Read(r)
	if err := r.Finish(); err != nil {
		t.Fatalf("what was written does not read: %v", err)
	}
	if len(got.Detail) > maxTextBytes || !utf8.ValidString(got.Detail) || !strings.HasPrefix(got.Detail, "üü") {
		t.Errorf("came back with %d bytes", len(got.Detail))
	}
}

func FuzzRead(f *testing.F) {
	var w codec.Writer
	(&Error{Kind: NoVoice, Op: "read", Detail: "ask n2"}).Append(&w)
	f.Add(w.B)
	f.Add([]byte{1, 0, 0, 0, 0, 0, 0})
	f.Add([]byte{1, 0xff, 0xff, 0x03})
	f.Fuzz(func(t *testing.T, b []byte) {
		r := codec.NewReader(b)
		e := Read(r)
		if r.Finish() != nil {
			return
		}
		_ = e.Error()
		var w codec.Writer
		if e.Append(&w); string(w.B) != string(b) {
			t.Fatalf("%x reads as %+v, which is written %x", b, *e, w.B)
		}
	})
}
