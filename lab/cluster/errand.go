package cluster

import (
	"encoding/binary"
	"fmt"
	"math/rand/v2"

	"onevoice/members"
	"onevoice/step"
)

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
	if o.rand.IntN(8) == 0 {
		o.move(now, one(o.rand, append(voters, learners...)))
		return
	}
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
	p.ends = o.rand.IntN(8) == 0
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

// move changes a server's addresses, now and then to those of another, which is refused. No frame goes by them here.
func (o *operator) move(now step.Now, server uint64) {
	place := fmt.Sprintf("m%d", o.rand.Uint64())
	c := members.SetAddress{Server: server, HTTP: place + ":1", Peer: place + ":2"}
	of := o.newest.Servers()[o.rand.IntN(len(o.newest.Servers()))]
	taken := o.rand.IntN(4) == 0 && of.Number != server && of.Wish != members.Removed
	if taken {
		c.Peer = of.HTTP
	}
	delete(o.places, server)
	o.send(now, c, func(result members.Result) {
		switch {
		case result.Problem != nil:
			o.run.count.MovesRefused++
		case taken:
			o.run.court.Fail("S5", "operator: server %d was given the address %s of server %d", server, c.Peer, of.Number)
		default:
			o.run.count.Moved++
			o.places[server] = [2]string{c.HTTP, c.Peer}
		}
	})
}

// withdraw ends the invitation of the plan; whoever comes with it afterwards is refused.
func (o *operator) withdraw(now step.Now) {
	p := o.plan
	p.ends = false
	o.send(now, members.Withdraw{Invitation: p.join.Invitation}, func(result members.Result) {
		if result.Problem == nil {
			o.run.count.Withdrawn++
			p.join.Name = "nobody"
		}
	})
}

// join uses an invitation.
func (o *operator) join(now step.Now) {
	p := o.plan
	if p.ends {
		o.withdraw(now)
		return
	}
	join := p.join
	p.join.Invitation = 0
	o.send(now, join, func(result members.Result) {
		if join.Name == "nobody" && result.Problem == nil {
			o.run.court.Fail("S5", "operator: server %d has joined by invitation %d, which was withdrawn", result.Number, join.Invitation)
		}
		o.ended(result)
		if result.Problem == nil && p.burnt {
			o.run.count.Burnt++
		}
	})
}
