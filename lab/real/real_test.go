package real

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"syscall"
	"testing"
	"time"
)

// short is one crash, one cut, one restart and one deaf leader.
func short(t *Trial) error {
	round := 0
	return t.Each(func(leader string, others []string) error {
		round++
		switch round {
		case 1:
			return t.Crash(leader, 0)
		case 2:
			return t.For(faultTime/2, "cut off: "+leader, t.Net.Isolate(t.At(leader), t.at(others)))
		case 3:
			return errors.Join(t.Terminate(others[0]), t.Start(others[0]), t.Up(others[0]))
		}
		t.end = time.Now() // the last one
		return t.For(faultTime/2, "one way cut", t.Net.CutOneWay(t.At(others[0]), t.At(leader)))
	})
}

func TestServersUnderFaults(t *testing.T) {
	needsSpace(t)
	dir := t.TempDir()
	report, err := Run(t.Context(), Scenario{Name: "short", Play: short}, RunOptions{Seed: 1, Servers: 3, Secs: 600, Binary: server(t), Dir: dir})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", report)
	if !report.OK() || report.Faults != 4 {
		t.Errorf("%s, %d faults: %v", report.Verdict(), report.Faults, report.Violations)
	}
	if report.Acked < 4*calmPasses || report.Reads == 0 || report.Events < report.Acked/2 || report.Hashes < 100 || report.LeaderChanges == 0 {
		t.Errorf("too little was seen: %+v", report)
	}
	if _, err := os.Stat(filepath.Join(dir, "history.jsonl")); err != nil {
		t.Error(err)
	}
}

// TestReplace replaces a voter while links flap. Its gap depends on how busy the machine is; that is for runs by hand.
func TestReplace(t *testing.T) {
	needsSpace(t)
	report, err := Run(t.Context(), Scenario{Name: "replace", Play: replace}, RunOptions{Seed: 3, Servers: 3, Secs: 1, Binary: server(t), Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", report)
	if !report.OK() || report.Faults == 0 || report.Acked < 3*calmPasses || report.Events == 0 {
		t.Errorf("%s: %+v", report.Verdict(), report)
	}
}

// TestAStalledConnectionIsReplaced cuts a follower off for longer than TCP takes to double its pauses: another connection has to
// take over when the link is whole, before TCP sends again.
func TestAStalledConnectionIsReplaced(t *testing.T) {
	needsSpace(t)
	c, err := Start(t.Context(), Options{Servers: 3, Binary: server(t), Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	defer c.Close()
	if err := c.Connected(t.Context(), healPatience); err != nil {
		t.Fatal(err)
	}
	leader, err := c.Leader(t.Context(), healPatience)
	if err != nil {
		t.Fatal(err)
	}
	follower := c.Others(leader)[0]
	moves := fmt.Sprintf("peer_%d_moves_total", c.Server(follower).Number)
	heal := c.Net.Cut(c.At(leader), c.At(follower))
	if !pause(t.Context(), faultTime/4) {
		t.Fatal(t.Context().Err())
	}
	heal()
	err = until(t.Context(), healPatience, func() error {
		s, err := c.Status(t.Context(), leader)
		if err == nil && s.Counters[moves] == 0 {
			err = fmt.Errorf("%s has not moved to another connection to %s: %v", leader, follower, s.Counters)
		}
		return err
	})
	if err != nil {
		t.Error(err)
	}
}

// sleepOn is the worker of TestNothingIsLeft: three servers, one of them stopped.
func sleepOn(dir string) {
	c, err := Start(context.Background(), Options{Servers: 3, Binary: os.Getenv("ONEVOICE_LAB_TEST_BINARY"), Dir: dir})
	if err == nil {
		err = c.Signal("n2", syscall.SIGSTOP)
	}
	if err != nil {
		os.Stderr.WriteString(err.Error())
		os.Exit(1)
	}
	os.Stdout.WriteString("ready\n")
	select {}
}

// TestNothingIsLeft kills a worker: its servers end with it, the one that is stopped too.
func TestNothingIsLeft(t *testing.T) {
	needsSpace(t)
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	dir := t.TempDir()
	cmd := exec.Command(os.Args[0])
	cmd.Env = append(os.Environ(), sleeper+"="+dir, "ONEVOICE_LAB_TEST_BINARY="+server(t))
	cmd.Stderr = os.Stderr
	Within(cmd)
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	if _, err := out.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if n := processes(t, dir); n != 3 {
		t.Errorf("%d servers run, want 3", n)
	}
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = cmd.Wait() // killed
	if n := processes(t, dir); n != 0 {
		t.Errorf("%d servers outlive their worker", n)
	}
}

// processes counts those of the whole machine whose command line names the directory. /proc is the machine's.
func processes(t *testing.T, dir string) int {
	t.Helper()
	lines, err := filepath.Glob("/proc/[0-9]*/cmdline")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for _, path := range lines {
		if content, err := os.ReadFile(path); err == nil && strings.Contains(string(content), dir) {
			n++
		}
	}
	return n
}
