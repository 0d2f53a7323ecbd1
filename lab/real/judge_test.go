package real

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"onevoice/lab/judge"
)

// putEvent is the event of a change, as servers send it.
func putEvent(flight string, id int, version string) []byte {
	return fmt.Appendf(nil, `{"kind":"flight-put","id":%q,"version":%q,"callsign":"%d","service_time":"2026-01-01T00:00:00Z"}`, flight, version, id)
}

// good is a record of three changes of one flight and a read, seen by two servers' watchers and a wanderer.
func good() *Record {
	r := newRecord()
	for _, w := range []string{"at n1", "at n2", "wanderer"} {
		r.seen(Seen{Watcher: w, From: true, Index: 1})
		for i := 2; i <= 4; i++ {
			r.seen(Seen{Watcher: w, Server: "n1", Index: uint64(i), Data: putEvent("F0.0", i, fmt.Sprintf("%d.0", i))})
		}
	}
	op := func(kind judge.Kind, id uint64, at int64) Op {
		o := Op{Op: judge.Op{Group: airspaceGroup, Client: 1, Kind: kind, Key: "F0.0", Arg: int64(id), CallNs: at, ReturnNs: at + 5, Outcome: judge.OK}}
		if kind == judge.Read {
			o.Query, o.Found, o.Value, o.Index, o.Arg = true, true, 3, 3, 0
			return o
		}
		o.ID, o.Found, o.Value, o.Changed, o.Index = id, true, int64(id), true, id
		return o
	}
	refused := op(judge.CompareAndSet, 9, 35)
	refused.Changed, refused.Value, refused.Old, refused.Index, refused.Current = false, 0, 2, 3, "3.0"
	refused.Sub = 1
	r.add(op(judge.Write, 2, 10))
	r.add(op(judge.Write, 3, 20))
	r.add(op(judge.Read, 0, 30))
	r.add(refused)
	r.add(op(judge.Write, 4, 50))
	r.hash("n1", 3, [32]byte{1})
	r.hash("n2", 3, [32]byte{1})
	r.state(State{"n1", 4, [32]byte{7}})
	r.state(State{"n2", 4, [32]byte{7}})
	r.Elections = []Election{{"n1", 1, airspaceGroup, 2}, {"n2", 1, airspaceGroup, 3}}
	r.reply(Reply{5, 2, 2, 0, []byte("x")})
	r.reply(Reply{5, 2, 2, 0, []byte("x")})
	return r
}

// drop takes the events of an index out of some watchers' streams.
func drop(r *Record, index uint64, watchers ...string) {
	r.Seen = slices.DeleteFunc(r.Seen, func(s Seen) bool { return !s.From && s.Index == index && slices.Contains(watchers, s.Watcher) })
}

// half gives the last index a second event, which the watcher at n2 does not get.
func half(r *Record) {
	for _, w := range []string{"at n1", "wanderer"} {
		r.seen(Seen{Watcher: w, Server: "n1", Index: 4, Sub: 1, Data: putEvent("F1.0", 77, "4.1")})
	}
}

func TestJudge(t *testing.T) {
	for name, c := range map[string]struct {
		change    func(r *Record)
		want      string
		undecided int
	}{
		"good":                    {func(*Record) {}, "", 0},
		"stale read":              {func(r *Record) { r.Ops[2].Index, r.Ops[2].Value = 2, 2 }, "S1 S1", 0},
		"wrong value":             {func(r *Record) { r.Ops[2].Value = 2 }, "S1", 0},
		"refused for nothing":     {func(r *Record) { r.Ops[3].Old = 3 }, "S1", 0},
		"refused for what is not": {func(r *Record) { r.Ops[3].Current = "8.0" }, "S1", 0},
		"two leaders":             {func(r *Record) { r.Elections[1].Term = 2 }, "S2", 0},
		"applied twice": {func(r *Record) {
			for i := range r.Seen {
				if r.Seen[i].Index == 4 {
					r.Seen[i].Data = putEvent("F0.0", 3, "4.0")
				}
			}
			r.Ops = r.Ops[:4]
		}, "S5", 0},
		"another answer":        {func(r *Record) { r.Replies[1].Result = []byte("y") }, "S5", 0},
		"lost":                  {func(r *Record) { drop(r, 3, "at n1", "at n2", "wanderer"); r.Ops = r.Ops[:3] }, "S6", 0},
		"unequal hash":          {func(r *Record) { r.Hashes[1].Hash[0]++ }, "S7", 0},
		"unequal state":         {func(r *Record) { r.States[1].Sum[0]++ }, "S7", 0},
		"unequal event":         {func(r *Record) { r.Seen[6].Data = putEvent("F0.0", 3, "3.1") }, "S7 S8 S8", 0},
		"a gap in a stream":     {func(r *Record) { drop(r, 3, "wanderer") }, "S8", 0},
		"a gap at a server":     {func(r *Record) { drop(r, 3, "at n2") }, "S8", 0},
		"the same event again":  {func(r *Record) { r.seen(r.Seen[len(r.Seen)-1]) }, "S8 S8", 0},
		"seen at once":          {func(r *Record) { r.wrong("V1", "silence") }, "V1", 0},
		"half an index":         {half, "S7 S8 S8", 0},
		"half, then killed":     {func(r *Record) { half(r); r.seen(Seen{Watcher: "at n2", Cut: true}) }, "", 0},
		"a stretch nobody told": {func(r *Record) { drop(r, 4, "at n1", "at n2", "wanderer") }, "", 1},
	} {
		r := good()
		c.change(r)
		court := Judge(r)
		var got []string
		for _, v := range court.Violations() {
			got = append(got, v.Invariant)
		}
		if strings.Join(got, " ") != c.want || court.Undecided != c.undecided {
			t.Errorf("%s: found %q and %d undecided, want %q and %d: %v", name, got, court.Undecided, c.want, c.undecided, court.Violations())
		}
	}
}

