package main

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onevoice/internal/cluster"
	"onevoice/internal/ports"
	"onevoice/internal/procs"
	"onevoice/web/ask"
)

// asMain makes the test binary behave as the real one, so that tests run real processes without building anything.
const asMain = "ONEVOICE_TEST_AS_MAIN"

func TestMain(m *testing.M) {
	if os.Getenv(asMain) != "" {
		main()
		return
	}
	os.Setenv(asMain, "1")
	os.Exit(m.Run())
}

// servers starts a cluster of three real processes and waits for its first agreed answer.
func servers(t *testing.T, serviceTime string) (*procs.Cluster, *ask.Client) {
	t.Helper()
	c := newServers(t, serviceTime)
	for _, s := range c.Genesis.Servers {
		if err := c.Start(s.Name); err != nil {
			t.Fatal(err)
		}
	}
	client := demoClient(c.Genesis)
	client.Timeout = 20 * time.Second
	eventually(t, c, func() error {
		_, err := client.Do(t.Context(), ask.Request{Path: "/sectors?limit=1"}, nil)
		return err
	})
	return c, client
}

func newServers(t *testing.T, serviceTime string) *procs.Cluster {
	t.Helper()
	ports := freePorts(t, 6)
	var list []string
	for i := range 3 {
		list = append(list, fmt.Sprintf("n%d=127.0.0.1:%d/%d", i+1, ports[i], ports[i+3]))
	}
	all, err := cluster.ParseServers(strings.Join(list, ","))
	if err != nil {
		t.Fatal(err)
	}
	genesis, err := cluster.New(all, serviceTime, 1000)
	if err != nil {
		t.Fatal(err)
	}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	c := &procs.Cluster{Binary: binary, Dir: t.TempDir(), Genesis: genesis}
	if err := c.Init(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Stop)
	return c
}

func freePorts(t *testing.T, n int) []int {
	t.Helper()
	free, err := ports.Free(n)
	if err != nil {
		t.Fatal(err)
	}
	return free
}

// patience is how long a condition may take on a loaded machine; reaching it is a failure, never a measure.
const patience = 60 * time.Second

// eventually asks until there is no error.
func eventually(t *testing.T, c *procs.Cluster, try func() error) {
	t.Helper()
	end, again := time.After(patience), time.NewTicker(10*time.Millisecond)
	defer again.Stop()
	for {
		err := try()
		if err == nil {
			return
		}
		select {
		case <-end:
			t.Fatalf("still failing after %s: %v%s", patience, err, lastLines(c))
		case <-again.C:
		}
	}
}

// run runs the command line as a process of its own.
func run(t *testing.T, args ...string) (stdout, stderr string, code int) {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(ctx, binary, args...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); cmd.ProcessState == nil {
		t.Fatal(err)
	}
	return out.String(), errs.String(), cmd.ProcessState.ExitCode()
}

// endpoints is the value of -e for a cluster.
func endpoints(c *procs.Cluster) string {
	var all []string
	for _, s := range c.Genesis.Servers {
		all = append(all, s.HTTP)
	}
	return strings.Join(all, ",")
}

func sharedFile(t *testing.T, name string) string {
	t.Helper()
	path := filepath.Join("..", "..", "..", "shared", "data", name)
	if _, err := os.Stat(path); err != nil {
		t.Skipf("no shared test data: %v", err)
	}
	return path
}
