package cluster

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"slices"

	"onevoice/client/core"
	"onevoice/lab/sim"
	"onevoice/members"
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
	o := &operator{telling: map[members.Reached]bool{}, newest: members.New(r.genesis()).Root().(*members.State)}
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
			o.at, o.newest = p.Index, p.Root.(*members.State)
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
		state := p.Root.(*members.State)
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
	o.open[o.core.Ask(now.MonoNs, a, &o.out)] = pending{place: -1, then: func(f *core.Finished) {
		if f.Err != nil {
			if f.Err.Kind == problem.TwoVoices || f.Err.Kind == problem.Internal {
				o.run.court.Fail("client", "operator: %T: %v", c, f.Err)
			}
			delete(o.telling, reachedOf(c))
			o.plan = nil
			return
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

// draw begins some change.
func (o *operator) draw(now step.Now) {
	var voters, learners, lost []uint64
	for _, v := range o.newest.Servers() {
		h := o.run.byAddr[step.Address(v.Number)]
		switch {
		case v.Wish == members.Voter && h != nil && h.party.Lost():
			lost = append(lost, v.Number)
		case v.Wish == members.Voter:
			voters = append(voters, v.Number)
		case v.Wish == members.Learner:
			learners = append(learners, v.Number)
		}
	}
	room := o.next() <= o.run.most
	switch n := o.rand.IntN(10); {
	case len(lost) > 0 && room && n < 7:
		o.invite(now, lost[o.rand.IntN(len(lost))], true)
	case n < 3 && len(learners) == 0 && room:
		o.invite(now, 0, false)
	case n < 5 && room && o.rand.IntN(2) == 0:
		o.invite(now, one(o.rand, voters), false)
	case n < 6 && len(learners) > 0:
		o.start(now, "replace", members.Replace{Old: one(o.rand, voters), New: one(o.rand, learners)})
	case n < 8 && len(learners) > 0:
		o.start(now, "promote", members.Promote{Server: one(o.rand, learners)})
	case n < 9 && len(voters)+len(lost) > leastServers:
		o.start(now, "remove", members.Remove{Server: one(o.rand, append(lost, voters...))})
	case n == 9:
		o.transfer()
	}
}

func one(r *rand.Rand, list []uint64) uint64 { return list[r.IntN(len(list))] }

// next is the number that the next server gets.
func (o *operator) next() int {
	all := o.newest.Servers()
	return int(all[len(all)-1].Number) + 1
}

func (o *operator) start(now step.Now, what string, c members.Command) {
	o.plan = &errand{what: what, sinceNs: o.run.world.NowNs()}
	o.send(now, c, o.ended)
}

// ended takes the result of a change of the wish.
func (o *operator) ended(result members.Result) {
	if result.Problem == nil {
		o.acked = append(o.acked, acked{result.Number, result.Change})
	}
}

// invite begins with an invitation, perhaps to replace a voter.
func (o *operator) invite(now step.Now, replaces uint64, burnt bool) {
	var secret [8]byte
	binary.BigEndian.PutUint64(secret[:], o.rand.Uint64())
	proof := members.Proof(secret[:])
	p := &errand{what: "join", sinceNs: o.run.world.NowNs(), burnt: burnt}
	p.invite = members.Invite{Hash: members.HashOf(proof), Replaces: replaces, TTLNs: members.MinTTLNs}
	o.plan = p
	o.send(now, p.invite, func(result members.Result) {
		if result.Problem != nil {
			o.plan = nil
			return
		}
		name := fmt.Sprintf("x%d", result.Number)
		p.join = members.Join{Invitation: result.Number, Proof: proof, Name: name, HTTP: name + ":1", Peer: name + ":2"}
		binary.BigEndian.PutUint64(p.join.Store[:], o.rand.Uint64()|1)
	})
}

// join uses an invitation.
func (o *operator) join(now step.Now) {
	p := o.plan
	join := p.join
	p.join.Invitation = 0
	o.send(now, join, func(result members.Result) {
		o.ended(result)
		if result.Problem == nil && p.burnt {
			o.run.count.Burnt++
		}
	})
}

// takeBack undoes a change that is not reached yet.
func (o *operator) takeBack(now step.Now) {
	about := o.newest.About()
	for _, v := range o.newest.Servers() { // who is lost never comes back
		if h := o.run.byAddr[step.Address(v.Number)]; v.Change == o.newest.Change() && v.Wish == members.Voter && h != nil && h.party.Lost() {
			about = v.Number
		}
	}
	v, _ := o.newest.Server(about)
	o.run.count.TakenBack++
	if v.Wish == members.Removed {
		o.send(now, members.Promote{Server: about}, o.ended)
		return
	}
	o.send(now, members.Remove{Server: about}, o.ended)
}

// transfer makes some leader hand over.
func (o *operator) transfer() {
	for _, i := range o.rand.Perm(len(o.run.hosts)) {
		h := o.run.hosts[i]
		if !h.party.Up() || h.role() != "leader" {
			continue
		}
		to := uint64(0)
		if o.rand.IntN(2) == 0 {
			to = one(o.rand, o.newest.Wish(0).Voters)
		}
		for _, group := range o.run.logs {
			if h.node().Transfer(group, to) {
				o.run.count.Transfers++
			}
		}
		return
	}
}

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

// check holds what was acknowledged, and what every group has, against the membership in the end.
func (o *operator) check() {
	wish := o.newest.Wish(0)
	for _, a := range o.acked {
		if v, ok := o.newest.Server(a.number); !ok || v.Change < a.change {
			o.run.court.Fail("S6", "change %d about server %d was acknowledged and is not in the membership", a.change, a.number)
		}
	}
	for _, h := range o.run.hosts {
		if !h.party.Up() {
			continue
		}
		for _, g := range h.node().Status().Groups {
			if g.Change != wish.Change || !slices.Equal(g.Voters, wish.Voters) || !slices.Equal(g.Learners, wish.Learners) {
				o.run.court.Fail("V2", "%s group %d has members %v and %v of change %d, the wish is %v", h.party.Name(), g.Group, g.Voters,
					g.Learners, g.Change, wish)
			}
		}
	}
}

// mayLose says whether a server's disk may be destroyed: a majority of the voters stays, and none of them is about to change.
func (r *run) mayLose(p *sim.Party) bool {
	o := r.operator
	if o == nil || o.changing() || o.plan != nil && o.plan.join.Invitation != 0 || !o.newest.Settled() {
		return false
	}
	voters, left := o.newest.Wish(0).Voters, 0
	for _, v := range voters {
		if h := r.byAddr[step.Address(v)]; h.party != p && !h.party.Lost() {
			left++
		}
	}
	return left > len(voters)/2
}
