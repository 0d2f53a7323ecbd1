package cluster

// play goes through the phases: faults, healing, work on a healthy cluster, perhaps a cut of all power, the last questions,
// rest, and judgement. What is broken in a world that was ended early is known by then: it did not come to the rest.
func (r *run) play(faultNs int64) {
	for _, phase := range []func(){func() { r.suffer(faultNs) }, r.heal, r.losePower, r.finishWork, r.settle, r.judge} {
		if phase(); r.world.Stopped() {
			return
		}
	}
}

func (r *run) suffer(faultNs int64) {
	r.world.StartFaults()
	r.world.Run(faultNs, nil)
}

func (r *run) heal() {
	w := r.world
	w.Heal()
	r.mustCommit("healing")
	w.Run(w.NowNs()+r.rand.Int64N(400*milliNs)+r.restNs, nil)
	r.working = false
}

// losePower cuts all power in every other world.
func (r *run) losePower() {
	if r.rand.IntN(2) > 0 {
		return
	}
	r.world.Note("the power is cut")
	r.world.PowerCut(1 + r.rand.Int64N(20*milliNs))
	r.burn()
	r.mustCommit("the return of power")
}

// judge closes the case.
func (r *run) judge() {
	r.watching = false
	for _, v := range r.watchers {
		v.finish(r.court.Last(v.group))
	}
	for _, group := range r.groups {
		r.works[group].check(r.court)
	}
	r.judgeTruth()
	r.court.CloseWatches()
	r.court.History(r.history, judgeKey)
}

// burn destroys some minority of the servers by chance: what was acknowledged is on the disks of the others (S6).
func (r *run) burn() {
	if r.rand.IntN(2) == 0 {
		return
	}
	for range (r.servers - 1) / 2 {
		r.world.Destroy(r.hosts[r.rand.IntN(len(r.hosts))].party)
	}
}

// mustCommit lets one fresh client of each group send a command, and fails the run if one takes more than commitNs (V1).
func (r *run) mustCommit(after string) {
	var probes []*obedient
	for _, group := range r.groups {
		r.nextClient++
		c := r.newObedient(r.nextClient, group, 1, 0)
		c.waitNs = 3 * commitNs
		for {
			if body, op := c.work.next(); !op.Query {
				c.todo = append(c.todo, ask{body, op})
				break
			}
		}
		probes = append(probes, c)
		r.clients = append(r.clients, &actor{obedient: c, party: r.world.AddClient(c.name(), c)})
	}
	from := r.world.NowNs()
	done := func() bool {
		for _, c := range probes {
			if !c.idle() {
				return false
			}
		}
		return true
	}
	if !r.world.Run(from+commitNs, done) {
		for _, c := range probes {
			if !c.idle() {
				r.court.Fail("V1", "group %d: no command committed within 2 s of %s: %s", r.groups[0], after, r.describe())
			}
		}
	}
}

// finishWork waits for every open operation, then asks for every key once more.
func (r *run) finishWork() {
	r.waitIdle("the operations that were open")
	for _, group := range r.groups {
		r.nextClient++
		c := r.newObedient(r.nextClient, group, 4, 0)
		c.waitNs = 3 * commitNs
		c.todo = r.works[group].last()
		r.clients = append(r.clients, &actor{obedient: c, party: r.world.AddClient(c.name(), c)})
	}
	r.waitIdle("the last questions")
	r.silent = true
}

func (r *run) waitIdle(what string) {
	idle := func() bool {
		for _, a := range r.clients {
			if a.obedient != nil && !a.obedient.idle() {
				return false
			}
		}
		return true
	}
	if !r.world.Run(r.world.NowNs()+settleNs, idle) {
		r.court.Fail("V2", "%s did not end within 5 s of a healthy cluster: %s", what, r.describe())
	}
}

// settles runs the world until it is settled, for settleNs after the end of all work. A second thought of the operator is work as well.
func (r *run) settles(settled func() bool) bool {
	for changes, change := 0, r.operator.newest.Change(); !r.world.Run(r.world.NowNs()+settleNs, settled); changes++ {
		if changes == lateChanges || r.operator.newest.Change() == change {
			return false
		}
		change = r.operator.newest.Change()
	}
	return true
}

// settle waits until all servers stand at one index in each group with nothing waiting, and compares their states.
func (r *run) settle() {
	r.operator.stop()
	settled := func() bool {
		if !r.operator.settled() {
			return false
		}
		for _, group := range r.logs {
			for _, h := range r.hosts {
				if n := h.applied(group); !h.party.Lost() && (n == 0 || n != r.court.Last(group)) {
					return false
				}
			}
		}
		for _, h := range r.hosts {
			if h.party.Up() && h.waiting() > 0 {
				return false
			}
		}
		return true
	}
	if !r.settles(settled) {
		r.court.Fail("V2", "the servers did not come to one index within 5 s: %s%s", r.operator.describe(), r.describe())
		return
	}
	r.operator.check()
	for _, h := range r.hosts {
		for _, group := range r.logs {
			if h.party.Up() {
				h.giveState(group)
			}
		}
	}
}
