package export

import (
	"bytes"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"reflect"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"

	"onevoice/airspace"
	"onevoice/problem"
	"onevoice/web/api"
)

func hexOf[H ~[32]byte](h H) string { return hex.EncodeToString(h[:]) }

const program = "test"

func options(l Limits) Options {
	return Options{Cluster: "c1", Endings: []string{parquetEnding, jsonEnding}, Limits: l, Program: program}
}

// export writes entries until a place fails or all are written.
func write(p Place, l Limits, s *sky, upTo int) error {
	x, err := Open(p, options(l), epochNs)
	if err != nil {
		return err
	}
	if x.Last() == 0 {
		if err := x.Begin(1, s.genesis); err != nil {
			return err
		}
	}
	for i := int(x.Last()) - 1; i < upTo; i++ {
		if err := x.Add(&s.entries[i], epochNs); err != nil {
			return err
		}
		if x.Due(epochNs) {
			if _, err := x.Seal(epochNs); err != nil {
				return err
			}
		}
	}
	_, err = x.Seal(epochNs)
	return err
}

func mustBeWhole(t testing.TB, p Place, s *sky) Report {
	t.Helper()
	r, err := Check(p, program)
	if err != nil {
		t.Fatal(err)
	}
	last := s.entries[len(s.entries)-1]
	if len(r.Findings) > 0 || r.Last != last.Index || r.Hash != last.Hash || r.Entries != len(s.entries) || len(r.Gaps) > 0 {
		t.Fatalf("%+v", r)
	}
	return r
}

func TestAHistoryIsWhole(t *testing.T) {
	s, p := newSky(t, 60), newMemory()
	if err := write(p, Limits{Entries: 16, Events: 100, Bytes: 1 << 20, AgeNs: 1}, s, len(s.entries)); err != nil {
		t.Fatal(err)
	}
	r := mustBeWhole(t, p, s)
	if r.First != 2 || r.FirstHash != s.genesis || r.Segments < 4 || r.Anchors[0] != (Anchor{r.Last, r.Hash}) {
		t.Errorf("%+v", r)
	}
	var rows []EventRow
	for _, name := range slices.Sorted(maps.Keys(p.files)) {
		if strings.HasPrefix(name, events) && strings.HasSuffix(name, parquetEnding) {
			part, err := decode[EventRow](parquetEnding, p.files[name], 1000)
			if err != nil {
				t.Fatal(err)
			}
			rows = append(rows, part...)
		}
	}
	windows := 0
	for _, e := range s.entries {
		for sub, raw := range e.Events {
			want, err := airspace.DecodeEvent(raw)
			if err != nil {
				t.Fatal(err)
			}
			got := rows[0]
			rows = rows[1:]
			if got.Index != int64(e.Index) || int(got.Sub) != sub || got.ID != want.ID || got.Kind != want.Kind.String() || len(got.Windows) != len(want.Windows) ||
				got.ServiceTime != microsOf(want.ServiceNs) || !json.Valid([]byte(got.Event)) {
				t.Fatalf("%+v of %+v", got, want)
			}
			for i, w := range want.Windows {
				windows++
				if g := got.Windows[i]; g.Sector != w.Sector || int64(g.EntersEarliest) != w.EnterMinNs/1000 || int64(g.LeavesLatest) != w.LeaveMaxNs/1000 {
					t.Fatalf("%+v of %+v", g, w)
				}
			}
		}
	}
	if len(rows) > 0 || windows == 0 {
		t.Errorf("%d rows too many, %d windows", len(rows), windows)
	}
}

