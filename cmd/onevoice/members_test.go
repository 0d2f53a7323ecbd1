package main

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"onevoice/internal/cluster"
	"onevoice/internal/procs"
	"onevoice/web/api"
)

// typed runs a command as a user types it and gives what it printed.
func typed(t *testing.T, stdin string, args ...string) (out string, err error) {
	t.Helper()
	var stdout bytes.Buffer
	cmd := root()
	cmd.SetArgs(args)
	cmd.SetIn(strings.NewReader(stdin))
	cmd.SetOut(&stdout)
	cmd.SetErr(io.Discard)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err = cmd.ExecuteContext(ctx)
	return stdout.String(), err
}

func mustType(t *testing.T, stdin string, args ...string) string {
	t.Helper()
	out, err := typed(t, stdin, args...)
	if err != nil {
		t.Fatalf("onevoice %s: %v", strings.Join(args, " "), err)
	}
	return out
}

// reached waits until every group has reached the newest change, and gives the membership.
func reached(t *testing.T, endpoints string, proof ...string) api.Members {
	t.Helper()
	end := time.Now().Add(patience)
	for {
		var m api.Members
		out, err := typed(t, "", append([]string{"members", "-o", "json", "-e", endpoints}, proof...)...)
		if err == nil && json.Unmarshal([]byte(out), &m) == nil && m.Settled && inAllGroups(&m) {
			return m
		}
		if time.Now().After(end) {
			t.Fatalf("not reached: %v %s", err, out)
		}
		select {
		case <-t.Context().Done():
			t.Fatal(t.Context().Err())
		case <-time.After(50 * time.Millisecond):
		}
	}
}

// inAllGroups says whether every group of the answering server has the members that are wished.
func inAllGroups(m *api.Members) bool {
	for _, g := range m.Groups {
		for _, v := range m.Members {
			if !v.Gone && strings.Contains(isIn(g, &v, wishIn(m, g.Number, &v)), "(!)") {
				return false
			}
		}
	}
	return true
}

// TestMembersUnderLoad grows, shrinks and mends a cluster under load by the commands that a user types: a fourth server joins and
// votes, the one that leads is removed and stops by itself, another is killed with its disk and replaced. No acknowledged write is lost.
func TestMembersUnderLoad(t *testing.T) {
	c, client := servers(t, "")
	fourth, fifth := addressOf(t, "n4"), addressOf(t, "n5")
	client.Endpoints = append(client.Endpoints, "http://"+fourth.HTTP, "http://"+fifth.HTTP)
	load := startLoad(t, client)
	endpoints := c.Genesis.Servers[0].HTTP + "," + c.Genesis.Servers[1].HTTP + "," + c.Genesis.Servers[2].HTTP
	load.passes(50)
	reached(t, endpoints)

	token := mustType(t, "", "members", "add", "n4", "-e", endpoints)
	joins(t, c.Binary, token, filepath.Join(c.Dir, "n4"), fourth)
	reached(t, endpoints)
	mustType(t, "", "members", "promote", "n4", "-e", endpoints)
	endpoints += "," + fourth.HTTP
	m := reached(t, endpoints)
	load.passes(load.acked() + 50)

	leader := nameOf(&m, m.Groups[0].Leader)
	mustType(t, "", "members", "remove", leader, "-e", endpoints)
	reached(t, endpoints)
	load.passes(load.acked() + 50)
	if _, err := typed(t, "", "members", "promote", leader, "-e", endpoints); err == nil {
		t.Errorf("%s was promoted after it was removed", leader)
	}

	victim := "n1"
	if leader == victim {
		victim = "n2"
	}
	if err := c.Kill(victim); err != nil {
		t.Fatal(err)
	}
	load.passes(load.acked() + 50)
	token = mustType(t, "", "members", "replace", victim, "-e", endpoints)
	joins(t, c.Binary, token, filepath.Join(c.Dir, "n5"), fifth)
	endpoints += "," + fifth.HTTP
	m = reached(t, endpoints)
	load.passes(load.acked() + 50)
	for _, v := range m.Members {
		if (v.Name == leader || v.Name == victim) && !v.Gone {
			t.Errorf("%s is not gone: %+v", v.Name, v)
		}
	}
	written := load.stop()
	t.Logf("%d writes acknowledged, %d without an answer", len(written.acked), len(written.open))
	left := &procs.Cluster{}
	for _, v := range m.Members {
		if !v.Gone {
			left.Genesis.Servers = append(left.Genesis.Servers, cluster.Server{Name: v.Name, HTTP: v.HTTP})
		}
	}
	client.Endpoints = nil
	for _, s := range left.Genesis.Servers {
		client.Endpoints = append(client.Endpoints, "http://"+s.HTTP)
	}
	checkWritten(t, left, client, written)
}

