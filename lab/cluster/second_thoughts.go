package cluster

import (
	"slices"

	"onevoice/lab/sim"
	"onevoice/members"
	"onevoice/step"
)

// takeBack undoes what is not reached yet: who is lost never comes, so it is removed; else one of those that a change is about goes
// the other way.
func (o *operator) takeBack(now step.Now) {
	var touched []members.Server
	for _, v := range o.newest.Servers() {
		if !o.newest.Touched(v.Number) || v.Gone {
			continue
		}
		if h := o.run.byAddr[step.Address(v.Number)]; v.Wish != members.Removed && h != nil && h.party.Lost() {
			o.run.count.PutBack++
			o.send(now, members.Remove{Server: v.Number}, o.tookBack)
			return
		}
		if v.Number == o.newest.About() || o.rand.IntN(2) == 0 {
			touched = append(touched, v)
		}
	}
	if len(touched) == 0 {
		return // the beginning is about nobody
	}
	if v := touched[o.rand.IntN(len(touched))]; v.Wish == members.Removed {
		o.send(now, members.Promote{Server: v.Number}, o.tookBack)
	} else {
		o.send(now, members.Remove{Server: v.Number}, o.tookBack)
	}
}

func (o *operator) tookBack(result members.Result) {
	if result.Problem == nil {
		o.run.count.TakenBack++
	} else {
		o.run.count.NotTakenBack++
	}
	o.ended(result)
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

// check holds what was acknowledged, and what every group has, against the membership in the end.
func (o *operator) check() {
	wish := o.newest.Wish(0)
	for number, place := range o.places {
		if v, _ := o.newest.Server(number); v.HTTP != place[0] || v.Peer != place[1] {
			o.run.court.Fail("S6", "server %d was given the addresses %v, and has %s and %s", number, place, v.HTTP, v.Peer)
		}
	}
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
