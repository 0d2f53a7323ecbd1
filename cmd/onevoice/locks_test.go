package main

import (
	"bytes"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"syscall"
	"testing"
	"time"

	"onevoice/client/lock"
	"onevoice/fence"
	"onevoice/problem"
	"onevoice/web/api"
	"onevoice/web/ask"
)

func TestPrintLocks(t *testing.T) {
	holder := strings.Repeat("0123456789abcdef", 2)
	golden(t, "locks.txt", func(w io.Writer) error {
		return printLocks(w, []api.Lock{
			{Name: "import/flights", Is: "held", Owner: "onevoice import on h1, process 123", Token: "3/7/12/" + holder, TTLMs: 10_000, DelayMs: 5_000, EndsInMs: 6_789},
			{Name: "import/sectors", Is: "lapsed", Owner: "onevoice import on h2, process 9", Token: "3/7/9/" + holder, TTLMs: 10_000, DelayMs: 5_000, EndsInMs: 50},
			{Name: "page", Is: "revoked", Token: "2/5/1/" + holder, TTLMs: 600_000, EndsInMs: 600_000},
		})
	})
	golden(t, "locks_none.txt", func(w io.Writer) error { return printLocks(w, nil) })
}

// importing starts an import that holds its lock and waits for its file, which nobody writes.
func importing(t *testing.T, endpoints string) *exec.Cmd {
	t.Helper()
	path := filepath.Join(t.TempDir(), "sectors.geojson")
	if err := syscall.Mkfifo(path, 0o600); err != nil {
		t.Fatal(err)
	}
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), binary, "import", "-e", endpoints, "--sectors", path)
	var logs bytes.Buffer
	cmd.Stderr = &logs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("import: %s", logs.String())
		}
	})
	return cmd
}

// TestOneImports: a second importer is told who imports; the lock outlives the loss of the leader that granted it, and the importer that holds it
// by no more than its lease and lock-delay.
func TestOneImports(t *testing.T) {
	c, client := servers(t, "2018-08-01T05:00:00Z")
	none := filepath.Join(t.TempDir(), "none.geojson")
	if err := os.WriteFile(none, []byte(`{"type":"FeatureCollection","features":[]}`), 0o600); err != nil {
		t.Fatal(err)
	}
	imports := func(more ...string) (stdout, stderr string, code int) {
		return run(t, append([]string{"import", "-e", endpoints(c), "--sectors", none}, more...)...)
	}
	if stdout, stderr, code := imports(); code != exitOK {
		t.Fatalf("alone: exit %d\n%s%s", code, stdout, stderr)
	}
	if stdout, _, code := run(t, "locks", "-e", endpoints(c)); code != exitOK || stdout != "no lock is held\n" {
		t.Errorf("after it: exit %d, %s", code, stdout)
	}
	first := importing(t, endpoints(c))
	eventually(t, c, func() error {
		_, held, err := webLocks{client}.Find(t.Context(), "import/sectors")
		if err == nil && !held {
			err = errors.New("it is not held")
		}
		return err
	})
	says := regexp.MustCompile(`^onevoice: onevoice import runs once at a time: take lock import/sectors: refused: onevoice import on \S+, process \d+ ` +
		`\(holder [0-9a-f]{8}\) holds it; the lease ends at \S+Z unless it is kept, lock-delay: 5000 ms\n$`)
	refused := func(when string) {
		t.Helper()
		if stdout, stderr, code := imports(); code != exitRefused || stdout != "" || !says.MatchString(stderr) {
			t.Errorf("%s: exit %d\n%s%s", when, code, stdout, stderr)
		}
	}
	refused("a second one")
	stdout, _, code := run(t, "locks", "-e", endpoints(c))
	if code != exitOK || !regexp.MustCompile(`(?m)^import/sectors +held +\d+\.\d s +5\.0 s +\d+/\d+/2/[0-9a-f]{32} +onevoice import on `).MatchString(stdout) {
		t.Errorf("exit %d, %s", code, stdout)
	}
	if err := c.Kill(lockLeader(t, client)); err != nil {
		t.Fatal(err)
	}
	refused("after the loss of a server")
	if err := first.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	refused("after the loss of the importer")
	begun := time.Now()
	if stdout, stderr, code := imports("--wait", "50s"); code != exitOK {
		t.Errorf("waiting: exit %d\n%s%s", code, stdout, stderr)
	}
	t.Logf("the lock came free %v after the kill", time.Since(begun))
}

// lockLeader names the server that leads the group of the locks.
func lockLeader(t *testing.T, client *ask.Client) string {
	t.Helper()
	var all api.Members
	if _, err := client.Do(t.Context(), ask.Request{Path: "/members"}, &all); err != nil {
		t.Fatal(err)
	}
	for _, g := range all.Groups {
		if g.Number == membersGroup {
			return nameOf(&all, g.Leader)
		}
	}
	t.Fatal("nobody leads")
	return ""
}

// TestRevokedOverHTTP: an operator ends a lock, its holder hears of it at the next keep, and no other has it before.
func TestRevokedOverHTTP(t *testing.T) {
	c, client := servers(t, "2018-08-01T05:00:00Z")
	l, err := lock.Acquire(t.Context(), webLocks{client}, "a/b", lock.Options{TTL: 3 * time.Second, Owner: "me"})
	if err != nil {
		t.Fatal(err)
	}
	if stdout, stderr, code := run(t, "locks", "revoke", "a/b", "-e", endpoints(c)); code != exitOK || !strings.HasPrefix(stdout, "a/b is revoked; it ends in ") {
		t.Errorf("exit %d, %s%s", code, stdout, stderr)
	}
	<-l.Done()
	var p *problem.Error
	if !errors.As(l.Err(), &p) || p.Kind != problem.Expired || !strings.Contains(p.Detail, "revoked") {
		t.Errorf("%v", l.Err())
	}
	two, err := lock.Await(t.Context(), webLocks{client}, "a/b", lock.Options{})
	if err != nil || two.Token().Compare(l.Token()) <= 0 {
		t.Fatalf("%v, %v", two, err)
	}
	if _, err := lock.Acquire(t.Context(), webLocks{client}, "a/b", lock.Options{Holder: fence.Holder{1}}); !errors.As(err, &p) || p.Kind != problem.Refused {
		t.Errorf("%v", err)
	}
	if err := two.Release(t.Context()); err != nil {
		t.Error(err)
	}
	if _, stderr, code := run(t, "locks", "revoke", "a/b", "-e", endpoints(c)); code != exitError || !strings.Contains(stderr, "nobody holds it") {
		t.Errorf("exit %d, %s", code, stderr)
	}
}