// TestKilledAnywhere ends the exporter at each of its changes of the place, once and twice, and goes on: the history is whole, without
// gap or repeat, whatever the cuts of the second run.
func TestKilledAnywhere(t *testing.T) {
	s := newSky(t, 30)
	whole := newMemory()
	l := Limits{Entries: 7, Events: 100, Bytes: 1 << 20, AgeNs: 1e15}
	if err := write(whole, l, s, len(s.entries)); err != nil {
		t.Fatal(err)
	}
	changes := 1<<30 - whole.left
	for first := range changes {
		p := newMemory()
		p.left = first
		if err := write(p, l, s, len(s.entries)); !errors.Is(err, errCut) {
			t.Fatalf("cut at %d: %v", first, err)
		}
		p.left = (first * 7) % 9
		again := Limits{Entries: 3 + first%5, Events: 100, Bytes: 1 << 20, AgeNs: 1e15}
		if err := write(p, again, s, len(s.entries)-first%4); err != nil && !errors.Is(err, errCut) {
			t.Fatalf("cut at %d, then: %v", first, err)
		}
		p.left = 1 << 30
		if err := write(p, l, s, len(s.entries)); err != nil {
			t.Fatalf("cut at %d, in the end: %v", first, err)
		}
		mustBeWhole(t, p, s)
	}
	if changes < 20 {
		t.Errorf("only %d changes", changes)
	}
}

func TestTwoExportersDoNotMix(t *testing.T) {
	s, p := newSky(t, 20), newMemory()
	if err := write(p, DefaultLimits(), s, 5); err != nil {
		t.Fatal(err)
	}
	one, err := Open(p, options(DefaultLimits()), epochNs)
	if err != nil {
		t.Fatal(err)
	}
	if err := write(p, DefaultLimits(), s, 9); err != nil {
		t.Fatal(err)
	}
	if err := one.Add(&s.entries[5], epochNs); err != nil {
		t.Fatal(err)
	}
	if _, err := one.Seal(epochNs); !errors.Is(err, ErrTaken) {
		t.Errorf("%v", err)
	}
}

func TestWhatIsNotGoneOnWith(t *testing.T) {
	s, p := newSky(t, 5), newMemory()
	if err := write(p, DefaultLimits(), s, 3); err != nil {
		t.Fatal(err)
	}
	other := options(DefaultLimits())
	other.Cluster = "c2"
	if _, err := Open(p, other, epochNs); err == nil || !strings.Contains(err.Error(), "c1") {
		t.Errorf("another cluster's: %v", err)
	}
	delete(p.files, positionName)
	if _, err := Open(p, options(DefaultLimits()), epochNs); err == nil || !strings.Contains(err.Error(), positionName) {
		t.Errorf("without a position: %v", err)
	}
}

// TestAnotherVoiceIsHeard gives an exporter entries that do not lead where they say.
func TestAnotherVoiceIsHeard(t *testing.T) {
	s := newSky(t, 12)
	for name, change := range map[string]func(e *api.Entry){
		"the hash":       func(e *api.Entry) { e.Hash = s.genesis },
		"the digest":     func(e *api.Entry) { e.Digest = s.genesis },
		"log time":       func(e *api.Entry) { e.LogTime++ },
		"an event":       func(e *api.Entry) { e.Events = e.Events[:len(e.Events)-1] },
		"one event more": func(e *api.Entry) { e.Events = append(slices.Clone(e.Events), e.Events[0]) },
	} {
		x, err := Open(newMemory(), options(DefaultLimits()), epochNs)
		if err = errors.Join(err, x.Begin(1, s.genesis)); err != nil {
			t.Fatal(err)
		}
		e := s.entries[0]
		change(&e)
		var p *problem.Error
		if err := x.Add(&e, epochNs); !errors.As(err, &p) || p.Kind != problem.TwoVoices {
			t.Errorf("%s: %v", name, err)
		}
		if x.Last() != 1 {
			t.Errorf("%s: it was taken", name)
		}
		if err := x.Add(&s.entries[1], epochNs); err == nil {
			t.Errorf("%s: an index was skipped", name)
		}
	}
}

