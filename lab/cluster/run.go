package cluster

import (
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"onevoice/consensus"
	"onevoice/lab/judge"
	"onevoice/lab/sim"
	"onevoice/lab/toy"
	"onevoice/machine"
	"onevoice/oracle"
	"onevoice/replica"
	"onevoice/step"
	"onevoice/watch"
)

const (
	milliNs = int64(1_000_000)
	secNs   = 1_000 * milliNs

	// commitNs is how long after healing a command may take (V1).
	commitNs = 2 * secNs
	// idleNs is how long clients whose leases and offers should end go on in a healthy cluster.
	idleNs = 1_700 * milliNs
	// settleNs is how long after the end of all work the servers may take to stand at the same index with nothing queued.
	settleNs = 5 * secNs
	// lateChanges is how often the operator may make it longer.
	lateChanges = 3
	// judgeKey bounds porcupine for one key, in real time.
	judgeKey = 2 * time.Second
)

// run is one cluster in one world.
type run struct {
	seed        uint64
	brief       bool
	world       *sim.World
	court       *judge.Court
	rand        *rand.Rand
	servers     int      // at the beginning
	most        int      // the highest number a server may get here
	groups      []uint32 // those that clients work on
	logs        []uint32 // and that of the members
	machines    map[uint32]func() machine.Machine
	works       map[uint32]work
	limits      consensus.Limits
	watchLimits watch.Limits
	hashEvery   uint64
	hosts       []*host // those there ever were
	byAddr      map[step.Address]*host
	operator    *operator
	upgrader    *upgrader
	clients     []*actor
	watchers    []*wanderer
	history     []judge.Op
	ids         uint64
	nextClient  int
	keyPpm      int      // chance that a command carries an idempotency key
	keys        []*keyed // those given out
	working     bool     // clients draw new operations
	watching    bool
	restNs      int64 // how long work goes on after healing because what ends by itself needs its time
	silent      bool  // nobody sends anything any more
	facts       map[string]int
	count       Work
}

// actor is a client in the world.
type actor struct {
	party    *sim.Party
	obedient *obedient // nil for a repeater
}

// Run runs the cluster of one seed and judges it. text, if not nil, gets a readable trace. The error is about the laboratory;
// what is wrong with the cluster is in the report.
func Run(o Options, text io.Writer) (Report, error) {
	r := &run{seed: o.Seed, brief: o.Brief, court: judge.NewCourt(), facts: map[string]int{}}
	hooks := sim.Hooks{Stepped: r.stepped, Saved: r.saved, Role: r.role, Promised: promised, MayLose: r.mayLose, Anew: r.anew, Broken: r.broken}
	sim.Describe = describe
	params := sim.Draw(o.Seed)
	if o.FaultNs > 0 {
		params.FaultNs = o.FaultNs
	}
	world, err := sim.New(sim.Options{Seed: o.Seed, Params: &params, Off: o.Off, Text: text, Hooks: hooks})
	if err != nil {
		return Report{}, err
	}
	defer world.Close()
	r.world = world
	r.court.Now = world.NowNs
	r.court.EventID = func(group uint32, index uint64, event []byte) (uint64, bool) {
		if work := r.works[group]; work != nil {
			return work.eventID(index, event)
		}
		return 0, false
	}
	if err := r.build(); err != nil {
		return Report{}, fmt.Errorf("seed %d: %w", o.Seed, err)
	}
	r.play(params.FaultNs)
	return r.report(params.FaultNs), nil
}

func (r *run) stream(what string, id int) *rand.Rand {
	return sim.Stream(r.seed, fmt.Sprintf("%s %d", what, id))
}

func pick[T any](r *rand.Rand, choices ...T) T { return choices[r.IntN(len(choices))] }

// build draws the cluster and puts it into the world.
func (r *run) build() error {
	r.rand = sim.Stream(r.seed, "cluster")
	r.servers = r.world.Params().ServerCount
	r.most = r.servers + mostJoins
	r.groups, r.logs = []uint32{1, 2}, []uint32{1, 2, membersGroup}
	r.byAddr = map[step.Address]*host{}
	r.machines = map[uint32]func() machine.Machine{}
	r.works = map[uint32]work{}
	r.limits = consensus.Limits{
		SnapshotEntries: pick(r.rand, uint64(8), 15, 50, 200),
		KeepEntries:     pick(r.rand, uint64(1), 1, 5, 30),
		SnapshotBytes:   pick(r.rand, uint64(0), 0, 0, 2_000), // 0 is the default, out of reach here
		KeepBytes:       pick(r.rand, uint64(0), 0, 0, 500),
		QueueCommands:   pick(r.rand, 0, 0, 0, 3),
		Queries:         pick(r.rand, 0, 0, 0, 4),
		ApplyBytes:      pick(r.rand, uint64(0), 0, 0, 200),
	}
	r.watchLimits = watch.Limits{Marks: pick(r.rand, 50, 500, 5_000), Events: pick(r.rand, 20, 200, 5_000), Bytes: 1 << 20}
	r.hashEvery = pick(r.rand, uint64(1), 7, 20)
	if p := r.world.Params(); p.WallSkewNs < keysKeptNs/4 && p.WallJumpNs < keysKeptNs/100 {
		r.keyPpm = pick(r.rand, 0, 100_000, 400_000) // in a world where no key is forgotten
	}
	r.machines[1] = airspaceOf(r.rand)
	space := newAirspaceWork(r.stream("work", 1), 1, r.facts)
	if space.desks.idle {
		r.restNs = idleNs
	}
	r.works[1] = space
	r.machines[2] = func() machine.Machine { return toy.New() }
	r.works[2] = newToyWork(r.stream("work", 2), 2, &r.ids)
	r.machines[membersGroup] = func() machine.Machine { return oracle.New(r.genesis()) }
	r.addUpgrader()
	for k := range r.servers {
		if err := r.addHost(step.Address(k+1), false); err != nil {
			return err
		}
	}
	r.addOperator()
	r.working, r.watching = true, true
	for _, group := range r.groups {
		for range 1 + r.rand.IntN(4) {
			r.addClient(group)
		}
		if r.rand.IntN(2) == 0 {
			r.addRepeater(group)
		}
		for i := range 1 + r.rand.IntN(2) {
			r.watchers = append(r.watchers, r.newWanderer(int(group)*10+i, group))
		}
	}
	return nil
}

