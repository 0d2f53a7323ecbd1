package backup

import (
	"bytes"
	"crypto/sha256"
	"strings"
	"testing"

	"onevoice/codec"
)

// forge writes records of any kind in any order, and ends them with the right checksums, so that what is wrong is the records alone.
type forge struct {
	t testing.TB
	Writer
}

func (f *forge) put(k kind, body func(*codec.Writer)) {
	if err := f.record(k, body); err != nil {
		f.t.Fatal(err)
	}
}

func (f *forge) head(h Head)   { f.put(kindHead, h.append) }
func (f *forge) begin(g Group) { f.put(kindGroup, g.append); f.group = newAdder() }
func (f *forge) chunk(text string) {
	f.put(kindChunk, func(c *codec.Writer) { c.Raw([]byte(text)) })
	f.group.add([]byte(text))
}
func (f *forge) endGroup() { sum := f.group.done(); f.put(kindGroupEnd, sum.append) }
func (f *forge) end(more uint64) {
	f.put(kindEnd, func(c *codec.Writer) {
		c.U64(f.records + more)
		c.Raw(f.total.Sum(nil))
	})
}

// TestEachRuleOfTheRecords breaks one rule at a time; all else of the backup is right, its end included.
func TestEachRuleOfTheRecords(t *testing.T) {
	h, parts := sample()
	h.Groups = 1
	g := parts[0].group
	rightGroup := func(f *forge) { f.begin(g); f.chunk("a"); f.chunk("bc"); f.endGroup() }
	for name, c := range map[string]struct {
		make func(f *forge)
		want string // "" where it is a backup
	}{
		"a right one":                  {func(f *forge) { f.head(h); rightGroup(f) }, ""},
		"nothing":                      {func(*forge) {}, "kind 5 is out of place"},
		"no head":                      {rightGroup, "kind 2 is out of place"},
		"two heads":                    {func(f *forge) { f.head(h); f.head(h); rightGroup(f) }, "kind 1 is out of place"},
		"a head after all":             {func(f *forge) { f.head(h); rightGroup(f); f.head(h) }, "kind 1 is out of place"},
		"no group":                     {func(f *forge) { f.head(h) }, "kind 5 is out of place"},
		"more groups than it says":     {func(f *forge) { f.head(h); rightGroup(f); g.Number++; rightGroup(f); g.Number-- }, "kind 2 is out of place"},
		"a group in a group":           {func(f *forge) { f.head(h); f.begin(g); f.chunk("a"); f.begin(g) }, "kind 2 is out of place"},
		"a group that does not end":    {func(f *forge) { f.head(h); f.begin(g); f.chunk("a") }, "kind 5 is out of place"},
		"a group without chunks":       {func(f *forge) { f.head(h); f.begin(g); f.endGroup() }, "kind 4 is out of place"},
		"an empty chunk":               {func(f *forge) { f.head(h); f.begin(g); f.chunk(""); f.endGroup() }, "kind 3 is out of place"},
		"a chunk of no group":          {func(f *forge) { f.head(h); f.group = newAdder(); f.chunk("a"); rightGroup(f) }, "kind 3 is out of place"},
		"an end of no group":           {func(f *forge) { f.head(h); rightGroup(f); f.endGroup() }, "kind 4 is out of place"},
		"a kind that there is not":     {func(f *forge) { f.head(h); f.put(9, func(*codec.Writer) {}) }, "kind 9 is out of place"},
		"a head that is too long":      {func(f *forge) { f.put(kindHead, func(c *codec.Writer) { c.Raw(make([]byte, 2*maxTextBytes+1)) }) }, "513 bytes, allowed: up to 512"},
		"a body of no kind":            {func(f *forge) { f.head(h); f.put(9, func(c *codec.Writer) { c.U8(1) }) }, "1 bytes, allowed: up to 0"},
		"one chunk more than it says":  {func(f *forge) { f.head(h); f.begin(g); f.chunk("a"); f.group.sum.Chunks++; f.endGroup() }, "group 1 has 1 chunks"},
		"fewer bytes than it says":     {func(f *forge) { f.head(h); f.begin(g); f.chunk("a"); f.group.sum.Bytes++; f.endGroup() }, "group 1 has 1 chunks of 1 bytes"},
		"other bytes than it says":     {func(f *forge) { f.head(h); f.begin(g); f.chunk("a"); f.group.hash.Write([]byte{1}); f.endGroup() }, "group 1 has 1 chunks of 1 bytes"},
		"an origin that there is not":  {func(f *forge) { h := h; h.Origin = 0; f.head(h); rightGroup(f) }, "origin is 0"},
		"an origin of a later build":   {func(f *forge) { h := h; h.Origin = 4; f.head(h); rightGroup(f) }, "origin is 4"},
		"no groups wanted":             {func(f *forge) { h := h; h.Groups = 0; f.head(h) }, "groups is 0"},
		"too many groups wanted":       {func(f *forge) { h := h; h.Groups = MaxGroups + 1; f.head(h) }, "groups is 1025"},
		"agreed on more than there is": {func(f *forge) { f.head(h); g := g; g.Agreed = g.Last + 1; f.begin(g) }, "agreed to 813, of 812"},
		"as of more than there is":     {func(f *forge) { f.head(h); g := g; g.Index = g.Last + 1; f.begin(g) }, "at index 813"},
		"a group of no machine":        {func(f *forge) { f.head(h); g := g; g.Machine = ""; f.begin(g) }, "machine has 0 bytes"},
		"a group of number 0":          {func(f *forge) { f.head(h); g := g; g.Number = 0; f.begin(g) }, "group 0 at index"},
		"two groups of one number":     {func(f *forge) { h := h; h.Groups = 2; f.head(h); rightGroup(f); rightGroup(f) }, "number 1 follows 1"},
	} {
		made := forged(t, c.make, 0)
		_, _, err := read(bytes.NewReader(made))
		if (err == nil) != (c.want == "") || err != nil && !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", name, err, c.want)
		}
	}
	made := forged(t, func(f *forge) { f.head(h); rightGroup(f) }, 1)
	if _, _, err := read(bytes.NewReader(made)); err == nil || !strings.Contains(err.Error(), "5 records with SHA-256") {
		t.Errorf("one record more than there are: %v", err)
	}
}

func TestABackupOfALaterFormat(t *testing.T) {
	b := append([]byte(magic), Format+1)
	if _, _, err := read(bytes.NewReader(b)); err == nil || !strings.Contains(err.Error(), "or a newer one") {
		t.Errorf("%v, want which build to read it with", err)
	}
}

func forged(t testing.TB, records func(*forge), more uint64) []byte {
	var out bytes.Buffer
	f := &forge{t: t, Writer: Writer{out: &out, total: sha256.New()}}
	f.b = append([]byte(magic), Format)
	if err := f.flush(); err != nil {
		t.Fatal(err)
	}
	records(f)
	f.end(more)
	return out.Bytes()
}