// lines are the stream of a state.
func (s *sky) lines(t testing.TB) [][]byte {
	t.Helper()
	last := s.entries[len(s.entries)-1]
	state := s.machine.State()
	head, err := json.Marshal(api.StateLine{Head: &api.StateHead{Index: last.Index, Hash: last.Hash, LogTime: last.LogTime, ServiceTime: api.Time(state.ServiceNs())}})
	list := [][]byte{head}
	for _, one := range state.Sectors("", 100) {
		list = append(list, bytes.TrimSpace(api.AppendSectorLine(nil, one)))
	}
	for _, one := range state.Flights("", 1000) {
		list = append(list, bytes.TrimSpace(api.AppendFlightLine(nil, one)))
	}
	end, err2 := json.Marshal(api.StateLine{End: &api.StateEnd{Sectors: state.SectorCount(), Flights: state.FlightCount()}})
	if err := errors.Join(err, err2); err != nil {
		t.Fatal(err)
	}
	return append(list, end)
}

func base(x *Exporter, lines [][]byte) (*Manifest, error) {
	b, err := x.NewBase("away too long")
	if err != nil {
		return nil, err
	}
	for _, line := range lines {
		if err := b.Line(line); err != nil {
			return nil, err
		}
	}
	return b.Finish(epochNs)
}

// TestAGapIsMarked: entries that nobody holds any more are named as missing, and the history goes on from a base.
func TestAGapIsMarked(t *testing.T) {
	s, p := newSky(t, 40), newMemory()
	if err := write(p, DefaultLimits(), s, 10); err != nil {
		t.Fatal(err)
	}
	x, err := Open(p, options(DefaultLimits()), epochNs)
	if err != nil {
		t.Fatal(err)
	}
	lines := s.lines(t)
	for cut := range lines {
		if m, err := base(x, lines[:cut]); err == nil {
			t.Fatalf("a state that broke off after %d lines was taken: %+v", cut, m)
		}
	}
	m, err := base(x, lines)
	if err != nil || m.Gap == nil || *m.Gap != (Gap{12, 41, "away too long"}) || m.Sectors != 1 || m.Flights == 0 {
		t.Fatalf("%+v %v", m, err)
	}
	s.run(t, airspace.PutFlight{Flight: flightAt(41)})
	if err := write(p, DefaultLimits(), s, len(s.entries)); err != nil {
		t.Fatal(err)
	}
	r, err := Check(p, program)
	if err != nil || len(r.Findings) > 0 || len(r.Gaps) != 1 || r.Gaps[0] != *m.Gap || r.Last != 42 || r.Entries != 11 || r.Bases != 1 {
		t.Fatalf("%+v %v", r, err)
	}
	rows, err := decode[StateRow](parquetEnding, p.files[stateName(41, 1, parquetEnding)], 1000)
	again, err2 := decode[StateRow](jsonEnding, p.files[stateName(41, 1, jsonEnding)], 1000)
	if err := errors.Join(err, err2); err != nil || len(rows) != m.Sectors+m.Flights || !reflect.DeepEqual(rows, again) {
		t.Errorf("%d rows as Parquet, %d as JSON, %v", len(rows), len(again), err)
	}
	if f := rows[1]; f.Kind != "flight" || len(f.Points) != 2 || f.Points[0].Lat != 47.4 || f.From != "LSZH" || len(f.Windows) == 0 || f.Ends <= f.Begins {
		t.Errorf("%+v", f)
	}
}

