package watch

import (
	"testing"
)

func TestPositionsHaveOneSpelling(t *testing.T) {
	for s, want := range map[string]Position{
		"0.0":                             {},
		"812.3":                           {812, 3},
		"18446744073709551615.4294967295": {1<<64 - 1, 1<<32 - 1},
		"812":                             EndOf(812),
	} {
		if got, err := ParsePosition(s); err != nil || got != want {
			t.Errorf("%q: %v %v, want %v", s, got, err, want)
		}
	}
	for _, s := range []string{"", ".", "1.", ".1", "01.1", "1.01", "+1.1", "-1.1", "1.+1", " 1.1", "1.1 ", "1.1.1", "1,1",
		"18446744073709551616.0", "1.4294967296", "1_0.1", "0x1.1"} {
		if got, err := ParsePosition(s); err == nil {
			t.Errorf("%q was taken as %v", s, got)
		}
	}
}

func FuzzParsePosition(f *testing.F) {
	for _, s := range []string{"812.3", "812", "0.0", "1.", "1_0.1"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		p, err := ParsePosition(s)
		if err != nil {
			return
		}
		if again, err := ParsePosition(p.String()); err != nil || again != p {
			t.Fatalf("%q is %v, printed and read again %v %v", s, p, again, err)
		}
		if full := p.String(); full != s && p != EndOf(p.Index) {
			t.Fatalf("%q and %q are the same position", s, full)
		}
	})
}
