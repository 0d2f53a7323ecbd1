package main

import (
	"bufio"
	"io"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// demoProcess is a demo that runs as a process of its own.
type demoProcess struct {
	t     *testing.T
	cmd   *exec.Cmd
	base  int
	lines chan string

	mu  sync.Mutex
	all []string
}

func startDemoProcess(t *testing.T, port int, args ...string) *demoProcess {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	d := &demoProcess{t: t, base: port, lines: make(chan string, 1000)}
	d.cmd = exec.Command(binary, append([]string{"demo", "--port", strconv.Itoa(port)}, args...)...)
	d.cmd.Env = append(os.Environ(), "XDG_RUNTIME_DIR="+t.TempDir(), "TMPDIR="+t.TempDir())
	t.Setenv("XDG_RUNTIME_DIR", envOf(d.cmd.Env, "XDG_RUNTIME_DIR"))
	out, err := d.cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	d.cmd.Stderr = os.Stderr
	if err := d.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	var reading sync.WaitGroup
	reading.Go(func() { d.read(out) })
	t.Cleanup(func() {
		d.cmd.Process.Signal(syscall.SIGTERM) //nolint:errcheck // it may have ended already
		reading.Wait()
		d.cmd.Wait() //nolint:errcheck // how it ended was judged by what it printed
	})
	return d
}

func envOf(env []string, name string) string {
	value := ""
	for _, e := range env {
		if v, ok := strings.CutPrefix(e, name+"="); ok {
			value = v
		}
	}
	return value
}

func (d *demoProcess) read(out io.Reader) {
	lines := bufio.NewScanner(out)
	for lines.Scan() {
		d.mu.Lock()
		d.all = append(d.all, lines.Text())
		d.mu.Unlock()
		d.lines <- lines.Text()
	}
	close(d.lines)
}

// waitFor waits for a line that holds text, from where the last waitFor ended.
func (d *demoProcess) waitFor(text string) {
	d.t.Helper()
	end := time.After(patience)
	for {
		select {
		case line, ok := <-d.lines:
			if !ok {
				d.t.Fatalf("the demo ended without %q:\n%s", text, d.printed())
			}
			if strings.Contains(line, text) {
				return
			}
		case <-end:
			d.t.Fatalf("no %q after %s:\n%s", text, patience, d.printed())
		}
	}
}

func (d *demoProcess) printed() string {
	d.mu.Lock()
	defer d.mu.Unlock()
	return strings.Join(d.all, "\n")
}

func (d *demoProcess) port(i int) string { return strconv.Itoa(d.base + i) }

// kill kills a server by the pid that the demo printed.
func (d *demoProcess) kill(name string) {
	d.t.Helper()
	for line := range strings.SplitSeq(d.printed(), "\n") {
		fields := strings.Fields(line)
		if len(fields) > 2 && fields[0] == name && fields[1] == "pid" {
			pid, err := strconv.Atoi(fields[2])
			if err == nil {
				err = syscall.Kill(pid, syscall.SIGKILL)
			}
			if err != nil {
				d.t.Fatal(err)
			}
			return
		}
	}
	d.t.Fatalf("no pid of %s:\n%s", name, d.printed())
}

func (d *demoProcess) until(holds func() bool) {
	d.t.Helper()
	end, again := time.After(patience), time.NewTicker(10*time.Millisecond)
	defer again.Stop()
	for !holds() {
		select {
		case <-end:
			d.t.Fatalf("did not come to hold:\n%s", d.printed())
		case <-again.C:
		}
	}
}

func (d *demoProcess) interrupt() {
	d.t.Helper()
	if err := d.cmd.Process.Signal(os.Interrupt); err != nil {
		d.t.Fatal(err)
	}
}