// TestWhatIsWrongWithABaseIsSaid damages one file of a base, and counts what the base claims: the other files of it are no strays.
func TestWhatIsWrongWithABaseIsSaid(t *testing.T) {
	s, p := newSky(t, 10), newMemory()
	x, err := Open(p, options(DefaultLimits()), epochNs)
	if err != nil {
		t.Fatal(err)
	}
	m, err := base(x, s.lines(t))
	if err != nil {
		t.Fatal(err)
	}
	only := func(what, finding string) {
		t.Helper()
		if r, err := Check(p, program); err != nil || len(r.Findings) != 1 || !strings.Contains(r.Findings[0], finding) {
			t.Errorf("%s: %q %v", what, r.Findings, err)
		}
	}
	name := stateName(m.Last, 1, parquetEnding)
	was := p.files[name]
	delete(p.files, name)
	only("a file less", name+" is missing")
	p.files[name] = was[1:]
	only("a file cut", name+" has ")
	p.files[name] = was

	m.Files = nil
	x.options.Endings = []string{parquetEnding}
	delete(p.files, stateName(m.Last, 1, jsonEnding))
	if err := errors.Join(keep(x, m, states, name, parquetEnding, []StateRow{}), x.finish(m, epochNs)); err != nil {
		t.Fatal(err)
	}
	only("no rows at all", "has 0 sectors and 0 flights")
	for _, index := range []uint64{0, m.Last - 1, m.Last} {
		b, err := x.NewBase("")
		if err != nil {
			t.Fatal(err)
		}
		if b.begin(&api.StateHead{Index: index, Hash: m.Hash}) == nil {
			t.Errorf("a base at %d is taken where the history is at %d", index, m.Last)
		}
	}
}

// TestEveryChangeOfAFileIsFound changes, removes and adds files of a history, and rows in files whose sums are then made right: by whoever
// wrote the manifests anew.
func TestEveryChangeOfAFileIsFound(t *testing.T) {
	s, p := newSky(t, 40), newMemory()
	if err := write(p, Limits{Entries: 16, Events: 100, Bytes: 1 << 20, AgeNs: 1e15}, s, len(s.entries)); err != nil {
		t.Fatal(err)
	}
	mustBeWhole(t, p, s)
	found := func(what string) {
		t.Helper()
		if r, err := Check(p, program); err == nil && len(r.Findings) == 0 {
			t.Errorf("not found: %s", what)
		}
	}
	rng := rand.New(rand.NewPCG(1, 2))
	for _, name := range slices.Sorted(maps.Keys(p.files)) {
		was := p.files[name]
		if name != positionName {
			delete(p.files, name)
			found("no " + name)
			p.files[name] = slices.Clone(was)
			for range 5 {
				at, bit := rng.IntN(len(was)), byte(1)<<rng.IntN(8)
				p.files[name][at] ^= bit
				if !strings.HasPrefix(name, manifests) || !json.Valid(p.files[name]) {
					found(fmt.Sprintf("bit %d of byte %d of %s", bit, at, name))
				}
				p.files[name][at] ^= bit
			}
		}
		if folder, rest, ok := strings.Cut(name, "/"); ok {
			more := folder + "/x" + rest
			p.files[more] = was
			found("one file more beside " + name)
			delete(p.files, more)
		}
	}
	mustBeWhole(t, p, s)
}

