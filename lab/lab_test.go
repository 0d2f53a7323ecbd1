package lab

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onevoice/internal/mutant"
	"onevoice/lab/cluster"
	"onevoice/lab/judge"
	"onevoice/lab/sim"
)

// TestMain lets this binary be the worker that a test starts: the real one after "lab worker", a scripted one after "lab fake".
func TestMain(m *testing.M) {
	if len(os.Args) > 2 && os.Args[1] == "lab" {
		main := WorkerMain
		if os.Args[2] == "fake" {
			main = fakeWorker
		}
		if err := main(context.Background(), os.Args[3:], os.Stdout); err != nil {
			fmt.Fprintln(os.Stderr, err)
			os.Exit(1)
		}
		return
	}
	os.Exit(m.Run())
}

func workerCommand(t *testing.T, kind string) []string {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	return []string{self, "lab", kind}
}

// fakeWorker breaks a law in seed 7, as long as servers crash and faults go on for more than 400 ms, and dies of seed 13.
func fakeWorker(_ context.Context, args []string, w io.Writer) error {
	job, err := parseJob(args)
	if err != nil {
		return err
	}
	for seed := job.From; seed <= job.To; seed++ {
		if seed == 13 {
			panic("thirteen")
		}
		r := result{Report: cluster.Report{Seed: seed, FaultNs: 2_000_000_000}}
		if seed == 7 && !job.Off.Has(sim.Crash) && (job.Faults == 0 || job.Faults > 400*time.Millisecond) {
			r.Violations = []judge.Violation{{Invariant: "S6", Evidence: "lost"}}
		}
		if err := json.NewEncoder(w).Encode(r); err != nil {
			return err
		}
	}
	return nil
}

