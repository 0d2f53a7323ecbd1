// Package procs runs the servers of one cluster as child processes of this one: for the demo, the bench and the tests.
// It is loud: processes, pipes and files.
//
// A child ends with its parent, however that ends: its standard input is a pipe whose other end the parent holds, and a
// server started with --until-stdin-closes stops when that is closed.
package procs

import (
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"onevoice/internal/cluster"
)

// StopPatience is how long a server may take to stop when asked before it is killed.
const StopPatience = 3 * time.Second

// Cluster is the servers of one genesis in one directory: dir/cluster.json, dir/NAME with the server's data, dir/NAME.log
// with what it printed. Its methods may be called from any goroutine.
type Cluster struct {
	Binary  string // the onevoice executable
	Dir     string
	Genesis cluster.Genesis
	// ArgsOf, where set, gives what is added to a server's command line.
	ArgsOf func(name string) []string
	// Env is added to the environment of every server, as "NAME=value".
	Env []string
	// BinaryOf, where set, gives another executable than Binary for a server; empty is Binary. Each start asks again, so that a
	// server can come back as another build.
	BinaryOf func(name string) string
	// Exited, where set, is told of each server that ended without being asked to.
	Exited func(name string, how error)

	mu       sync.Mutex
	children map[string]*child
}

type child struct {
	cmd   *exec.Cmd
	stdin io.Closer
	ended chan struct{}
	asked bool // to end
}

// ErrRunning says that a server is already running.
var ErrRunning = errors.New("already running")

// ErrNotRunning says that a server is not running.
var ErrNotRunning = errors.New("not running")

func (c *Cluster) file() string { return filepath.Join(c.Dir, "cluster.json") }

// LogFile is where a server's output goes.
func (c *Cluster) LogFile(name string) string { return filepath.Join(c.Dir, name+".log") }

// Init writes the cluster file.
func (c *Cluster) Init() error { return cluster.Write(c.file(), c.Genesis) }

// Start runs one server: for the first time from the cluster file, later from its own directory.
func (c *Cluster) Start(name string) error {
	var first []string
	if _, err := os.Stat(filepath.Join(c.Dir, name)); errors.Is(err, os.ErrNotExist) {
		if _, err := c.Genesis.Server(name); err != nil {
			return err
		}
		first = []string{"--name", name, "--init-from", c.file()}
	}
	return c.StartWith(name, first...)
}

// StartWith runs one server from its own directory with further arguments, also one that the cluster did not begin with.
func (c *Cluster) StartWith(name string, more ...string) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.children[name] != nil {
		return fmt.Errorf("start %s: %w", name, ErrRunning)
	}
	command := "serve"
	if s, err := c.Genesis.Server(name); err == nil && s.Oracle {
		command = "oracle"
	}
	args := append([]string{command, "--dir", filepath.Join(c.Dir, name), "--until-stdin-closes"}, more...)
	if c.ArgsOf != nil {
		args = append(args, c.ArgsOf(name)...)
	}
	cmd := exec.Command(c.binary(name), args...)
	cmd.Env = append(os.Environ(), c.Env...)
	log, err := os.OpenFile(c.LogFile(name), os.O_CREATE|os.O_APPEND|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	defer log.Close()
	cmd.Stdout, cmd.Stderr = log, log
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", name, err)
	}
	k := &child{cmd: cmd, stdin: stdin, ended: make(chan struct{})}
	if c.children == nil {
		c.children = map[string]*child{}
	}
	c.children[name] = k
	go c.wait(name, k)
	return nil
}

func (c *Cluster) binary(name string) string {
	if c.BinaryOf != nil {
		if other := c.BinaryOf(name); other != "" {
			return other
		}
	}
	return c.Binary
}

func (c *Cluster) wait(name string, k *child) {
	how := k.cmd.Wait()
	c.mu.Lock()
	delete(c.children, name)
	asked := k.asked
	c.mu.Unlock()
	if !asked && c.Exited != nil {
		c.Exited(name, how)
	}
	close(k.ended)
}

func (c *Cluster) ask(name string) (*child, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.children[name]
	if k == nil {
		return nil, fmt.Errorf("%s: %w", name, ErrNotRunning)
	}
	k.asked = true
	return k, nil
}

// Kill ends a server at once, as kill -9 does, and waits until it is gone.
func (c *Cluster) Kill(name string) error {
	k, err := c.ask(name)
	if err != nil {
		return err
	}
	err = k.cmd.Process.Kill()
	<-k.ended
	return err
}

// Terminate asks a server to stop, as SIGTERM does, and waits until it is gone. One that does not stop within StopPatience
// is killed, and that is an error.
func (c *Cluster) Terminate(name string) error {
	k, err := c.ask(name)
	if err != nil {
		return err
	}
	if err := k.cmd.Process.Signal(syscall.SIGTERM); err != nil && !errors.Is(err, os.ErrProcessDone) {
		return fmt.Errorf("terminate %s: %w", name, err)
	}
	select {
	case <-k.ended:
		return nil
	case <-time.After(StopPatience):
		err := k.cmd.Process.Kill()
		<-k.ended
		return errors.Join(fmt.Errorf("terminate %s: it did not stop within %v and was killed", name, StopPatience), err)
	}
}

// Signal sends a signal, such as SIGSTOP, to a server.
func (c *Cluster) Signal(name string, signal syscall.Signal) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	k := c.children[name]
	if k == nil {
		return fmt.Errorf("%s: %w", name, ErrNotRunning)
	}
	return k.cmd.Process.Signal(signal)
}

// Pid is a running server's process number, 0 where it is not running.
func (c *Cluster) Pid(name string) int {
	c.mu.Lock()
	defer c.mu.Unlock()
	if k := c.children[name]; k != nil {
		return k.cmd.Process.Pid
	}
	return 0
}

// askAll asks every server to end.
func (c *Cluster) askAll() []*child {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []*child
	for _, k := range c.children {
		k.asked = true
		k.stdin.Close()
		all = append(all, k)
	}
	return all
}

// Stop asks every server to stop, kills those that do not within StopPatience, and waits for all.
func (c *Cluster) Stop() {
	stopping := c.askAll()
	patience := time.After(StopPatience)
	for _, k := range stopping {
		select {
		case <-k.ended:
		case <-patience:
			for _, late := range stopping {
				late.cmd.Process.Kill() //nolint:errcheck // it may have ended in between, which is what we want
			}
			<-k.ended
		}
	}
}