func TestElections(t *testing.T) {
	log := `time=x level=INFO msg=serving server=n1 cluster=c http=127.0.1.1:7480 peers=127.0.1.1:7481 boot=3 seed=1
time=x level=INFO msg=leader server=n1 group=1 value=2 text=""
time=x level=INFO msg=serving server=n1 cluster=c http=127.0.1.1:7480 peers=127.0.1.1:7481 boot=4 seed=1
time=x level=INFO msg="peer connected" server=n1 peer=2
time=x level=INFO msg=leader server=n1 group=2 value=17 text=""
`
	want := []Election{{"n1", 3, 1, 2}, {"n1", 4, 2, 17}}
	if got := elections("n1", log); !slices.Equal(got, want) {
		t.Errorf("%v, want %v", got, want)
	}
}

func TestRecordIsSaved(t *testing.T) {
	path := filepath.Join(t.TempDir(), "history.jsonl")
	r := good()
	r.Note("kill -9 %s", "n1")
	if err := r.Save(path); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if n := bytes.Count(content, []byte("\n")); n != len(r.Ops)+len(r.Seen)+len(r.Hashes)+len(r.States)+len(r.Elections)+len(r.Replies)+1 {
		t.Errorf("%d lines", n)
	}
}

func TestPrint(t *testing.T) {
	reports := []Report{
		{Scenario: "crash-leader", Seed: 1, Servers: 3, Faults: 8, Acked: 1391, Reads: 3551, Unknown: 2, GapMs: 208, LeaderChanges: 8},
		{Scenario: "star", Seed: 2, Servers: 5, Faults: 1, Acked: 10, GapMs: 10_300, Evidence: "/tmp/e", Rerun: "onevoice lab real --scenario star --seed 2",
			Violations: slices.Repeat([]judge.Violation{{Invariant: "S1", AtNs: 1_500_000, Evidence: "stale"}}, mostPrinted+2)},
		{Scenario: "flap", Seed: 3, Servers: 3, Undecided: 2, Evidence: "/tmp/f", Rerun: "onevoice lab real --scenario flap --seed 3"},
		{Scenario: "cut-leader", Seed: 4, Servers: 3, Error: "no leader", Evidence: "/tmp/g", Rerun: "onevoice lab real --scenario cut-leader --seed 4"},
	}
	var out bytes.Buffer
	Print(&out, reports)
	golden := filepath.Join("testdata", "table.txt")
	want, err := os.ReadFile(golden)
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(out.Bytes(), want) {
		t.Errorf("got\n%s\nwant\n%s", &out, want)
	}
}

func TestPrintGaps(t *testing.T) {
	reports := []Report{{Scenario: "star", GapMs: 5}, {Scenario: "flap", GapMs: 7, Error: "no leader"}}
	for i := range 200 {
		reports = append(reports, Report{Scenario: "replace", GapMs: int64(200 - i)})
	}
	var out strings.Builder
	printGaps(&out, reports)
	if want := "replace: longest gap of a run, over 200 runs: p50 100 ms, p99 198 ms, max 200 ms\n"; out.String() != want {
		t.Errorf("%q, want %q", &out, want)
	}
}

func TestScenariosAreFound(t *testing.T) {
	if all, err := Find("all"); err != nil || len(all) < 12 {
		t.Errorf("%d scenarios, %v", len(all), err)
	}
	if two, err := Find("star,flap"); err != nil || len(two) != 2 || two[0].Name != "star" {
		t.Errorf("%v, %v", two, err)
	}
	if _, err := Find("star,comet"); err == nil || !strings.Contains(err.Error(), "comet") {
		t.Error(err)
	}
	bad := LaunchOptions{Servers: 4, Secs: 1, Repeats: 1, Parallel: 1}
	if _, err := Launch(t.Context(), bad); err == nil || !strings.Contains(err.Error(), "servers is 4, allowed: 3 or 5") {
		t.Error(err)
	}
}