func (r *run) addClient(group uint32) {
	r.nextClient++
	c := r.newObedient(r.nextClient, group, 1+r.rand.IntN(5), pick(r.rand, 50_000, 150_000, 500_000))
	a := &actor{obedient: c, party: r.world.AddClient(fmt.Sprintf("c%d", c.id), c)}
	r.clients = append(r.clients, a)
	r.mayLeave(a, group)
}

func (r *run) addRepeater(group uint32) {
	r.nextClient++
	c := r.newRepeater(r.nextClient, group)
	r.clients = append(r.clients, &actor{party: r.world.AddClient(fmt.Sprintf("c%d", c.id), c)})
}

// mayLeave lets some clients go away without a word, and others come in their place.
func (r *run) mayLeave(a *actor, group uint32) {
	if r.rand.IntN(3) > 0 {
		return
	}
	r.world.After(r.rand.Int64N(4*secNs), func() {
		if r.working {
			r.leave(a)
			r.addClient(group)
		}
	})
}

// leave abandons a client's session; what it had open stays unknown.
func (r *run) leave(a *actor) {
	r.countClient(a)
	r.world.RemoveClient(a.party)
	for i, other := range r.clients {
		if other == a {
			r.clients = append(r.clients[:i], r.clients[i+1:]...)
			break
		}
	}
}

func (r *run) countClient(a *actor) {
	if a.obedient == nil {
		return
	}
	s := a.obedient.core.Status().Stats
	r.count.Sessions += int(s.Opened)
	r.count.SessionsLost += int(s.Lost)
	r.count.Retries += max(0, int(s.Attempts)-int(s.Opened)-a.obedient.asks)
}

func (r *run) stepped(p *sim.Party, out *step.Out) {
	r.byAddr[p.Addr()].stepped(out)
	if r.brief && len(r.court.Violations()) > 0 {
		r.world.Stop()
	}
}

func (r *run) saved(p *sim.Party, prefix []byte, sum [32]byte) {
	r.court.Snapshot(p.Name(), string(prefix), sum)
}

func (r *run) role(p *sim.Party) string { return r.byAddr[p.Addr()].role() }

// anew lets a server start again that was taken down.
func (r *run) anew(p *sim.Party, why error) bool {
	var d *replica.Downed
	if !errors.As(why, &d) {
		return false
	}
	r.facts["taken-down"]++
	r.byAddr[p.Addr()].fell = true
	return true
}

func (r *run) broken(p *sim.Party, what string, err error) {
	if p != nil && r.upgrader.outdated(p, err) {
		return
	}
	name := "the world"
	if p != nil {
		name = p.Name()
	}
	r.court.Fail(what, "%s: %v", name, err)
}

func (r *run) report(faultNs int64) Report {
	sum := r.world.TraceHash()
	for _, a := range r.clients {
		r.countClient(a)
	}
	r.countHistory()
	r.facts["views"] = r.court.Views()
	return Report{
		Seed: r.seed, Violations: r.court.Violations(), Undecided: r.court.Undecided, Trace: hex.EncodeToString(sum[:]),
		SimNs: r.world.NowNs(), FaultNs: faultNs, Servers: r.servers, Drawn: r.drawn(), Faults: r.world.Counters(), Facts: r.facts, Work: r.count,
	}
}

// drawn puts what the seed drew beside the world's own properties into words.
func (r *run) drawn() string {
	return fmt.Sprintf("limits %+v; watches of %d events and %d hashes; keys for %d ppm of commands; %d clients in all; a change of members every %d ms, 0 for none",
		r.limits, r.watchLimits.Events, r.watchLimits.Marks, r.keyPpm, r.nextClient, r.operator.gapNs/milliNs)
}

func (r *run) countHistory() {
	for i := range r.history {
		switch o := &r.history[i]; {
		case o.Query && o.Outcome == judge.OK:
			r.count.Reads++
		case o.Query:
			r.count.ReadsFailed++
		case o.Outcome == judge.OK:
			r.count.Acked++
		case o.Outcome == judge.Unknown:
			r.count.Unknown++
		default:
			r.count.Refused++
		}
	}
	for _, group := range r.logs {
		r.count.States += r.court.States(group)
	}
}
