package bench

import (
	"bytes"
	"context"
	"encoding/base64"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"
)

// Etcd is three etcd servers on loopback, built from the nested module bench/peers and run as programs of their own.
type Etcd struct {
	children []*exec.Cmd
	urls     []string
	http     *http.Client
}

// etcdPatience is how long the servers may take to agree on a leader.
const etcdPatience = 30 * time.Second

// StartEtcd builds etcd, which needs our source at root and the Go toolchain, and starts three servers with data below dir on six
// ports from port on, with etcd's default settings.
func StartEtcd(ctx context.Context, root, dir string, port int) (*Etcd, error) {
	dir, err := filepath.Abs(dir)
	if err != nil {
		return nil, fmt.Errorf("etcd: %w", err)
	}
	binary := filepath.Join(dir, "etcd")
	build := exec.CommandContext(ctx, "go", "build", "-o", binary, "./etcd")
	build.Dir = filepath.Join(root, "bench", "peers")
	if out, err := build.CombinedOutput(); err != nil {
		return nil, fmt.Errorf("etcd: go build in %s: %w\n%s", build.Dir, err, out)
	}
	e := &Etcd{http: HTTPClient()}
	var cluster []string
	for i := range 3 {
		cluster = append(cluster, fmt.Sprintf("e%d=http://127.0.0.1:%d", i+1, port+3+i))
	}
	for i := range 3 {
		client, peer := fmt.Sprintf("http://127.0.0.1:%d", port+i), fmt.Sprintf("http://127.0.0.1:%d", port+3+i)
		name := fmt.Sprintf("e%d", i+1)
		cmd := exec.Command(binary, "--name", name, "--data-dir", filepath.Join(dir, name), "--log-level", "error",
			"--listen-client-urls", client, "--advertise-client-urls", client, "--listen-peer-urls", peer,
			"--initial-advertise-peer-urls", peer, "--initial-cluster", strings.Join(cluster, ","), "--initial-cluster-state", "new")
		if err := cmd.Start(); err != nil {
			e.Stop()
			return nil, fmt.Errorf("etcd: %w", err)
		}
		e.children, e.urls = append(e.children, cmd), append(e.urls, client)
	}
	if err := e.ready(ctx); err != nil {
		e.Stop()
		return nil, err
	}
	return e, nil
}

func (e *Etcd) ready(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, etcdPatience)
	defer cancel()
	for {
		err := e.Put(ctx, 0, "ready", []byte("1"))
		if err == nil {
			return nil
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("etcd: not ready after %s: %w", etcdPatience, err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// Pids are the servers' process numbers.
func (e *Etcd) Pids() []int {
	var pids []int
	for _, c := range e.children {
		pids = append(pids, c.Process.Pid)
	}
	return pids
}

// Put writes a key through the HTTP gateway of a server, durable on a majority.
func (e *Etcd) Put(ctx context.Context, server int, key string, value []byte) error {
	return e.ask(ctx, server, "put", fmt.Sprintf(`{"key":%q,"value":%q}`, encode([]byte(key)), encode(value)))
}

// Get reads a key linearizably through the HTTP gateway of a server.
func (e *Etcd) Get(ctx context.Context, server int, key string) error {
	return e.ask(ctx, server, "range", fmt.Sprintf(`{"key":%q}`, encode([]byte(key))))
}

func encode(b []byte) string { return base64.StdEncoding.EncodeToString(b) }

func (e *Etcd) ask(ctx context.Context, server int, what, body string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, e.urls[server%len(e.urls)]+"/v3/kv/"+what, bytes.NewReader([]byte(body)))
	if err != nil {
		return fmt.Errorf("etcd: %w", err)
	}
	answer, err := e.http.Do(request)
	if err != nil {
		return fmt.Errorf("etcd: %w", err)
	}
	defer answer.Body.Close()
	if _, err := io.Copy(io.Discard, answer.Body); err != nil {
		return fmt.Errorf("etcd: %w", err)
	}
	if answer.StatusCode != http.StatusOK {
		return errors.New("etcd: " + answer.Status)
	}
	return nil
}

// Stop ends the servers and waits for them.
func (e *Etcd) Stop() {
	for _, c := range e.children {
		_ = c.Process.Signal(os.Kill) // it may have ended already
		_ = c.Wait()                  // killed, so always an error
	}
}
