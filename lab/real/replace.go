package real

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"maps"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"onevoice/internal/cluster"
	"onevoice/web/api"
)

const (
	// replaceGap is the longest time without an answered change that is allowed while a voter is replaced.
	replaceGap = time.Second
	// commandPatience bounds one command that an operator types: its own limit is 5 s.
	commandPatience = 8 * time.Second
	// loneTime is how long the cluster goes on without its dead server before the operator comes.
	loneTime = 200 * time.Millisecond
	// removedWord is what a removed server says last.
	removedWord = "removed from the cluster"
)

// replace kills a voter for good while the links of another one go and come, and puts a new server in its place by the
// commands of an operator. Whose links, whom it kills, the rhythm, and what becomes of the dead one's disk are drawn.
func replace(t *Trial) error {
	return t.Each(func(leader string, others []string) error {
		shaky := leader
		if t.Rand.IntN(2) == 0 {
			shaky = t.Pick(others)
		}
		victim := t.Pick(t.Others(shaky))
		period := flapTime
		if t.Rand.IntN(4) == 0 {
			period *= 3
		}
		lost := t.Rand.IntN(2) == 0
		t.Record.Note("leader %s; links of %s flap every %v; %s is to be replaced, disk lost: %v", leader, shaky, period, victim, lost)
		undo := t.flapping(shaky, period)
		err := t.replaced(victim, lost)
		undo()
		t.Record.Note("healed: links of %s", shaky)
		if err != nil || lost {
			return err
		}
		return t.ghost(victim)
	})
}

// replaced kills a server and brings a new one to its place.
func (t *Trial) replaced(victim string, lost bool) error {
	if !pause(t.ctx, loneTime) { // the fault alone
		return t.ctx.Err()
	}
	t.gone.Store(victim, true)
	t.Record.Note("kill -9 %s, for good", victim)
	if err := t.Kill(victim); err != nil {
		return err
	}
	t.Left(victim)
	if lost {
		if err := os.RemoveAll(filepath.Join(t.Dir, victim)); err != nil {
			return fmt.Errorf("lab real: %w", err)
		}
	}
	t.Watchers.Retire(victim)
	if !pause(t.ctx, loneTime) {
		return t.ctx.Err()
	}
	fresh := t.newcomer()
	if err := t.joins(victim, fresh); err != nil {
		return err
	}
	t.Joined(fresh)
	t.Watchers.Join(fresh.Name)
	if err := t.Load.Learn(); err != nil {
		return err
	}
	if err := until(t.ctx, healPatience, t.reached); err != nil {
		return fmt.Errorf("V2: %s is not in the place of %s in every group: %w", fresh.Name, victim, err)
	}
	t.Record.Note("reached: %s is in the place of %s in every group", fresh.Name, victim)
	return nil
}

// newcomer is the next server that has never been.
func (t *Trial) newcomer() cluster.Server {
	last := uint64(len(t.Genesis.Servers))
	for _, s := range t.Servers() {
		last = max(last, s.Number)
	}
	t.gone.Range(func(name, _ any) bool {
		last = max(last, t.Server(name.(string)).Number)
		return true
	})
	return ServerNumbered(int(last) + 1)
}

// joins does what an operator does, each step again until it works, and starts the new server.
func (t *Trial) joins(victim string, fresh cluster.Server) error {
	token, err := t.types("", "members", "replace", victim, "--endpoints", t.endpoints())
	if err != nil {
		return err
	}
	said, err := t.types(token, "join", "--dir", filepath.Join(t.Dir, fresh.Name), "--invitation", "-", "--name", fresh.Name, "--http", fresh.HTTP, "--peer", fresh.Peer)
	if err != nil {
		return err
	}
	if !strings.HasPrefix(said, fmt.Sprintf("%s is server %d of", fresh.Name, fresh.Number)) {
		return fmt.Errorf("join of %s as server %d says %q", fresh.Name, fresh.Number, said)
	}
	t.Record.Note("start %s", fresh.Name)
	return t.StartWith(fresh.Name)
}

func (t *Trial) endpoints() string {
	var all []string
	for _, s := range t.Servers() {
		all = append(all, s.HTTP)
	}
	return strings.Join(all, ",")
}

// types runs a command of the servers' program, and again while it fails, and gives what it printed.
func (t *Trial) types(stdin string, args ...string) (out string, err error) {
	tries := 0
	err = until(t.ctx, healPatience, func() error {
		tries++
		ctx, cancel := context.WithTimeout(t.ctx, commandPatience)
		defer cancel()
		var stdout, stderr bytes.Buffer
		cmd := exec.CommandContext(ctx, t.Binary, args...)
		cmd.Stdin, cmd.Stdout, cmd.Stderr = strings.NewReader(stdin), &stdout, &stderr
		err := cmd.Run()
		out = stdout.String()
		if err != nil {
			err = fmt.Errorf("onevoice %s %s: %w: %s", args[0], args[1], err, strings.TrimSpace(stderr.String()))
			t.Record.Note("%v", err)
		}
		return err
	})
	t.Record.Note("onevoice %s %s: done, tried %d times", args[0], args[1], tries)
	return out, err
}

// reached fails while some server knows of a change that is not reached, or has other voters in a group than the servers that
// belong to the cluster.
func (t *Trial) reached() error {
	want := map[uint64]string{}
	for _, s := range t.Servers() {
		want[s.Number] = "voter"
	}
	for _, name := range t.Names() {
		var m api.Members
		if _, err := t.Get(t.ctx, name, "/members", &m); err != nil {
			return err
		}
		if !m.Settled || len(m.Groups) == 0 {
			return fmt.Errorf("%s: change %d is not reached", name, m.Change)
		}
		for _, g := range m.Groups {
			is := map[uint64]string{}
			for _, in := range g.Members {
				is[in.Number] = in.Is
			}
			if !maps.Equal(is, want) {
				return fmt.Errorf("%s: group %d has %v, wished is %v", name, g.Number, is, want)
			}
		}
	}
	return nil
}

// ghost starts a replaced server from its old disk: it must be told so, and end by itself.
func (t *Trial) ghost(name string) error {
	t.Record.Note("start %s, which has been replaced", name)
	if err := t.StartWith(name); err != nil {
		return err
	}
	err := until(t.ctx, healPatience, func() error {
		if t.Pid(name) != 0 {
			return errors.New("it runs")
		}
		return nil
	})
	if err != nil {
		return fmt.Errorf("V2: %s, which has been replaced, does not end: %w", name, err)
	}
	if said := tail(t.LogFile(name)); !strings.Contains(said, removedWord) {
		return fmt.Errorf("V2: %s, which has been replaced, ended without the word %q: %s", name, removedWord, said)
	}
	t.Record.Note("%s has ended", name)
	return nil
}
