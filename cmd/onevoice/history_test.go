package main

import (
	"bytes"
	"compress/gzip"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"onevoice/chain"
	"onevoice/export"
	"onevoice/internal/procs"
	"onevoice/web/api"
	"onevoice/web/ask"
)

// exporter is a process that exports a history.
type exporter struct {
	cmd *exec.Cmd
	out bytes.Buffer
}

func startExporter(t *testing.T, args ...string) *exporter {
	t.Helper()
	binary, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	x := &exporter{cmd: exec.CommandContext(t.Context(), binary, append([]string{"history", "export"}, args...)...)}
	x.cmd.Stdout, x.cmd.Stderr = &x.out, &x.out
	if err := x.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return x
}

func (x *exporter) kill(t *testing.T) {
	t.Helper()
	if err := x.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = x.cmd.Wait()
}

// writtenTo is the newest index of a history.
func writtenTo(dir string) uint64 {
	b, err := os.ReadFile(filepath.Join(dir, "position.json"))
	var p export.Position
	if err != nil || json.Unmarshal(b, &p) != nil {
		return 0
	}
	return p.Last
}

// jsonRows reads one table of a history as JSON Lines, by nothing of ours.
func jsonRows(t *testing.T, dir, table string) (rows []map[string]any) {
	t.Helper()
	names, err := filepath.Glob(filepath.Join(dir, table, "*.jsonl.gz"))
	if err != nil {
		t.Fatal(err)
	}
	slices.Sort(names)
	for _, name := range names {
		f, err := os.Open(name)
		if err != nil {
			t.Fatal(err)
		}
		defer f.Close()
		z, err := gzip.NewReader(f)
		if err != nil {
			t.Fatal(err)
		}
		for from := json.NewDecoder(z); ; {
			var row map[string]any
			if err := from.Decode(&row); errors.Is(err, io.EOF) {
				break
			} else if err != nil {
				t.Fatal(err)
			}
			rows = append(rows, row)
		}
	}
	return rows
}

func leading(t *testing.T, c *procs.Cluster) string {
	t.Helper()
	name := ""
	eventually(t, c, func() error {
		var s api.Status
		if _, err := demoClient(c.Genesis).Do(t.Context(), ask.Request{Path: "/status"}, &s); err != nil {
			return err
		}
		if name = s.Leader; name == "" {
			return errors.New("nobody leads")
		}
		return nil
	})
	return name
}

// TestHistoryUnderKills exports while clients write. The exporter is killed six times, the leader twice: in the end every acknowledged
// write is in the history once, which is whole, and of the cluster.
func TestHistoryUnderKills(t *testing.T) {
	c, client := servers(t, "")
	load := startLoad(t, client)
	dir := filepath.Join(t.TempDir(), "history")
	args := []string{"--to", dir, "-e", endpoints(c), "--every", "1s", "--entries", "20"}
	for i := range 6 {
		x := startExporter(t, args...)
		from := writtenTo(dir)
		eventually(t, c, func() error {
			if at := writtenTo(dir); at <= from+uint64(10*i) {
				return fmt.Errorf("the history is at %d, was at %d: %s", at, from, x.out.String())
			}
			return nil
		})
		if i%3 == 1 {
			leader := leading(t, c)
			if err := c.Kill(leader); err != nil {
				t.Fatal(err)
			}
			load.passes(load.acked() + 30)
			if err := c.Start(leader); err != nil {
				t.Fatal(err)
			}
		}
		x.kill(t)
	}
	written := load.stop()
	mustRun(t, append([]string{"history", "export", "--once"}, args...)...)
	stdout := mustRun(t, "history", "check", "--from", dir, "-e", endpoints(c))
	if strings.Count(stdout, "holds the same hash") != 3 || strings.Contains(stdout, "GAP") {
		t.Error(stdout)
	}
	t.Logf("%d writes acknowledged\n%s", len(written.acked), stdout)
	put := map[string]string{}
	for _, row := range jsonRows(t, dir, "events") {
		if row["kind"] != "flight-put" {
			continue
		}
		id := row["id"].(string)
		if put[id] != "" {
			t.Errorf("%s is there twice", id)
		}
		put[id] = fmt.Sprintf("%.0f.%.0f", row["version_index"], row["version_sub"])
	}
	for id, version := range written.acked {
		if put[id] != version {
			t.Errorf("%s was acknowledged as %s, exported as %q", id, version, put[id])
		}
	}
	index := 1
	for _, row := range jsonRows(t, dir, "entries") {
		if index++; int(row["index"].(float64)) != index {
			t.Fatalf("index %v comes where %d should", row["index"], index)
		}
	}
	independent(t, dir, len(put))
}

