package cluster

import (
	"fmt"
	"math/rand/v2"
	"slices"

	"onevoice/client/core"
	"onevoice/members"
	"onevoice/oracle"
	"onevoice/problem"
	"onevoice/replica"
	"onevoice/step"
)

const (
	// membersGroup is the group of the membership.
	membersGroup = 3
	// mostJoins is how many servers may join in one run.
	mostJoins = 6
	// leastServers keeps enough servers for the faults to choose from.
	leastServers = 3
	// patienceNs is how long the operator waits for a change before it may take it back.
	patienceNs = 600 * milliNs
	// operationNs bounds an operation: so long that its outcome is known, unless the session is lost.
	operationNs = 600 * secNs
)

// operator changes the membership, one change after another, and tells the log what the groups have reached. It plans with what it
// sees of the servers' states, and acts only by commands as any client.
type operator struct {
	*obedient
	gapNs   int64 // mean time between two changes, 0 for none
	againNs int64
	newest  *members.State // newest known anywhere
	at      uint64         // its index
	saving  bool           // no new changes any more
	acked   []acked
	places  map[uint64][2]string // addresses that were acknowledged and not changed since
	telling map[members.Reached]bool
	counted uint64  // newest change counted
	plan    *errand // of the change under way
}

// errand is a change that the operator has begun.
type errand struct {
	what    string
	invite  members.Invite
	join    members.Join
	sinceNs int64
	burnt   bool
	ends    bool // the invitation is withdrawn before its use
}

// acked is a change that was acknowledged: it must show in the end.
type acked struct {
	number, change uint64
}

func (r *run) genesis() members.Genesis {
	g := members.Genesis{Groups: r.logs}
	for k := range r.servers {
		g.Servers = append(g.Servers, members.Server{
			Number: uint64(k + 1), Name: fmt.Sprintf("n%d", k+1), HTTP: fmt.Sprintf("h%d:1", k+1), Peer: fmt.Sprintf("h%d:2", k+1),
		})
	}
	return g
}

// operatorID is its client number, far from the others'.
const operatorID = 1_000_000

func (r *run) addOperator() {
	o := &operator{places: map[uint64][2]string{}, telling: map[members.Reached]bool{}, newest: oracle.New(r.genesis()).Root().(*oracle.State).State}
	o.obedient = r.newObedient(operatorID, membersGroup, 0, 0)
	o.waitNs = operationNs
	o.gapNs = pick(o.rand, 0, 0, 50*milliNs, 300*milliNs, secNs)
	o.againNs = o.rand.Int64N(secNs)
	r.operator = o
	r.world.AddClient("op", o)
}

// learn takes the newest membership that any server has applied.
func (r *run) learn(node *replica.Node) {
	if o := r.operator; o != nil {
		if p, _ := node.Published(membersGroup); p.Index > o.at {
			o.at, o.newest = p.Index, p.Root.(*oracle.State).State
			o.count()
		}
	}
}

// count counts the changes that are reached.
func (o *operator) count() {
	s := o.newest
	if !s.Settled() || s.Change() <= o.counted || s.About() == 0 {
		return
	}
	o.counted = s.Change()
	v, _ := s.Server(s.About())
	w := &o.run.count
	switch {
	case v.Wish == members.Learner:
		w.Joined++
	case v.Wish == members.Removed:
		w.Removed++
	case v.Replaces != 0 && v.Change == s.Change():
		w.Replaced++
	default:
		w.Promoted++
	}
	for _, gone := range s.Servers() {
		if gone.Gone {
			o.run.retire(gone.Number, o.rand)
		}
	}
}

// retire takes away a server that is gone, some time later: until then it goes on as one that has not heard of it.
func (r *run) retire(number uint64, rnd *rand.Rand) {
	h := r.byAddr[step.Address(number)]
	if h == nil || h.retiring {
		return
	}
	h.retiring = true
	r.world.After(rnd.Int64N(secNs), func() { r.world.Retire(h.party) })
}