// TestForgedRowsAreFound changes rows and makes all sums of files right again: only the chain hash finds it.
func TestForgedRowsAreFound(t *testing.T) {
	s := newSky(t, 12)
	for name, forge := range map[string]func(entries []EntryRow, events []EventRow) ([]EntryRow, []EventRow){
		"a callsign": func(n []EntryRow, e []EventRow) ([]EntryRow, []EventRow) { e[1].Callsign = "BAW9"; return n, e },
		"a window": func(n []EntryRow, e []EventRow) ([]EntryRow, []EventRow) {
			e[slices.IndexFunc(e, func(r EventRow) bool { return len(r.Windows) > 0 })].Windows[0].EntersEarliest++
			return n, e
		},
		"a service time":     func(n []EntryRow, e []EventRow) ([]EntryRow, []EventRow) { e[2].ServiceTime++; return n, e },
		"an event's text":    func(n []EntryRow, e []EventRow) ([]EntryRow, []EventRow) { e[0].Event = `{}`; return n, e },
		"the bytes":          func(n []EntryRow, e []EventRow) ([]EntryRow, []EventRow) { e[0].Raw = e[1].Raw; return n, e },
		"an event more":      func(n []EntryRow, e []EventRow) ([]EntryRow, []EventRow) { return n, append(e, e[len(e)-1]) },
		"an event less":      func(n []EntryRow, e []EventRow) ([]EntryRow, []EventRow) { return n, e[1:] },
		"two exchanged":      func(n []EntryRow, e []EventRow) ([]EntryRow, []EventRow) { e[0], e[1] = e[1], e[0]; return n, e },
		"an entry less":      func(n []EntryRow, e []EventRow) ([]EntryRow, []EventRow) { return slices.Delete(n, 3, 4), e },
		"an entry's digest":  func(n []EntryRow, e []EventRow) ([]EntryRow, []EventRow) { n[3].Digest = n[2].Digest; return n, e },
		"an entry's time":    func(n []EntryRow, e []EventRow) ([]EntryRow, []EventRow) { n[3].LogTimeNs++; return n, e },
		"an entry's column":  func(n []EntryRow, e []EventRow) ([]EntryRow, []EventRow) { n[3].LogTime++; return n, e },
		"an entry's hash":    func(n []EntryRow, e []EventRow) ([]EntryRow, []EventRow) { n[3].Hash = n[2].Hash; return n, e },
		"an event elsewhere": func(n []EntryRow, e []EventRow) ([]EntryRow, []EventRow) { n[1].Events++; n[2].Events--; return n, e },
	} {
		for _, ending := range Endings() {
			p := newMemory()
			if err := write(p, DefaultLimits(), s, len(s.entries)); err != nil {
				t.Fatal(err)
			}
			m, err := parse[Manifest]("", p.files[rangeName(manifests, 2, 13, "json")])
			if err != nil {
				t.Fatal(err)
			}
			n, err := decode[EntryRow](ending, p.files[rangeName(entries, 2, 13, ending)], 100)
			e, err2 := decode[EventRow](ending, p.files[rangeName(events, 2, 13, ending)], 100)
			if err := errors.Join(err, err2); err != nil {
				t.Fatal(err)
			}
			n, e = forge(n, e)
			x := &Exporter{place: p, options: options(DefaultLimits()), tag: sumOf(p.files[positionName]), position: Position{Format: Format, Cluster: "c1"}}
			m.Files, m.Entries, m.Events = nil, len(n), len(e)
			maps.DeleteFunc(p.files, func(name string, _ []byte) bool { // the other format would tell
				return !strings.HasSuffix(name, ".json") && !strings.HasSuffix(name, "."+ending)
			})
			err = errors.Join(keep(x, &m, entries, rangeName(entries, 2, 13, ending), ending, n), keep(x, &m, events, rangeName(events, 2, 13, ending), ending, e), x.finish(&m, epochNs))
			if err != nil {
				t.Fatal(err)
			}
			if r, err := Check(p, program); err != nil || len(r.Findings) == 0 {
				t.Errorf("%s as %s: %+v %v", name, ending, r, err)
			}
		}
	}
}

func TestTimesInBothFormats(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ns := rapid.Int64Range(-1e18, 7_258_118_400_000_000_000).Draw(t, "ns")
		m := microsOf(ns)
		if d := ns - int64(m)*1000; d < 0 || d > 999 {
			t.Fatalf("%d is %d us", ns, m)
		}
		text, err := m.MarshalText()
		var again Micros
		if err = errors.Join(err, again.UnmarshalText(text)); err != nil || again != m {
			t.Fatalf("%d is %s is %d, %v", m, text, again, err)
		}
	})
}

func FuzzDecode(f *testing.F) {
	s := newSky(f, 6)
	row, err := eventRow(2, 0, 5, s.entries[0].Events[0])
	if err != nil {
		f.Fatal(err)
	}
	for _, ending := range Endings() {
		b, err := encode(ending, []EventRow{row})
		if err != nil {
			f.Fatal(err)
		}
		f.Add(ending, b)
	}
	f.Fuzz(func(t *testing.T, ending string, b []byte) {
		if rows, err := decode[EventRow](ending, b, 100); err == nil && len(rows) > 100 {
			t.Errorf("%d rows", len(rows))
		}
	})
}
