package gap

import (
	"bytes"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

const milli = int64(time.Millisecond)

func TestTheLongestGapCounts(t *testing.T) {
	at := func(ms int) time.Time { return time.Unix(100, 0).Add(time.Duration(ms) * time.Millisecond) }
	p := &pulse{answers: []time.Time{at(-500), at(-2), at(1), at(71), at(72), at(90)}}
	for _, c := range []struct{ from, to, want int }{{0, 91, 70}, {0, 200, 110}, {72, 91, 18}, {95, 100, 10}, {-499, 91, 498}} {
		if got := p.gap(at(c.from), at(c.to)); got != int64(c.want)*milli {
			t.Errorf("from %d to %d ms: %d ms, want %d", c.from, c.to, got/milli, c.want)
		}
	}
}

func results(c Cell, n int, gap, late int64) []Result {
	var all []Result
	for range n {
		all = append(all, Result{Cell: c, WriteNs: gap, ReadNs: gap / 2, BoundNs: 80 * milli, RoundNs: 41 * milli, LateNs: late, SyncNs: milli, Acked: 10})
	}
	return all
}

func TestVerdicts(t *testing.T) {
	kill, hogs, moved := Cell{Servers: 3, Fault: Kill}, Cell{Servers: 3, Fault: Kill, Hogs: 2}, Cell{Servers: 3, Fault: Transfer}
	far, farMoved := Cell{Servers: 3, Fault: Kill, RoundTripNs: 40 * milli}, Cell{Servers: 3, Fault: Transfer, RoundTripNs: 40 * milli}
	lost := results(kill, 1, milli, 0)
	lost[0].Lost = 1
	for _, c := range []struct {
		results []Result
		want    Verdict
	}{
		{results(kill, 5, 90*milli, milli), Reached},
		{results(kill, 5, 100*milli, milli), Missed},
		{results(kill, 5, 100*milli, 6*milli), Noisy},
		{results(hogs, 5, 240*milli, 50*milli), Reached},
		{results(hogs, 5, 250*milli, 50*milli), Missed},
		{results(moved, 5, 19*milli, 0), Reached},
		{results(moved, 5, 21*milli, 0), Missed},
		{results(far, 5, 319*milli, 0), Reached}, // 80 ms and six round trips
		{results(far, 5, 320*milli, 0), Missed},
		{results(farMoved, 5, 239*milli, 0), Reached},
		{results(farMoved, 5, 240*milli, 0), Missed},
		{append(results(kill, 298, 50*milli, 0), results(kill, 2, 400*milli, 0)...), Reached},
		{append(results(kill, 296, 50*milli, 0), results(kill, 4, 400*milli, 0)...), Missed},
		{lost, Broken},
		{[]Result{{Cell: kill, Error: "x"}}, NoRun},
	} {
		if got := Summarise(c.results)[0]; got.Verdict != c.want {
			t.Errorf("%+v, want %s", got, c.want)
		}
	}
}

func TestPrintGolden(t *testing.T) {
	table := Summarise(append(results(Cell{Servers: 3, Fault: Kill}, 2, 20*milli, milli), results(Cell{Servers: 5, Fault: Deaf, RoundTripNs: 40 * milli}, 1, 330*milli, milli)...))
	var out bytes.Buffer
	Print(&out, table)
	golden := filepath.Join("testdata", "table.golden")
	want, err := os.ReadFile(golden)
	if err != nil || out.String() != string(want) {
		t.Errorf("%v: got\n%s", err, out.String())
	}
}

func TestOptions(t *testing.T) {
	good := Options{Servers: []int{3, 5}, Faults: Faults(), Repeats: 1}
	if err := good.Check(); err != nil {
		t.Error(err)
	}
	for _, c := range []struct {
		spoil func(*Options)
		says  string
	}{
		{func(o *Options) { o.Servers = []int{4} }, "nodes is 4, allowed: 3, 5"},
		{func(o *Options) { o.Faults = []Fault{"fire"} }, `fault is "fire", allowed:`},
		{func(o *Options) { o.Repeats = 0 }, "repeat is 0, allowed: 1 to 10000"},
		{func(o *Options) { o.RoundTrip = time.Second }, "round-trip is 1s, allowed: 0 to 250ms"},
		{func(o *Options) { o.Hogs = -1 }, "hogs is -1, allowed: 0 to 64"},
	} {
		o := good
		c.spoil(&o)
		if err := o.Check(); err == nil || !strings.Contains(err.Error(), c.says) {
			t.Errorf("%v, want %q", err, c.says)
		}
	}
}

// TestResultsOfTheSameProgramGoOn: others' are left out, and so are experiments that failed.
func TestResultsOfTheSameProgramGoOn(t *testing.T) {
	cell := Cell{Servers: 3, Fault: Stop}
	o := Options{Results: filepath.Join(t.TempDir(), "results.jsonl"), Repeats: 3}
	if got, err := o.earlier("b1"); err != nil || len(got) != 0 {
		t.Fatalf("%v, %v from no file", got, err)
	}
	for _, r := range []Result{{Cell: cell, Build: "b1"}, {Cell: cell, Build: "b2"}, {Cell: cell, Build: "b1", Error: "x"}} {
		if err := o.note(r, 1); err != nil {
			t.Fatal(err)
		}
	}
	got, err := o.earlier("b1")
	if err != nil || len(got) != 1 || count(got, cell) != 1 || count(got, Cell{Servers: 5, Fault: Stop}) != 0 {
		t.Errorf("%+v, %v", got, err)
	}
	if err := os.WriteFile(o.Results, []byte("x\n"), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := o.earlier("b1"); err == nil {
		t.Error("a damaged file is read without a word")
	}
}

// TestEachRepeatTakesAllLayoutsInTurn, so that what else the machine does meets them alike.
func TestEachRepeatTakesAllLayoutsInTurn(t *testing.T) {
	o := Options{Servers: []int{3}, Faults: []Fault{Kill, Stop}, Repeats: 1, Layouts: []Layout{Inside, OwnRealtime}, Settle: time.Second}
	if err := o.Check(); err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, c := range o.cells() {
		got = append(got, string(c.Fault)+" "+string(c.Layout))
	}
	if want := "kill inside, kill own-realtime, stop inside, stop own-realtime"; strings.Join(got, ", ") != want {
		t.Errorf("%v, want %s", got, want)
	}
	for layout, want := range map[Layout]string{Inside: "0", Own: "3", OwnRealtime: "3 o1"} {
		oracles, args := layout.plan()
		text := fmt.Sprint(oracles)
		for _, name := range []string{"n1", "o1"} {
			if len(args(name)) > 0 {
				text += " " + name
			}
		}
		if text != want {
			t.Errorf("%s: %s, want %s", layout, text, want)
		}
	}
	o.Layouts = append(o.Layouts, "moon")
	if err := o.Check(); err == nil || !strings.Contains(err.Error(), `oracle is "moon", allowed: [inside`) {
		t.Error(err)
	}
	o.Layouts, o.Settle = nil, 2*time.Minute
	if err := o.Check(); err == nil || !strings.Contains(err.Error(), "settle is 2m0s") {
		t.Error(err)
	}
	if n := len(o.cells()); n != 2 {
		t.Errorf("%d cells without layouts", n)
	}
}

func TestLatenessOfLayouts(t *testing.T) {
	cell := Cell{Servers: 3, Fault: Stop, Hogs: 2, Layout: Own, SettleNs: 1}
	all := results(cell, 3, 20*milli, milli)
	for i := range all {
		all[i].Punctuality = Punctuality{ServerLateNs: int64(10*i+10) * milli, OracleLateNs: int64(i) * milli, PublishedNs: 80 * milli, Views: uint64(i)}
	}
	all = append(all, Result{Cell: cell, Error: "x"})
	l := Summarise(all)[0].Lateness
	if l == nil || l.Server != (Spread{20 * milli, 30 * milli, 30 * milli}) || l.Oracle.P50 != milli || l.Published.Max != 80*milli || l.Views.Max != 2 {
		t.Fatalf("%+v", l)
	}
	var out bytes.Buffer
	Print(&out, Summarise(all))
	for _, want := range []string{"oracle late p50 ms", "own        3   stop     2        3                  20   30                   1    2                80   80          1    2"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %q in\n%s", want, out.String())
		}
	}
}
