package main

import (
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"onevoice/consensus"
	"onevoice/internal/cluster"
	"onevoice/internal/procs"
	"onevoice/web/api"
	"onevoice/web/ask"
)

// indexOf is the log index of a version.
func indexOf(t *testing.T, version string) uint64 {
	t.Helper()
	text, _, _ := strings.Cut(version, ".")
	n, err := strconv.ParseUint(text, 10, 64)
	if err != nil {
		t.Fatalf("version %q: %v", version, err)
	}
	return n
}

// mustRun runs a command that has to end well.
func mustRun(t *testing.T, args ...string) string {
	t.Helper()
	stdout, stderr, code := run(t, args...)
	if code != exitOK {
		t.Fatalf("onevoice %s: exit %d\n%s%s", strings.Join(args, " "), code, stdout, stderr)
	}
	return stdout
}

func infoOfFile(t *testing.T, path string) (info backupInfo) {
	t.Helper()
	if err := json.Unmarshal([]byte(mustRun(t, "backup", "verify", path, "-o", "json")), &info); err != nil {
		t.Fatal(err)
	}
	return info
}

// serversOf gives --servers for the addresses of a cluster.
func serversOf(c *procs.Cluster) string {
	var list []string
	for _, s := range c.Genesis.Servers {
		_, peer, _ := strings.Cut(s.Peer, ":")
		list = append(list, s.Name+"="+s.HTTP+"/"+peer)
	}
	return strings.Join(list, ",")
}

// restored makes a cluster of a backup, at the addresses of another one.
func restored(t *testing.T, path string, at *procs.Cluster) *procs.Cluster {
	t.Helper()
	dir := t.TempDir()
	file := filepath.Join(dir, "cluster.json")
	mustRun(t, "backup", "restore", path, "--servers", serversOf(at), "--out", file)
	genesis, err := cluster.Read(file)
	if err != nil {
		t.Fatal(err)
	}
	c := &procs.Cluster{Binary: at.Binary, Dir: dir, Genesis: genesis, ArgsOf: func(string) []string { return []string{"--restore", path} }}
	t.Cleanup(c.Stop)
	return c
}

func startAll(t *testing.T, c *procs.Cluster, names ...string) *ask.Client {
	t.Helper()
	for _, name := range names {
		if err := c.Start(name); err != nil {
			t.Fatal(err)
		}
	}
	client := demoClient(c.Genesis)
	client.Timeout = 20 * time.Second
	eventually(t, c, func() error {
		_, err := client.Do(t.Context(), ask.Request{Path: "/sectors?limit=1"}, nil)
		return err
	})
	return client
}

// TestLostMajority kills all servers under load and destroys two disks. From the third one a new cluster is made, which holds every
// write acknowledged up to the last index of that disk; the old server has no part in it.
func TestLostMajority(t *testing.T) {
	c, client := servers(t, "")
	load := startLoad(t, client)
	load.passes(300)
	for _, s := range c.Genesis.Servers {
		if err := c.Kill(s.Name); err != nil {
			t.Fatal(err)
		}
	}
	written := load.stop()
	stdout := mustRun(t, "backup", "disks", filepath.Join(c.Dir, "n1"), filepath.Join(c.Dir, "n2"), filepath.Join(c.Dir, "n3"))
	t.Logf("%d writes acknowledged\n%s", len(written.acked), stdout)
	for _, name := range []string{"n1", "n2"} {
		if err := os.RemoveAll(filepath.Join(c.Dir, name)); err != nil {
			t.Fatal(err)
		}
	}
	path := filepath.Join(t.TempDir(), "lost.backup")
	mustRun(t, "backup", "save", path, "--from-dir", filepath.Join(c.Dir, "n3"), "--with-tail")
	info := infoOfFile(t, path)
	if info.Origin != "disk-with-tail" || info.Cluster != c.Genesis.Cluster || info.Server != 3 || info.Groups[0].Index != info.Groups[0].Last {
		t.Errorf("%+v", info)
	}

	next := restored(t, path, c)
	client = startAll(t, next, "n1", "n2")
	oldServerStaysOut(t, c, next)
	startAll(t, next, "n3")
	last := info.Groups[0].Last
	lost := 0
	for _, s := range next.Genesis.Servers {
		caughtUp(t, next, s.HTTP, client)
		held := allFlights(t, &ask.Client{Endpoints: []string{ask.Endpoint(s.HTTP)}, Timeout: 10 * time.Second})
		for id, version := range written.acked {
			if at := indexOf(t, version); held[id] != version && at <= last {
				t.Errorf("%s: %s was acknowledged as %s and is held as %q; the disk ended at %d", s.Name, id, version, held[id], last)
			} else if at > last {
				lost++
			}
		}
		for id := range held {
			if written.acked[id] == "" && !slices.Contains(written.open, id) {
				t.Errorf("%s holds %s, which nobody wrote", s.Name, id)
			}
		}
	}
	t.Logf("%d acknowledged after the end of the disk", lost/3)
	goesOn(t, next, client, info)
}

