package cluster

import (
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"strings"
	"testing"

	"onevoice/lab/sim"
)

var (
	seedsFlag = flag.String("seeds", "1-24", "seeds to run")
	textFlag  = flag.Bool("text", false, "print the traces")
)

const childEnv = "ONEVOICE_CLUSTER_TEST_SEED"

// TestMain prints the trace hashes of some seeds and ends, where a test asks for that from another process.
func TestMain(m *testing.M) {
	if os.Getenv(childEnv) != "" {
		for seed := range uint64(4) {
			r, err := Run(Options{Seed: seed}, nil)
			fmt.Println(r.Trace, err)
		}
		return
	}
	os.Exit(m.Run())
}

func TestSameSeedSameRunInAnotherProcess(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childEnv+"=1")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Split(strings.TrimSpace(string(out)), "\n")
	if len(lines) != 4 {
		t.Fatalf("another process printed %q", out)
	}
	for seed, theirs := range lines {
		r, err := Run(Options{Seed: uint64(seed)}, nil)
		if ours := fmt.Sprint(r.Trace, " ", err); ours != theirs {
			t.Errorf("seed %d: %s here, %s in another process", seed, ours, theirs)
		}
	}
}

// TestSeeds runs some seeds: no law is broken, and the faults and rare paths that the laboratory is for do happen.
func TestSeeds(t *testing.T) {
	var from, to uint64
	if n, _ := fmt.Sscanf(*seedsFlag, "%d-%d", &from, &to); n != 2 {
		t.Fatalf("-seeds is %q, allowed: A-B", *seedsFlag)
	}
	var text io.Writer
	if *textFlag {
		text = os.Stdout
	}
	var work Work
	facts := map[string]int{}
	for seed := from; seed <= to; seed++ {
		r, err := Run(Options{Seed: seed}, text)
		if err != nil {
			t.Fatal(err)
		}
		for _, v := range r.Violations {
			t.Errorf("seed %d: %v", seed, v)
		}
		if r.Undecided > 0 {
			t.Errorf("seed %d: %d keys undecided", seed, r.Undecided)
		}
		work.Add(r.Work)
		for name, n := range r.Facts {
			facts[name] += n
		}
	}
	for _, name := range []string{"leader", "snapshot-saved", "snapshot-installed", "session-expired"} {
		if facts[name] == 0 {
			t.Errorf("no %s in seeds %s", name, *seedsFlag)
		}
	}
	for name, n := range map[string]int{
		"acked": work.Acked, "unknown": work.Unknown, "reads": work.Reads, "repeats": work.Repeats, "sessions lost": work.SessionsLost,
		"events": work.Events, "watchers begun anew": work.WatchGone, "states": work.States,
		"members joined": work.Joined, "members removed": work.Removed, "members replaced": work.Replaced,
	} {
		if n == 0 {
			t.Errorf("no %s in seeds %s", name, *seedsFlag)
		}
	}
}

// TestOff checks that a kind of fault that is switched off does not happen, and that the rest goes on.
func TestOff(t *testing.T) {
	off := sim.KindSet(0).With(sim.Crash).With(sim.Power).With(sim.Bounce).With(sim.Ambush).With(sim.Promise).With(sim.DiskError)
	faults := 0
	for seed := range uint64(6) {
		r, err := Run(Options{Seed: seed, Off: off, FaultNs: secNs}, nil)
		if err != nil {
			t.Fatal(err)
		}
		for kind, roles := range r.Faults.Faults {
			if k, _ := sim.ParseKind(kind); off.Has(k) {
				t.Errorf("seed %d: %s happened: %v", seed, kind, roles)
			}
			faults += len(roles)
		}
		if r.FaultNs != secNs {
			t.Errorf("seed %d: faults for %d ns", seed, r.FaultNs)
		}
	}
	if faults == 0 {
		t.Error("no fault at all")
	}
}