// independent reads a history with DuckDB, where there is one.
func independent(t *testing.T, dir string, puts int) {
	t.Helper()
	duck, err := exec.LookPath("duckdb")
	if err != nil {
		t.Log("no duckdb here: the files were not read by an independent engine")
		return
	}
	for table, read := range map[string]string{"parquet": "read_parquet('%s/events/*.parquet')", "jsonl": "read_json('%s/events/*.jsonl.gz', format='newline_delimited', union_by_name=true)"} {
		query := "select count(*) as n, count(distinct id) as ids, min(service_time) < max(service_time) as later from " + fmt.Sprintf(read, dir) + " where kind = 'flight-put'"
		out, err := exec.Command(duck, "-csv", "-noheader", "-c", query).CombinedOutput()
		if want := fmt.Sprintf("%d,%d,true", puts, puts); err != nil || strings.TrimSpace(string(out)) != want {
			t.Errorf("%s: %s, want %s, %v", table, out, want, err)
		}
	}
}

// oldLog is a server that holds entries from an index on only, and the state as of its newest one. It makes an entry at each request for some.
type oldLog struct {
	mu      sync.Mutex
	linker  chain.Linker
	hashes  []chain.Hash // after each index from 0 on
	digests []chain.Digest
	holds   uint64 // the oldest index whose entry is held
	forged  bool
}

func (o *oldLog) grow(n int) {
	for range n {
		index := uint64(len(o.hashes))
		d := o.linker.Digest(1, 0, []byte{byte(index)}, nil)
		before := chain.Hash{}
		if index > 0 {
			before = o.hashes[index-1]
		}
		o.digests = append(o.digests, d)
		o.hashes = append(o.hashes, o.linker.Next(before, &chain.Entry{Index: index, LogTimeNs: int64(index), Digest: d}))
	}
}

// ServeHTTP implements http.Handler.
func (o *oldLog) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	o.mu.Lock()
	defer o.mu.Unlock()
	last := uint64(len(o.hashes) - 1)
	sum := func(i uint64) string { return hex.EncodeToString(o.hashes[i][:]) }
	to := json.NewEncoder(w)
	switch r.URL.Path {
	case "/api/v1/status":
		_ = to.Encode(api.Status{Cluster: "c1"})
	case "/api/v1/hash":
		index, _ := strconv.ParseUint(r.URL.Query().Get("index"), 10, 64)
		_ = to.Encode(api.Hash{Index: index, Hash: sum(min(index, last))})
	case "/api/v1/state":
		_ = to.Encode(api.StateLine{Head: &api.StateHead{Index: last, Hash: sum(last)}})
		_ = to.Encode(api.StateLine{End: &api.StateEnd{}})
	case "/api/v1/entries":
		after, _ := strconv.ParseUint(r.URL.Query().Get("after"), 10, 64)
		if after+1 < o.holds {
			w.WriteHeader(http.StatusGone)
			_ = to.Encode(api.Problem{Type: api.URN + "expired", Status: http.StatusGone})
			return
		}
		page := api.Entries{After: after, Hash: sum(after)}
		for i := after + 1; i <= last; i++ {
			e := api.Entry{Index: i, LogTime: api.Time(i), Digest: hex.EncodeToString(o.digests[i][:]), Hash: sum(i)}
			if o.forged {
				e.Digest = sum(i)
			}
			page.Entries = append(page.Entries, e)
		}
		_ = to.Encode(page)
	}
}