// Step is the operator's turn.
func (o *operator) Step(now step.Now, in []step.Input, out *step.Out) {
	o.obedient.Step(now, in, out)
	if !slices.ContainsFunc(in, func(i step.Input) bool { return i.Kind == step.Tick }) {
		return
	}
	o.out.Reset()
	o.report(now)
	o.build()
	o.act(now)
	o.take(now, out)
}

// report tells what groups have reached, as each server does of itself.
func (o *operator) report(now step.Now) {
	if o.newest.Settled() {
		return
	}
	for _, h := range o.run.hosts {
		if !h.party.Up() {
			continue
		}
		node := h.node()
		p, _ := node.Published(membersGroup)
		state := p.Root.(*oracle.State).State
		for _, g := range node.Status().Groups {
			c, due := state.Due(g.Group, g.Change, g.Voters, g.Learners)
			if !due || o.telling[c] {
				continue
			}
			o.telling[c] = true
			o.send(now, c, func(members.Result) { delete(o.telling, c) })
		}
	}
}

// send sends a command; then gets its result, unless the outcome is open.
func (o *operator) send(now step.Now, c members.Command, then func(members.Result)) {
	a := core.Ask{Op: members.Encode(c), DeadlineNs: now.MonoNs + o.waitNs}
	o.asks++
	o.open[o.core.Ask(now.MonoNs, a, &o.out)] = pending{sinceNs: now.MonoNs, place: -1, then: func(f *core.Finished) {
		if f.Err != nil {
			if f.Err.Kind == problem.TwoVoices || f.Err.Kind == problem.Internal {
				o.run.court.Fail("client", "operator: %T: %v", c, f.Err)
			}
			delete(o.telling, reachedOf(c))
			return // the outcome is open: what is under way shows in the membership, and the plan stays
		}
		result, err := members.DecodeResult(f.Reply.Result)
		if err != nil {
			o.run.court.Fail("S5", "operator: %T answered %x", c, f.Reply.Result)
			return
		}
		then(result)
	}}
}

func reachedOf(c members.Command) members.Reached {
	reached, _ := c.(members.Reached)
	return reached
}

// build makes the servers that have joined.
func (o *operator) build() {
	for _, v := range o.newest.Servers() {
		addr := step.Address(v.Number)
		if v.Number <= uint64(o.run.servers) || o.run.byAddr[addr] != nil || v.Wish == members.Removed {
			continue
		}
		if err := o.run.addHost(addr, true); err != nil {
			o.run.court.Fail("start", "server %d: %v", v.Number, err)
		}
	}
}

// changing says whether a command of a change is on its way.
func (o *operator) changing() bool { return len(o.open) > len(o.telling) }

// act begins a change, goes on with one, or takes one back.
func (o *operator) act(now step.Now) {
	nowNs := o.run.world.NowNs()
	switch {
	case o.gapNs == 0 || o.changing():
	case o.plan != nil && o.plan.join.Invitation != 0:
		o.join(now)
	case !o.newest.Settled():
		if o.plan != nil && nowNs-o.plan.sinceNs > patienceNs && o.rand.IntN(50) == 0 {
			o.plan.sinceNs = nowNs
			o.takeBack(now)
		}
	case o.saving || nowNs < o.againNs:
	default:
		o.againNs = nowNs + spread(o.rand, o.gapNs)
		o.draw(now)
	}
}

func spread(r *rand.Rand, mean int64) int64 { return r.Int64N(2*mean) + 1 }

// stop begins no change any more, and takes away at once who is gone.
func (o *operator) stop() {
	o.saving = true
	for _, v := range o.newest.Servers() {
		if h := o.run.byAddr[step.Address(v.Number)]; v.Gone && h != nil {
			h.retiring = true
			o.run.world.Retire(h.party)
		}
	}
}

// settled says whether the newest wish is reached and nothing of the operator's is on its way.
func (o *operator) settled() bool {
	if len(o.open) > 0 || !o.newest.Settled() {
		return false
	}
	o.stop()
	return true
}

func (o *operator) describe() string {
	return fmt.Sprintf("change %d about server %d, wish %v, groups %v, %d commands open; ", o.newest.Change(), o.newest.About(),
		o.newest.Wish(0), o.newest.Groups(), len(o.open))
}
