package real

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync"
	"sync/atomic"
	"syscall"
	"time"

	"onevoice/lab/judge"
	"onevoice/lab/sim"
	"onevoice/web/api"
)

const (
	// healPatience is how long a healed cluster may take to answer, and to come to rest, on a busy machine (V1, V2).
	healPatience = 15 * time.Second
	// calmPasses is how many commands are answered before a fault, and after its end before the next.
	calmPasses = 30
	// faultTime is how long one fault lasts.
	faultTime = 1500 * time.Millisecond
)

// Trial is one scenario on its cluster, under load and watched. A scenario's Play gets it.
type Trial struct {
	*Cluster
	Load     *Load
	Record   *Record
	Watchers *Watchers
	Rand     *rand.Rand
	ctx      context.Context
	end      time.Time
	cycles   int
	gone     sync.Map     // by name: the servers that were killed for good
	cutNs    atomic.Int64 // the longest time for which links that flap were cut
}

// Context ends with the trial.
func (t *Trial) Context() context.Context { return t.ctx }

// Next waits for calm, all servers connected and commands answered, and says whether there is time for another fault; the first one always has.
func (t *Trial) Next() (bool, error) {
	if err := t.Load.Passes(t.ctx, calmPasses, healPatience); err != nil {
		return false, fmt.Errorf("V1: %w", err)
	}
	if err := t.Connected(t.ctx, healPatience); err != nil {
		return false, fmt.Errorf("V2: %w", err)
	}
	if t.cycles > 0 && time.Now().After(t.end) {
		return false, nil
	}
	t.cycles++
	return true, nil
}

// Each plays a fault again and again while there is time, each time with the leader and the others of that moment.
func (t *Trial) Each(fault func(leader string, others []string) error) error {
	for {
		more, err := t.Next()
		if err != nil || !more {
			return err
		}
		leader, err := t.Leader(t.ctx, healPatience)
		if err != nil {
			return fmt.Errorf("V1: %w", err)
		}
		if err := fault(leader, t.Others(leader)); err != nil {
			return err
		}
	}
}

// During puts a fault on for faultTime.
func (t *Trial) During(what string, undo ...Undo) error {
	return t.For(faultTime, what, undo...)
}

// For puts a fault on for some time.
func (t *Trial) For(d time.Duration, what string, undo ...Undo) error {
	t.Record.Note("%s", what)
	going := pause(t.ctx, d)
	for _, u := range undo {
		u()
	}
	t.Record.Note("healed: %s", what)
	if !going {
		return t.ctx.Err()
	}
	return nil
}

// Crash kills a server as kill -9 does, and starts it again after d.
func (t *Trial) Crash(name string, d time.Duration) error {
	t.Record.Note("kill -9 %s", name)
	if err := t.Kill(name); err != nil {
		return err
	}
	if !pause(t.ctx, d) {
		return t.ctx.Err()
	}
	t.Record.Note("start %s", name)
	return t.Start(name)
}

// KillAll kills every server, as nearly at one moment as can be.
func (t *Trial) KillAll() error {
	t.Record.Note("kill -9 of all")
	names := t.Names()
	errs := make([]error, len(names))
	var all sync.WaitGroup
	for i, name := range names {
		all.Go(func() { errs[i] = t.Kill(name) })
	}
	all.Wait()
	return errors.Join(errs...)
}

// Freeze stops a server as SIGSTOP does, and lets it go on after d.
func (t *Trial) Freeze(name string, d time.Duration) error {
	if err := t.Signal(name, syscall.SIGSTOP); err != nil {
		return err
	}
	err := t.For(d, "SIGSTOP "+name)
	return errors.Join(err, t.Signal(name, syscall.SIGCONT))
}

// Up waits until a server that was started hears a majority.
func (t *Trial) Up(name string) error {
	err := until(t.ctx, healPatience, func() error {
		s, err := t.Status(t.ctx, name)
		if err == nil && s.Voice != api.OneVoice {
			err = errors.New("it hears no majority")
		}
		return err
	})
	if err != nil {
		return fmt.Errorf("V2: %s did not come back: %w", name, err)
	}
	return nil
}

// Pick draws one of some servers.
func (t *Trial) Pick(names []string) string { return names[t.Rand.IntN(len(names))] }

// Run runs a scenario in this worker, judges it and reports. The error is about the laboratory; what is wrong with the
// cluster is in the report.
func Run(ctx context.Context, s Scenario, o RunOptions) (Report, error) {
	report := Report{Scenario: s.Name, Seed: o.Seed, Servers: o.Servers}
	r := newRecord()
	t := &Trial{Record: r, Rand: sim.Stream(o.Seed, "real "+s.Name)}
	ended := func(name string, how error) {
		if _, gone := t.gone.Load(name); !gone {
			r.wrong("process", "%s ended by itself: %v", name, how)
		}
	}
	c, err := Start(ctx, Options{Servers: o.Servers, Binary: o.Binary, Dir: o.Dir, Env: o.Env, Exited: ended})
	if err != nil {
		return report, err
	}
	defer c.Close()
	t.Cluster = c
	var cancel context.CancelFunc
	t.ctx, cancel = context.WithCancel(ctx)
	defer cancel()
	t.Watchers = StartWatchers(t.ctx, c, r, o.Seed)
	defer t.Watchers.Stop()
	if t.Load, err = StartLoad(t.ctx, c, r, o.Seed); err != nil {
		return report, fmt.Errorf("%w%s", err, c.lastWords())
	}
	defer t.Load.Stop()
	t.end = time.Now().Add(time.Duration(o.Secs) * time.Second)
	if err := s.Play(t); err != nil && ctx.Err() == nil {
		r.wrong("play", "%v", err)
	}
	c.Net.Heal()
	if err := t.finish(); err != nil && ctx.Err() == nil {
		r.wrong("V2", "%v%s", err, c.lastWords())
	}
	t.Load.Stop()
	t.Watchers.Stop()
	c.Close()
	if r.Elections, err = c.Elections(); err != nil {
		return report, err
	}
	if ctx.Err() != nil {
		return report, ctx.Err()
	}
	report.fill(t, Judge(r), s)
	return report, r.Save(filepath.Join(o.Dir, "history.jsonl"))
}

// finish brings a healed cluster to rest and looks at all of it once more.
func (t *Trial) finish() error {
	if err := t.Load.Passes(t.ctx, calmPasses, healPatience); err != nil {
		return err
	}
	t.Load.Stop()
	last, err := t.lastChange()
	if err != nil {
		return err
	}
	reached := t.Watchers.Reach(t.ctx, last, healPatience)
	settled := t.Settle(t.ctx, t.Record, healPatience)
	asked := t.Load.last(t.ctx)
	t.CompareHashes(t.ctx, t.Record)
	return errors.Join(reached, settled, asked)
}

// lastChange makes one more change, by which watchers know the end, and gives its index.
func (t *Trial) lastChange() (uint64, error) {
	w, done, err := t.Load.lastWorker("")
	if err != nil {
		return 0, err
	}
	defer done()
	err = until(t.ctx, healPatience, func() error {
		w.change(t.ctx, key{0, 0}, nil)
		if o := t.Record.Ops[len(t.Record.Ops)-1]; o.Outcome != judge.OK {
			return fmt.Errorf("the last change was not answered: %s", o.Error)
		}
		return nil
	})
	return t.Record.Ops[len(t.Record.Ops)-1].Index, err
}