// TestAHistoryWithAGap: what no server holds any more is marked, loudly, and the history goes on from the whole state.
func TestAHistoryWithAGap(t *testing.T) {
	o := &oldLog{holds: 2}
	o.grow(10)
	server := httptest.NewServer(o)
	defer server.Close()
	dir := t.TempDir()
	args := []string{"history", "export", "--to", dir, "-e", server.URL, "--once"}
	mustRun(t, args...)
	o.mu.Lock()
	o.grow(20)
	o.holds = 15
	o.mu.Unlock()
	stdout, stderr, code := run(t, args...)
	if code != exitOK || !strings.Contains(stderr, "GAP: no server held the entries after 9 any more") || !strings.Contains(stdout, "GAP: entries 10 to 29 are missing") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
	o.mu.Lock()
	o.grow(5)
	o.mu.Unlock()
	mustRun(t, args...)
	if stdout := mustRun(t, "history", "check", "--from", dir, "-e", server.URL); !strings.Contains(stdout, "GAP: entries 10 to 29") || !strings.Contains(stdout, "whole") || !strings.Contains(stdout, "same hash at 34") {
		t.Error(stdout)
	}
	o.mu.Lock()
	o.grow(1)
	o.forged = true
	o.hashes[34][0]++
	o.mu.Unlock()
	if _, stderr, code := run(t, "history", "check", "--from", dir, "-e", server.URL); code != exitTwoVoices {
		t.Errorf("another hash at the cluster: exit %d: %s", code, stderr)
	}
	if _, stderr, code := run(t, args...); code != exitTwoVoices || !strings.Contains(stderr, "index 34") {
		t.Errorf("a history of another voice: exit %d: %s", code, stderr)
	}
	names, err := filepath.Glob(filepath.Join(dir, "entries", "*.parquet"))
	if err != nil || len(names) == 0 {
		t.Fatal(names, err)
	}
	if err := os.Truncate(names[0], 100); err != nil {
		t.Fatal(err)
	}
	if stdout, stderr, code := run(t, "history", "check", "--from", dir); code != exitError || !strings.Contains(stdout, "NOT WHOLE") {
		t.Errorf("a damaged history: exit %d: %s%s", code, stdout, stderr)
	}
}

func TestHistoryFlags(t *testing.T) {
	for _, c := range []struct {
		args []string
		want string
	}{
		{[]string{"export"}, "to"}, {[]string{"export", "--to", t.TempDir(), "--format", "csv"}, "parquet, jsonl"},
		{[]string{"export", "--to", t.TempDir(), "--every", "1ms"}, "1s to 24h"}, {[]string{"export", "--to", t.TempDir(), "--events", "0"}, "1 to"},
	} {
		if _, stderr, code := run(t, append([]string{"history"}, c.args...)...); code != exitUsage || !strings.Contains(stderr, c.want) {
			t.Errorf("%v: exit %d: %s", c.args, code, stderr)
		}
	}
}

func TestPrintedHistories(t *testing.T) {
	r := fixture[historyReport](t, `{"from":"s3://sky/history","cluster":"393e23d55a4f6a9e7ee330895dc47f75","first":"2","last":"91188","first_hash":"5e835e69fdf64547aa","hash":"267cf2cada31aa00ff",
		"segments":17,"bases":1,"entries":71188,"events":240117,"files":72,"bytes":31457280,"gaps":[{"first":"812","last":"20811","reason":"no server held the entries after 811 any more"}],
		"compared":[{"server":"http://127.0.0.1:7480","index":"91188"}],"findings":[]}`)
	golden(t, "history_check.txt", func(w io.Writer) error { return r.print(w, "") })
	r.Findings, r.Compared = []string{"events/00000000000000000002-00000000000000000811.parquet is missing"}, nil
	golden(t, "history_check_bad.txt", func(w io.Writer) error { return r.print(w, "") })
	at := api.Time(time.Date(2018, 8, 1, 5, 0, 0, 0, time.UTC).UnixNano())
	golden(t, "history_export.txt", func(w io.Writer) error {
		printManifest(w, "", &export.Manifest{Kind: "segment", First: 2, Last: 811, Entries: 810, Events: 2400, LogTime: at, Hash: "267cf2cada31aa00ff"})
		printManifest(w, "", &export.Manifest{Kind: "base", First: 20811, Last: 20811, Sectors: 12, Flights: 436, LogTime: at, Hash: "267cf2cada31aa00ff",
			Gap: &export.Gap{First: 812, Last: 20811, Reason: "no server held the entries after 811 any more"}})
		return nil
	})
}