// oldServerStaysOut starts the surviving server of the old cluster at its address among those of the new one.
func oldServerStaysOut(t *testing.T, old, next *procs.Cluster) {
	t.Helper()
	if err := old.Start("n3"); err != nil {
		t.Fatal(err)
	}
	n1, n3 := next.Genesis.Servers[0], next.Genesis.Servers[2]
	eventually(t, old, func() error {
		var s api.Status
		one := &ask.Client{Endpoints: []string{ask.Endpoint(n1.HTTP)}, Timeout: time.Second}
		if _, err := one.Do(t.Context(), ask.Request{Path: "/status"}, &s); err != nil {
			return err
		}
		if s.Counters["connections_refused_cluster_total"] == 0 {
			return fmt.Errorf("n1 has refused nobody: %v", s.Counters)
		}
		return nil
	})
	one := &ask.Client{Endpoints: []string{ask.Endpoint(n3.HTTP)}, Timeout: time.Second}
	if proof, err := one.Do(t.Context(), ask.Request{Path: "/flights"}, nil); err == nil {
		t.Errorf("the old server answered with %+v", proof)
	}
	if err := old.Kill("n3"); err != nil {
		t.Fatal(err)
	}
}

// goesOn holds a new cluster against the backup that it began with: everything goes on, above everything that was.
func goesOn(t *testing.T, c *procs.Cluster, client *ask.Client, info backupInfo) {
	t.Helper()
	var s api.Status
	proof, err := client.Do(t.Context(), ask.Request{Path: "/status"}, &s)
	if err != nil {
		t.Fatal(err)
	}
	g := info.Groups[0]
	if s.Cluster != c.Genesis.Cluster || s.Cluster == info.Cluster {
		t.Errorf("cluster %s", s.Cluster)
	}
	if s.Index <= g.Index+consensus.RebirthIndices || s.View < g.View+consensus.RebirthViews || s.ServiceTime <= g.ServiceTime {
		t.Errorf("at index %d, view %d, %d; the backup was at %+v (%+v)", s.Index, s.View, s.ServiceTime, g, proof)
	}
	for i, server := range s.Servers {
		if want := "http://" + c.Genesis.Servers[i].HTTP; server.URL != want {
			t.Errorf("server %d is said to be at %s, want %s", i+1, server.URL, want)
		}
	}
	if err := watchOld(t, c, fmt.Sprint(g.Last+1)); err != nil {
		t.Error(err)
	}
}

// watchOld follows the events from a place in the old cluster: the stream says that it is no longer held.
func watchOld(t *testing.T, c *procs.Cluster, after string) error {
	t.Helper()
	answer, err := http.Get("http://" + c.Genesis.Servers[0].HTTP + "/api/v1/events?after=" + after)
	if err != nil {
		return err
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, 1<<16))
	if answer.StatusCode != http.StatusGone {
		return fmt.Errorf("events after %s: %s %s %w", after, answer.Status, body, err)
	}
	return nil
}

// TestBackupUnderLoad saves while clients write: what was acknowledged before is in it, and what is in it was written. A new
// cluster of it answers retries by their idempotency keys.
func TestBackupUnderLoad(t *testing.T) {
	c, client := servers(t, "2018-08-01T05:00:00Z")
	keyed := ask.Request{Method: http.MethodPut, Path: "/settings/service-time", Body: []byte(`{"rate":2}`),
		Header: http.Header{"Content-Type": {"application/json"}, "Idempotency-Key": {"once"}}}
	var first []byte
	if _, err := client.Do(t.Context(), keyed, &first); err != nil {
		t.Fatal(err)
	}
	load := startLoad(t, client)
	load.passes(200)
	load.mu.Lock()
	before := make(map[string]string, len(load.known))
	for id, version := range load.known {
		before[id] = version
	}
	load.mu.Unlock()
	path := filepath.Join(t.TempDir(), "load.backup")
	mustRun(t, "backup", "save", path, "-e", endpoints(c))
	info := infoOfFile(t, path)
	load.passes(load.acked() + 50)
	written := load.stop()
	c.Stop()

	next := restored(t, path, c)
	client = startAll(t, next, "n1", "n2", "n3")
	held := allFlights(t, client)
	if len(held) != info.Groups[0].Flights {
		t.Errorf("%d flights held, the backup says %d", len(held), info.Groups[0].Flights)
	}
	for id, version := range before {
		if held[id] != version {
			t.Errorf("%s was acknowledged as %s before the backup, held is %q", id, version, held[id])
		}
	}
	for id, version := range held {
		if indexOf(t, version) > info.Groups[0].Index || written.acked[id] != version && !slices.Contains(written.open, id) {
			t.Errorf("%s is held as %s, was written as %q", id, version, written.acked[id])
		}
	}
	var again []byte
	if _, err := client.Do(t.Context(), keyed, &again); err != nil || string(again) != string(first) {
		t.Errorf("the retry was answered %s, %v; first it was %s", again, err, first)
	}
	goesOn(t, next, client, info)
	wrongBeginnings(t, path, next, c)
}

