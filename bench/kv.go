package bench

import (
	"context"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"onevoice/client"
	"onevoice/examples/kv"
)

// KV is three of our servers with the key-value machine of examples/kv: the platform with as little on it as etcd has.
type KV struct {
	// Binary is the onevoice program, whose hidden command "bench server" runs one server.
	Binary string
	// Port is the first of three that are used.
	Port int
	// Profiles has each server write a CPU profile into its directory.
	Profiles bool

	children []*exec.Cmd
	stdins   []io.Closer
	options  client.Options
	clients  []*client.Client
}

const (
	// kvGroup is the number of the group that holds the pairs.
	kvGroup = 1
	// kvClients is how many Go clients, with three connections each, the bench's clients share.
	kvClients = 4
	// kvKeys is how many keys each of the bench's clients writes in turn.
	kvKeys = 100
	// commandBytes is the size of a command.
	commandBytes = 256
	// startPatience is how long servers may take to agree on a leader.
	startPatience = 30 * time.Second
)

// Name implements System.
func (k *KV) Name() string { return "onevoice" }

// Start implements System.
func (k *KV) Start(ctx context.Context, dir string) error {
	*k = KV{Binary: k.Binary, Port: k.Port, Profiles: k.Profiles}
	k.options.Group = kvGroup
	var addresses []string
	for i := range 3 {
		addresses = append(addresses, fmt.Sprintf("127.0.0.1:%d", k.Port+i))
		k.options.Endpoints = append(k.options.Endpoints, client.Endpoint{Number: uint64(i + 1), Addr: addresses[i]})
	}
	for i := range 3 {
		if err := k.startOne(i+1, filepath.Join(dir, fmt.Sprintf("n%d", i+1)), strings.Join(addresses, ",")); err != nil {
			return err
		}
	}
	for range kvClients {
		c, err := client.Dial(k.options)
		if err != nil {
			return fmt.Errorf("bench: %w", err)
		}
		k.clients = append(k.clients, c)
	}
	ctx, cancel := context.WithTimeout(ctx, startPatience)
	defer cancel()
	if err := k.put(ctx, 0, 0); err != nil {
		return fmt.Errorf("bench: no first write within %s: %w; see %s", startPatience, err, filepath.Join(dir, "n1", "log"))
	}
	return nil
}

func (k *KV) startOne(number int, dir, addresses string) error {
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	log, err := os.Create(filepath.Join(dir, "log"))
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	defer log.Close()
	cmd := exec.Command(k.Binary, "bench", "server", "--dir", dir, "--number", fmt.Sprint(number), "--addresses", addresses)
	if k.Profiles {
		cmd.Args = append(cmd.Args, "--cpu-profile", filepath.Join(dir, "cpu.prof"))
	}
	cmd.Stdout, cmd.Stderr = log, log
	stdin, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		return fmt.Errorf("bench: %w", err)
	}
	k.children, k.stdins = append(k.children, cmd), append(k.stdins, stdin)
	return nil
}

func (k *KV) pids() []int {
	var pids []int
	for _, c := range k.children {
		pids = append(pids, c.Process.Pid)
	}
	return pids
}

func kvKey(worker, n int) string { return fmt.Sprintf("bench/%04d/%04d", worker, n%kvKeys) }

func (k *KV) put(ctx context.Context, worker, n int) error {
	op := kv.Put(kvKey(worker, n), strings.Repeat("x", commandBytes-20))
	reply, err := k.clients[worker%kvClients].Do(ctx, op, nil)
	if err == nil && (len(reply.Result) != 1 || reply.Result[0] != 1) {
		err = fmt.Errorf("bench: the machine answered %x", reply.Result)
	}
	return err
}

func (k *KV) get(ctx context.Context, worker, n int) error {
	reply, err := k.clients[worker%kvClients].Query(ctx, []byte(kvKey(0, 0)))
	if err == nil && len(reply.Result) == 0 {
		err = fmt.Errorf("bench: a key that was written is not there")
	}
	return err
}

// Cells implements System.
func (k *KV) Cells() []Cell {
	closed := func(kind string, op Op) Cell {
		return Cell{kind, func(ctx context.Context, clients int, t Times) (Figures, error) {
			return Closed(ctx, kind, clients, t, k.pids(), op), nil
		}}
	}
	return []Cell{closed(Write, k.put), closed(Read, k.get), {Watch, k.watch(Watch, 0)}, {WatchRate, k.watch(WatchRate, WatchRatePerSecond)},
		{Overload, func(ctx context.Context, clients int, t Times) (Figures, error) {
			return Overloaded(ctx, Overload, clients, t, FramesUnanswered, k.pids(), k.put), nil
		}}}
}

// Stop implements System: servers stop when their standard input ends.
func (k *KV) Stop() {
	for _, c := range k.clients {
		_ = c.Close() // it never fails
	}
	for i, c := range k.children {
		_ = k.stdins[i].Close()
		late := time.AfterFunc(startPatience, func() { _ = c.Process.Kill() })
		_ = c.Wait() // it was told to stop
		late.Stop()
	}
	k.clients, k.children, k.stdins = nil, nil, nil
}
