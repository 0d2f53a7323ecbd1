package power

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"

	"onevoice/internal/cluster"
	"onevoice/internal/ports"
	"onevoice/internal/procs"
	"onevoice/store/dropfs"
	"onevoice/web/api"
	"onevoice/web/ask"
)

const diskVariable = dropfs.Environment

// group is the number of the airspace's group.
const group = 1

const (
	// patience is how long a cluster may take to answer, on a busy machine, before that is a failure of the run.
	patience = 60 * time.Second
	// again is the pause before something is looked at once more.
	again = 5 * time.Millisecond
)

// servers are the processes of one cluster.
type servers struct {
	*procs.Cluster
	gone []string // whose disks were destroyed
}

// begin makes a cluster of n servers in dir and starts them all; each has made its directory when it returns.
func begin(ctx context.Context, dir, binary string, n int, env []string) (*servers, error) {
	free, err := ports.Free(2 * n)
	if err != nil {
		return nil, err
	}
	var list []cluster.Server
	for i := range n {
		list = append(list, cluster.Server{Name: fmt.Sprintf("n%d", i+1), Number: uint64(i + 1),
			HTTP: fmt.Sprintf("127.0.0.1:%d", free[2*i]), Peer: fmt.Sprintf("127.0.0.1:%d", free[2*i+1])})
	}
	genesis, err := cluster.New(list, "", 1000)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, err
	}
	s := &servers{Cluster: &procs.Cluster{Binary: binary, Dir: dir, Genesis: genesis, Env: env}}
	if err := s.Init(); err != nil {
		return nil, err
	}
	for _, name := range s.left() {
		if err := s.Start(name); err != nil {
			s.Stop()
			return nil, err
		}
	}
	for _, name := range s.left() {
		if err := s.serves(ctx, name); err != nil {
			s.Stop()
			return nil, err
		}
	}
	return s, nil
}

// left are the servers whose disks are there, by name.
func (s *servers) left() []string {
	var names []string
	for _, x := range s.Genesis.Servers {
		if !slices.Contains(s.gone, x.Name) {
			names = append(names, x.Name)
		}
	}
	return names
}

// one asks a single server over HTTP.
func (s *servers) one(name string) *ask.Client {
	x, err := s.Genesis.Server(name)
	if err != nil {
		panic(err) // names come from the genesis
	}
	return &ask.Client{Endpoints: []string{ask.Endpoint(x.HTTP)}, Timeout: 10 * time.Second}
}

// all asks any server that is left.
func (s *servers) all() *ask.Client {
	c := &ask.Client{Timeout: 10 * time.Second}
	for _, name := range s.left() {
		c.Endpoints = append(c.Endpoints, s.one(name).Endpoints...)
	}
	return c
}

// serves waits until a server answers by itself, as of now.
func (s *servers) serves(ctx context.Context, name string) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for {
		var page api.Flights
		_, err := s.one(name).Do(ctx, ask.Request{Path: "/flights?limit=1"}, &page)
		if err == nil {
			return nil
		}
		if s.Pid(name) == 0 {
			return fmt.Errorf("%s has ended: %w; its last words: %s", name, err, s.lastWords(name))
		}
		if !pause(ctx) {
			return fmt.Errorf("%s does not answer: %w; its last words: %s", name, err, s.lastWords(name))
		}
	}
}

func pause(ctx context.Context) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(again):
		return true
	}
}

func (s *servers) lastWords(name string) string {
	const most = 600
	text, err := os.ReadFile(s.LogFile(name))
	if err != nil {
		return err.Error()
	}
	return strings.TrimSpace(string(text[max(0, len(text)-most):]))
}

// cut kills every server at once, and tells what their disks lost.
func (s *servers) cut() (lost dropfs.Lost, err error) {
	names := s.left()
	for _, name := range names {
		err = errors.Join(err, s.Signal(name, syscall.SIGKILL))
	}
	var ending sync.WaitGroup
	for _, name := range names {
		ending.Go(func() { _ = s.Kill(name) }) // waits until it is gone; most have gone by now
	}
	ending.Wait()
	for _, name := range names {
		l, readErr := dropfs.ReadLost(s.data(name))
		err = errors.Join(err, readErr)
		lost.Bytes += l.Bytes
		lost.Changes += l.Changes
		lost.Syncs += l.Syncs
		lost.Early += l.Early
	}
	return lost, err
}

func (s *servers) data(name string) string { return filepath.Join(s.Dir, name) }

// destroy removes the disk of a server that is not running. It does not come back.
func (s *servers) destroy(name string) error {
	s.gone = append(s.gone, name)
	return os.RemoveAll(s.data(name))
}

// torn counts the starts that found a torn tail.
func (s *servers) torn() int {
	n := 0
	for _, x := range s.Genesis.Servers {
		text, err := os.ReadFile(s.LogFile(x.Name))
		if err == nil {
			n += strings.Count(string(text), "tornTail=true")
		}
	}
	return n
}