// wrongBeginnings tries to make servers' directories that would differ from the others'.
func wrongBeginnings(t *testing.T, path string, c, empty *procs.Cluster) {
	t.Helper()
	other := filepath.Join(t.TempDir(), "other.backup")
	mustRun(t, "backup", "save", other, "-e", endpoints(c))
	begin, plain := filepath.Join(c.Dir, "cluster.json"), filepath.Join(empty.Dir, "cluster.json")
	for _, w := range []struct{ want, restore, from string }{
		{"begins with a backup", "", begin}, {"sha256", other, begin}, {"begins empty", path, plain},
	} {
		dir := filepath.Join(t.TempDir(), "n1")
		args := []string{"serve", "--dir", dir, "--name", "n1", "--init-from", w.from}
		if w.restore != "" {
			args = append(args, "--restore", w.restore)
		}
		_, stderr, code := run(t, args...)
		if code != exitUsage || !strings.Contains(stderr, w.want) {
			t.Errorf("%v: exit %d: %s", args, code, stderr)
		}
		if _, err := os.Stat(dir); err == nil {
			t.Errorf("%v left a directory", args)
		}
	}
	if _, stderr, code := run(t, "backup", "save", path, "-e", endpoints(c)); code != exitError || !strings.Contains(stderr, "never overwrites") {
		t.Errorf("saved over a backup: exit %d: %s", code, stderr)
	}
	damaged(t, path)
}

// damaged flips bits all over a real backup.
func damaged(t *testing.T, path string) {
	t.Helper()
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	bad := filepath.Join(t.TempDir(), "bad.backup")
	rng := rand.New(rand.NewPCG(1, 2))
	for at := 0; at < len(whole); at += 1 + len(whole)/100 {
		bit := byte(1) << rng.IntN(8)
		whole[at] ^= bit
		if err := os.WriteFile(bad, whole, 0o600); err != nil {
			t.Fatal(err)
		}
		if _, err := readBackup(bad); err == nil {
			t.Errorf("a flipped bit in byte %d was not found", at)
		}
		whole[at] ^= bit
	}
	if _, stderr, code := run(t, "backup", "verify", bad); code != exitError || !strings.Contains(stderr, "at byte") {
		t.Errorf("verify of a damaged file: exit %d: %s", code, stderr)
	}
}

func TestPrintedBackups(t *testing.T) {
	i := fixture[backupInfo](t, `{"file":"sky.backup","bytes":"20317436","sha256":"dc667c8293318f53aa","cluster":"393e23d55a4f6a9e7ee330895dc47f75","server":"3",
		"origin":"disk-with-tail","taken":"2026-03-01T12:00:00Z","program":"v0.2.0","groups":[{"group":1,"machine":"airspace","version":1,"index":"1188","view":"2",
		"hash":"267cf2cada31aa","log_time":"2026-03-01T11:59:58Z","agreed":"1180","last":"1188","bytes":"20316416","sectors":12,"flights":100000,"sessions":4,"idempotency_keys":7}]}`)
	now := time.Date(2026, 3, 1, 13, 0, 1, 0, time.UTC)
	golden(t, "backup.txt", func(w io.Writer) error { return i.print(w, "", now) })
	i.Origin, i.Groups[0].Index = "disk", 1180
	golden(t, "backup_disk.txt", func(w io.Writer) error { return i.print(w, "", now) })
	all := []disk{
		{Dir: "/var/lib/n1", Server: 1, Boot: 4, Cluster: "393e23d5", Group: 1, Snapshot: 1000, Agreed: 1180, Last: 1188, LastTerm: 3, held: consensus.Held{Last: 1188, LastTerm: 3}},
		{Dir: "/var/lib/n2", Server: 2, Boot: 2, Cluster: "393e23d5", Group: 1, Snapshot: 1000, Agreed: 1190, Last: 1190, LastTerm: 2, held: consensus.Held{Last: 1190, LastTerm: 2}},
		{Dir: "/var/lib/n3", Error: "damaged"},
	}
	if err := compareDisks(all); err == nil {
		t.Error("a disk that cannot be read is no error")
	}
	golden(t, "disks.txt", func(w io.Writer) error { return printDisks(w, all) })
	all[1].Cluster = "other"
	if err := compareDisks(all); err == nil || !strings.Contains(err.Error(), "cannot be compared") {
		t.Errorf("disks of two clusters: %v", err)
	}
}
