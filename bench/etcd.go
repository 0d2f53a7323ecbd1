package bench

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"time"
)

// Etcd is three etcd servers on loopback with their default settings, and a load program over etcd's own client: both are
// built from the nested module bench/peers and run as programs of their own.
type Etcd struct {
	// Root is where our source lies.
	Root string
	// Port is the first of six that are used.
	Port int
	// Bin is where the programs are built, once.
	Bin string

	children []*exec.Cmd
	urls     []string
}

// Name implements System.
func (e *Etcd) Name() string { return "etcd" }

// Build makes both programs, which needs our source and the Go toolchain.
func (e *Etcd) Build(ctx context.Context) error {
	for _, program := range []string{"etcd", "etcdload"} {
		build := exec.CommandContext(ctx, "go", "build", "-o", filepath.Join(e.Bin, program), "./"+program)
		build.Dir = filepath.Join(e.Root, "bench", "peers")
		if out, err := build.CombinedOutput(); err != nil {
			return fmt.Errorf("etcd: go build in %s: %w\n%s", build.Dir, err, out)
		}
	}
	return nil
}

// Start implements System. The load program waits for a leader.
func (e *Etcd) Start(_ context.Context, dir string) error {
	e.children, e.urls = nil, nil
	var cluster []string
	for i := range 3 {
		cluster = append(cluster, fmt.Sprintf("e%d=http://127.0.0.1:%d", i+1, e.Port+3+i))
	}
	for i := range 3 {
		client, peer := fmt.Sprintf("http://127.0.0.1:%d", e.Port+i), fmt.Sprintf("http://127.0.0.1:%d", e.Port+3+i)
		name := fmt.Sprintf("e%d", i+1)
		cmd := exec.Command(filepath.Join(e.Bin, "etcd"), "--name", name, "--data-dir", filepath.Join(dir, name), "--log-level", "error",
			"--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer,
			"--initial-advertise-peer-urls", peer, "--initial-cluster", strings.Join(cluster, ","), "--initial-cluster-state", "new")
		if err := cmd.Start(); err != nil {
			return fmt.Errorf("etcd: %w", err)
		}
		e.children, e.urls = append(e.children, cmd), append(e.urls, strings.TrimPrefix(client, "http://"))
	}
	return nil
}

// Cells implements System.
func (e *Etcd) Cells() []Cell {
	cell := func(kind, mode, clients string) Cell {
		return Cell{kind, func(ctx context.Context, n int, t Times) (Figures, error) {
			return e.load(ctx, kind, n, t, "-mode", mode, clients, strconv.Itoa(n))
		}}
	}
	return []Cell{cell(Write, "write", "-clients"), cell(Read, "read", "-clients"), cell(Watch, "watch", "-watchers"), cell(WatchRate, "watchrate", "-watchers")}
}

// loaded is what the load program prints.
type loaded struct {
	TookMs, PerSecond, P50Ms, P99Ms, MaxMs, Seen float64
	Ops, Failed                                  int
	FirstError                                   string
}

// load runs the load program; the servers' processor time is taken when it says that it begins and ends.
func (e *Etcd) load(ctx context.Context, kind string, clients int, t Times, args ...string) (Figures, error) {
	args = append(args, "-endpoints", strings.Join(e.urls, ","), "-warm", t.Warm.String(), "-measure", t.Measure.String())
	cmd := exec.CommandContext(ctx, filepath.Join(e.Bin, "etcdload"), args...)
	var out bytes.Buffer
	cmd.Stdout = &out
	notes, err := cmd.StderrPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return Figures{}, fmt.Errorf("etcdload: %w", err)
	}
	var used time.Duration
	var said string
	for lines := bufio.NewScanner(notes); lines.Scan(); {
		switch said = lines.Text(); said {
		case "measuring":
			used = CPU(e.pids())
		case "measured":
			used = CPU(e.pids()) - used
		}
	}
	if err := cmd.Wait(); err != nil {
		return Figures{}, fmt.Errorf("etcdload: %w: %s", err, said)
	}
	var l loaded
	if err := json.Unmarshal(out.Bytes(), &l); err != nil {
		return Figures{}, fmt.Errorf("etcdload: %w: %s", err, out.String())
	}
	ms := func(v float64) time.Duration { return time.Duration(v * float64(time.Millisecond)) }
	f := Figures{Name: kind, Clients: clients, Took: ms(l.TookMs), OK: l.Ops, Failed: l.Failed, P50: ms(l.P50Ms), P99: ms(l.P99Ms), Max: ms(l.MaxMs),
		Share: l.Seen, FirstError: l.FirstError}
	f.ServerCPU = per1000(used, f.OK)
	return f, nil
}

func (e *Etcd) pids() []int {
	var pids []int
	for _, c := range e.children {
		pids = append(pids, c.Process.Pid)
	}
	return pids
}

// Stop implements System: it ends the servers and waits for them.
func (e *Etcd) Stop() {
	for _, c := range e.children {
		_ = c.Process.Signal(os.Kill) // it may have ended already
		_ = c.Wait()                  // killed, so always an error
	}
	e.children = nil
}
