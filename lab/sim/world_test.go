package sim

import (
	crand "crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"onevoice/internal/realm"
	"onevoice/step"
)

var rewrite = flag.Bool("rewrite", false, "write the golden trace hashes anew")

const (
	childEnv = "ONEVOICE_SIM_TEST_SEEDS"
	realEnv  = "ONEVOICE_SIM_TEST_REAL"
)

// TestMain prints the trace hashes of some seeds and ends, where a test asks for that from another process.
func TestMain(m *testing.M) {
	if os.Getenv(realEnv) != "" {
		_ = realm.EnterReal()
		_, err := New(Options{Seed: 1})
		fmt.Println(errors.Is(err, realm.ErrReal))
		return
	}
	if seeds := os.Getenv(childEnv); seeds != "" {
		for word := range strings.SplitSeq(seeds, ",") {
			seed, _ := strconv.ParseUint(word, 10, 64)
			sum, err := pingHash(seed)
			fmt.Println(sum, err)
		}
		return
	}
	os.Exit(m.Run())
}

func pingHash(seed uint64) (string, error) {
	w, err := pingWorld(Options{Seed: seed})
	if err != nil {
		return "", err
	}
	defer w.Close()
	crand.Read(make([]byte, 8)) // the process-wide source belongs to the seed too
	sum := w.TraceHash()
	return hex.EncodeToString(sum[:]), nil
}

func TestSameSeedSameTraceInAnotherProcess(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), childEnv+"=1,2,3,4,5,6,7,8")
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	lines := strings.Fields(strings.ReplaceAll(string(out), "<nil>", ""))
	seen := map[string]bool{}
	for i, theirs := range lines {
		ours, err := pingHash(uint64(i + 1))
		if err != nil || ours != theirs {
			t.Errorf("seed %d: trace %s here, %s in another process (%v)", i+1, ours, theirs, err)
		}
		seen[ours] = true
	}
	if len(lines) != 8 || len(seen) != 8 {
		t.Errorf("8 seeds gave %d traces, %d different ones", len(lines), len(seen))
	}
}

// TestGolden keeps the worlds of the ping machine as they are: a change here changes what every recorded seed means.
func TestGolden(t *testing.T) {
	file := filepath.Join("testdata", "golden.json")
	got := map[string]string{}
	for seed := range uint64(6) {
		sum, err := pingHash(seed)
		if err != nil {
			t.Fatal(err)
		}
		got[strconv.FormatUint(seed, 10)] = sum
	}
	if *rewrite {
		b, _ := json.MarshalIndent(got, "", "\t")
		if err := os.WriteFile(file, append(b, '\n'), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	b, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	want := map[string]string{}
	if err := json.Unmarshal(b, &want); err != nil {
		t.Fatal(err)
	}
	for seed, sum := range got {
		if want[seed] != sum {
			t.Errorf("seed %s: trace %s, golden %s (go test ./lab/sim -rewrite, if meant)", seed, sum, want[seed])
		}
	}
}

func TestNoWorldWhereServersHaveListened(t *testing.T) {
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.Command(self)
	cmd.Env = append(os.Environ(), realEnv+"=1")
	if out, err := cmd.Output(); err != nil || strings.TrimSpace(string(out)) != "true" {
		t.Errorf("a world in a process that has listened: refused %q, %v", out, err)
	}
}

func TestOneWorldAtATime(t *testing.T) {
	before := crand.Reader
	w, err := New(Options{Seed: 1})
	if err != nil {
		t.Fatal(err)
	}
	if _, err := New(Options{Seed: 2}); !errors.Is(err, ErrLive) {
		t.Errorf("a second world: %v, want ErrLive", err)
	}
	if crand.Reader == before {
		t.Error("crypto/rand.Reader does not follow the seed")
	}
	w.Close()
	w.Close()
	if crand.Reader != before {
		t.Error("crypto/rand.Reader was not given back")
	}
	next, err := New(Options{Seed: 2})
	if err != nil {
		t.Fatalf("after Close: %v", err)
	}
	next.Close()
}

// worlds is how many TestCountsSurvive runs: the rarest fault must be among them.
const worlds = 80

// TestCountsSurvive runs many worlds: what a ping machine told anybody is on its disk, whatever crashed.
func TestCountsSurvive(t *testing.T) {
	total := Counters{Faults: map[string]map[string]int{}}
	for seed := range uint64(worlds) {
		var told = map[string]uint64{}
		var bad []string
		hooks := Hooks{
			Stepped: func(p *Party, out *step.Out) {
				m := p.Machine().(*ping)
				for _, n := range m.acked {
					told[p.Name()] = max(told[p.Name()], n)
				}
				m.acked = nil
				if m.count < told[p.Name()] {
					bad = append(bad, fmt.Sprintf("%s told %d and stands at %d", p.Name(), told[p.Name()], m.count))
				}
			},
			Broken: func(p *Party, what string, err error) { bad = append(bad, what+": "+err.Error()) },
		}
		w, err := pingWorld(Options{Seed: seed, Hooks: hooks})
		if err != nil {
			t.Fatal(err)
		}
		for _, p := range w.Servers() {
			if !p.Up() && !p.Lost() {
				bad = append(bad, p.Name()+" is down after healing")
			}
		}
		c := w.Counters()
		w.Close()
		for kind := range c.Faults {
			total.Faults[kind] = c.Faults[kind]
		}
		total.LostBatches += c.LostBatches
		total.Held += c.Held
		total.Doubled += c.Doubled
		if len(bad) > 0 {
			t.Fatalf("seed %d: %s", seed, bad[0])
		}
	}
	for kind := range episodes {
		if total.Faults[kind.String()] == nil {
			t.Errorf("no %s in %d worlds", kind, worlds)
		}
	}
	if total.LostBatches == 0 || total.Held == 0 || total.Doubled == 0 {
		t.Errorf("too quiet: %+v", total)
	}
}

func TestTextDoesNotChangeTheRun(t *testing.T) {
	quiet, err := pingHash(3)
	if err != nil {
		t.Fatal(err)
	}
	w, err := pingWorld(Options{Seed: 3, Text: io.Discard})
	if err != nil {
		t.Fatal(err)
	}
	defer w.Close()
	crand.Read(make([]byte, 8))
	if sum := w.TraceHash(); hex.EncodeToString(sum[:]) != quiet {
		t.Error("printing the trace changed it")
	}
}