func TestSeedsOverProcesses(t *testing.T) {
	o := SimOptions{Job: Job{From: 1, To: 12}, Workers: 2, Command: workerCommand(t, "worker")}
	s, err := RunSeeds(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if s.Seeds != 12 || !s.OK() {
		t.Errorf("%d seeds, %d bad, %d undecided: %+v", s.Seeds, s.Bad, s.Undecided, s.Failed)
	}
	var out bytes.Buffer
	s.Print(&out)
	for _, word := range []string{"crash", "leader", "snapshots saved", "12 seeds in", "0 bad"} {
		if !strings.Contains(out.String(), word) {
			t.Errorf("the table has no %q:\n%s", word, out.String())
		}
	}
}

func TestFailuresArePrintedAndShrunk(t *testing.T) {
	var progress bytes.Buffer
	o := SimOptions{Job: Job{From: 1, To: 30}, Workers: 2, Command: workerCommand(t, "fake"), Progress: &progress}
	s, err := RunSeeds(context.Background(), o)
	if err != nil {
		t.Fatal(err)
	}
	if s.Seeds != 30 || s.Bad != 2 || s.OK() {
		t.Fatalf("%d seeds, %d bad; want 30 and 2: seed 7 and the one that killed its worker", s.Seeds, s.Bad)
	}
	var out bytes.Buffer
	s.Print(&out)
	for _, word := range []string{"VIOLATION of S6 in seed 7", "VIOLATION of process in seed 13", "thirteen", "rerun: onevoice lab sim --seeds 7-7", "shrunk: onevoice lab sim --seeds 7-7 --off power,"} {
		if !strings.Contains(out.String(), word) {
			t.Errorf("the report has no %q:\n%s", word, out.String())
		}
	}
	if !strings.Contains(progress.String(), "seed 7: S6") {
		t.Errorf("progress: %s", progress.String())
	}
	for _, f := range s.Failed {
		if f.Report.Seed == 7 && (f.Small.Off.Has(sim.Crash) || f.Small.Faults <= 400*time.Millisecond || f.Small.Faults > 450*time.Millisecond) {
			t.Errorf("shrunk to %+v", f.Small)
		}
	}
}

func TestAWorkerThatDoesNotRunIsAnError(t *testing.T) {
	_, err := RunSeeds(context.Background(), SimOptions{Job: Job{From: 1, To: 3}, Workers: 1, Command: []string{"/does/not/exist"}})
	if err == nil || !strings.Contains(err.Error(), "/does/not/exist") {
		t.Errorf("%v", err)
	}
	_, err = RunSeeds(context.Background(), SimOptions{Job: Job{From: 1, To: 3, Bug: "no-such-bug"}, Workers: 1, Command: workerCommand(t, "worker")})
	if err == nil || !strings.Contains(err.Error(), "no-such-bug") {
		t.Errorf("%v", err)
	}
}

func TestCancel(t *testing.T) {
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	s, err := RunSeeds(ctx, SimOptions{Job: Job{From: 1, To: 1_000_000}, Workers: 2, Command: workerCommand(t, "fake")})
	if !errors.Is(err, context.Canceled) || s.OK() {
		t.Errorf("%d seeds, %v", s.Seeds, err)
	}
}

func TestHuntEndsAtTheFirstFind(t *testing.T) {
	p, err := newPool(workerCommand(t, "fake"), 1)
	if err != nil {
		t.Fatal(err)
	}
	h, err := p.hunt(context.Background(), Job{From: 1, To: 12, Bug: "some-bug"})
	if err != nil || !h.Found || h.Seed != 7 || h.After != 7 || h.Invariant != "S6" {
		t.Errorf("%+v, %v", h, err)
	}
	missed, err := p.hunt(context.Background(), Job{From: 8, To: 12, Bug: "other-bug"})
	if err != nil || missed.Found || missed.After != 5 {
		t.Errorf("%+v, %v", missed, err)
	}
	var out bytes.Buffer
	if PrintHunts(&out, []Hunt{h, missed}) || !strings.Contains(out.String(), "NOT FOUND") || !strings.Contains(out.String(), "some-bug") {
		t.Errorf("%s", out.String())
	}
}

func TestMutantsSayWhatTheyNeed(t *testing.T) {
	_, err := Mutants(context.Background(), MutantOptions{Dir: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), "source of onevoice") {
		t.Errorf("outside the source: %v", err)
	}
	_, err = Mutants(context.Background(), MutantOptions{Package: "./no/such/package"})
	if err == nil || !strings.Contains(err.Error(), "go build -tags mutants") {
		t.Errorf("a package that is not there: %v", err)
	}
	t.Setenv("PATH", t.TempDir())
	_, err = Mutants(context.Background(), MutantOptions{})
	if err == nil || !strings.Contains(err.Error(), "no go command") {
		t.Errorf("without a toolchain: %v", err)
	}
}

func TestOnlyTheBugsThatAreAskedFor(t *testing.T) {
	o := MutantOptions{Only: []string{"forget-vote", "ignore-epoch"}}
	if bugs, err := o.bugs(); err != nil || len(bugs) != 2 || bugs[0] != mutant.ForgetVote || bugs[1] != mutant.IgnoreEpoch {
		t.Errorf("%v, %v", bugs, err)
	}
	o.Only = []string{"no-such-bug"}
	if _, err := o.bugs(); err == nil || !strings.Contains(err.Error(), "no-such-bug") || !strings.Contains(err.Error(), "forget-vote, ") {
		t.Errorf("%v", err)
	}
}

func TestATestThatIsNotThereFindsNothing(t *testing.T) {
	u := unitTest{room: "./internal/mutant", name: "TestNothing"}
	if h, err := u.hunt(context.Background(), "", mutant.IgnoreEpoch); err == nil || !strings.Contains(err.Error(), "TestNothing") {
		t.Errorf("%+v, %v", h, err)
	}
}

func TestSourceRoot(t *testing.T) {
	root, err := sourceRoot("sim")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(filepath.Join(root, "lab", "doc.go")); err != nil {
		t.Error(err)
	}
}

func TestArguments(t *testing.T) {
	for _, bad := range []string{"", "x", "5-3", "1-", "-4", "1-2-3"} {
		if _, _, err := ParseSeeds(bad); err == nil {
			t.Errorf("seeds %q are taken", bad)
		}
	}
	if from, to, err := ParseSeeds("7"); err != nil || from != 7 || to != 7 {
		t.Errorf("seeds 7: %d-%d, %v", from, to, err)
	}
	if _, err := ParseOff("crash,nonsense"); err == nil || !strings.Contains(err.Error(), "nonsense") {
		t.Errorf("off: %v", err)
	}
	want := Job{From: 3, To: 9, Off: sim.KindSet(0).With(sim.Loss).With(sim.Crash), Faults: 1500 * time.Millisecond, Bug: "forget-vote"}
	if got, err := parseJob(want.args()); err != nil || got != want {
		t.Errorf("%v became %+v, %v", want.args(), got, err)
	}
}

func TestExplain(t *testing.T) {
	var brief, long bytes.Buffer
	if err := Explain(cluster.Options{Seed: 4, FaultNs: 300_000_000}, false, &brief); err != nil {
		t.Fatal(err)
	}
	if err := Explain(cluster.Options{Seed: 4, FaultNs: 300_000_000}, true, &long); err != nil {
		t.Fatal(err)
	}
	for _, word := range []string{"LossPpm", "weight crash", "trace hash", "SnapshotEntries"} {
		if !strings.Contains(brief.String(), word) {
			t.Errorf("no %q in\n%s", word, brief.String())
		}
	}
	if !strings.Contains(long.String(), "MsgHeartbeat") || strings.Contains(brief.String(), "MsgHeartbeat") {
		t.Error("the trace is not where it should be")
	}
	hash := func(b bytes.Buffer) string {
		_, rest, _ := strings.Cut(b.String(), "trace hash")
		return strings.Fields(rest)[0]
	}
	if hash(brief) != hash(long) {
		t.Error("printing the trace changed the run")
	}
}