// addressOf is a new server on free ports.
func addressOf(t *testing.T, name string) cluster.Server {
	ports := freePorts(t, 2)
	return cluster.Server{Name: name, HTTP: fmt.Sprintf("127.0.0.1:%d", ports[0]), Peer: fmt.Sprintf("127.0.0.1:%d", ports[1])}
}

func nameOf(m *api.Members, number uint64) string {
	for _, v := range m.Members {
		if v.Number == number {
			return v.Name
		}
	}
	return ""
}

// joins makes a server by a token and runs it until the test ends.
func joins(t *testing.T, binary, token, dir string, s cluster.Server) {
	t.Helper()
	out := mustType(t, token, "join", "--dir", dir, "--invitation", "-", "--name", s.Name, "--http", s.HTTP, "--peer", s.Peer)
	if !strings.Contains(out, "next: onevoice serve --dir "+dir) {
		t.Errorf("join says %q", out)
	}
	serves(t, binary, dir, s)
}

// serves runs the server of a directory until the test ends.
func serves(t *testing.T, binary, dir string, s cluster.Server, proof ...string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), binary, append([]string{"serve", "--dir", dir}, proof...)...)
	var logs bytes.Buffer
	cmd.Stderr = &logs
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("%s: %s", s.Name, logs.String())
		}
	})
}

func TestTokens(t *testing.T) {
	good := cluster.Token{Version: 1, Cluster: "c", Endpoints: []string{"h:1"}, Invitation: 7, Secret: strings.Repeat("ab", 32)}
	if got, err := cluster.ParseToken(good.String() + "\n"); err != nil || got.Invitation != 7 || got.Secret != good.Secret {
		t.Errorf("%+v, %v", got, err)
	}
	later := good
	later.Version = 2
	for _, bad := range []string{"", "onevoice-invitation.", good.String()[:40], "x" + good.String(), later.String(), cluster.Token{Version: 1}.String()} {
		_, err := cluster.ParseToken(bad)
		if err == nil || len(bad) > 40 && strings.Contains(err.Error(), bad) {
			t.Errorf("%.30s: %v", bad, err)
		}
	}
}

func TestPrintMembers(t *testing.T) {
	yes, no := true, false
	all := listed{Members: api.Members{
		Change: 5, About: 4, View: 9, Members: []api.Member{
			{Number: 1, Name: "n1", HTTP: "h:1", Peer: "h:4", Store: "0123456789abcdef", Wish: "voter", Standing: "up", Incarnation: 65536, Start: 1},
			{Number: 2, Name: "n2", HTTP: "h:2", Peer: "h:5", Wish: "removed", Standing: "down", Incarnation: 65792, Start: 3},
			{Number: 3, Name: "n3", HTTP: "h:3", Peer: "h:6", Wish: "removed", Gone: true},
			{Number: 4, Name: "n4", HTTP: "h:7", Peer: "h:8", Wish: "voter", Organisation: "blue", Replaces: 2},
		},
		Groups: []api.Group{
			{Number: 1, Reached: 4, Leader: 1, Epoch: "9/5", Members: []api.GroupMember{
				{Number: 1, Is: "voter", Lag: new(uint64(0)), Active: &yes}, {Number: 2, Is: "voter", Lag: new(uint64(12)), Active: &no},
				{Number: 4, Is: "learner", Lag: new(uint64(3)), Active: &yes},
			}},
			{Number: 2, Reached: 5, Leader: 4, Epoch: "9/3", Members: []api.GroupMember{{Number: 1, Is: "voter"}, {Number: 4, Is: "voter"}}},
		},
		Invitations: []api.OpenInvitation{{Invitation: 65536, Name: "n9", Expires: api.Time(1_533_099_600_000_000_000)}},
	}, Servers: []api.Status{
		{Server: 1, Node: "n1", Build: "v1.2.0", FsyncP99Ms: 4.096, ClockState: "good", ClockOffsetMs: -0.25},
		{Server: 4, Node: "n4", Build: "v1.2.1", FsyncP99Ms: 120, ClockState: "wrong", ClockOffsetMs: 900},
	}}
	golden(t, "members.txt", func(w io.Writer) error { return printMembers(w, &all) })
	all.Groups[0].Members[2].Active = &no
	golden(t, "members_awaited.txt", func(w io.Writer) error { return printMembers(w, &all) })
	all.Groups[0].Members[2] = api.GroupMember{Number: 4, Is: "voter", Active: &yes}
	all.Groups[0].Members = slices.Delete(all.Groups[0].Members, 1, 2)
	all.Settled, all.Invitations = true, nil
	golden(t, "members_settled.txt", func(w io.Writer) error { return printMembers(w, &all) })
}
