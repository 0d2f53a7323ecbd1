package export

import (
	"errors"
	"slices"
	"strings"
	"testing"

	"onevoice/problem"
)

// kept is a history that a test edits as somebody would who makes all sums right again.
type kept struct {
	*memory
	t *testing.T
}

// manifest writes a manifest anew; the position names it as it is then, where it named it before.
func (k kept) manifest(name string, edit func(*Manifest)) {
	k.t.Helper()
	m, err := parse[Manifest](name, k.files[name])
	edit(&m)
	b, err2 := encodeJSON(&m)
	if err := errors.Join(err, err2); err != nil {
		k.t.Fatal(err)
	}
	k.files[name] = b
	k.position(func(p *Position) {
		if p.Manifest == name {
			p.SHA256 = sumOf(b)
		}
	})
}

func (k kept) position(edit func(*Position)) {
	k.t.Helper()
	p, err := parse[Position](positionName, k.files[positionName])
	edit(&p)
	b, err2 := encodeJSON(&p)
	if err := errors.Join(err, err2); err != nil {
		k.t.Fatal(err)
	}
	k.files[positionName] = b
}

// remove takes files out whose names have a part.
func (k kept) remove(part string) {
	for name := range k.files {
		if strings.Contains(name, part) {
			delete(k.files, name)
		}
	}
}

// TestAnEditedHistoryIsFound edits manifests and the position of a history of three segments, a gap and a base: what is wrong is named.
func TestAnEditedHistoryIsFound(t *testing.T) {
	s, whole := newSky(t, 30), newMemory()
	l := Limits{Entries: 5, Events: 1000, Bytes: 1 << 20, AgeNs: 1e15}
	if err := write(whole, l, s, 15); err != nil {
		t.Fatal(err)
	}
	x, err := Open(whole, options(l), epochNs)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := base(x, s.lines(t)); err != nil {
		t.Fatal(err)
	}
	middle, last, state := rangeName(manifests, 7, 11, "json"), rangeName(manifests, 12, 16, "json"), baseName(31)
	for what, edit := range map[string]struct {
		edit    func(k kept)
		finding string
	}{
		"nothing":            {func(kept) {}, ""},
		"a segment less":     {func(k kept) { k.remove("00000000000000000007-") }, "entries are missing or are another log's"},
		"another beginning":  {func(k kept) { k.manifest(middle, func(m *Manifest) { m.HashBefore = s.genesis }) }, "entries are missing or are another log's"},
		"a gap unsaid":       {func(k kept) { k.manifest(state, func(m *Manifest) { m.Gap = nil }) }, "entries are missing of which it says nothing"},
		"a gap made smaller": {func(k kept) { k.manifest(state, func(m *Manifest) { m.Gap.First++ }) }, "entries are missing of which it says nothing"},
		"another's":          {func(k kept) { k.manifest(last, func(m *Manifest) { m.Cluster = "c2" }) }, "cluster c2"},
		"another end":        {func(k kept) { k.position(func(p *Position) { p.Hash = s.genesis }) }, "the manifests at 31"},
		"another manifest":   {func(k kept) { k.position(func(p *Position) { p.SHA256 = s.genesis }) }, "its SHA-256 is another"},
		"rows of another index": {func(k kept) {
			k.manifest(state, func(m *Manifest) {
				rows, err := decode[StateRow](jsonEnding, k.files[stateName(31, 1, jsonEnding)], 1000)
				if err != nil {
					t.Fatal(err)
				}
				rows[1].Index--
				m.Files = slices.DeleteFunc(m.Files, func(f File) bool { return strings.HasSuffix(f.Name, jsonEnding) })
				if err := keep(&Exporter{place: k.memory}, m, states, stateName(31, 1, jsonEnding), jsonEnding, rows); err != nil {
					t.Fatal(err)
				}
			})
		}, "row 1 is of index 30"},
	} {
		p := newMemory()
		for name, b := range whole.files {
			p.files[name] = slices.Clone(b)
		}
		edit.edit(kept{p, t})
		r, err := Check(p, program)
		if err != nil || (edit.finding == "") != (len(r.Findings) == 0) {
			t.Errorf("%s: %q %v", what, r.Findings, err)
		}
		if !strings.Contains(strings.Join(r.Findings, "\n"), edit.finding) {
			t.Errorf("%s: %q, want %q", what, r.Findings, edit.finding)
		}
	}
}

// TestAServerThatDoesNotFollow: a hash that is not that of the newest entry taken is another voice.
func TestAServerThatDoesNotFollow(t *testing.T) {
	s := newSky(t, 5)
	x, err := Open(newMemory(), options(DefaultLimits()), epochNs)
	if err = errors.Join(err, x.Begin(1, s.genesis), x.Add(&s.entries[0], epochNs)); err != nil {
		t.Fatal(err)
	}
	var p *problem.Error
	if err := x.Follows(s.genesis); !errors.As(err, &p) || p.Kind != problem.TwoVoices {
		t.Errorf("%v", err)
	}
	if err := x.Follows(s.entries[0].Hash); err != nil {
		t.Error(err)
	}
}
