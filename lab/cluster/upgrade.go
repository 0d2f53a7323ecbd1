package cluster

import (
	"errors"
	"math/rand/v2"

	"onevoice/consensus"
	"onevoice/lab/sim"
	"onevoice/lab/toy"
	"onevoice/step"
)

// upgrader restarts servers with the next build and back, raises the machine version where all support it, and makes
// mistakes: it also goes back when it is too late.
type upgrader struct {
	run      *run
	rand     *rand.Rand
	gapNs    int64           // mean time between two acts, 0 for none
	hurryPpm int             // chance that an act is a try to raise
	raised   map[uint32]bool // groups whose version was seen raised
}

// nextVersion is the machine version that only the next build knows.
const nextVersion = toy.MaxVersion

// versionsOf are those of the next build, or of the one before it.
func versionsOf(next bool) consensus.Versions {
	if next {
		return consensus.Versions{Min: consensus.FirstVersion, Max: nextVersion}
	}
	return consensus.Versions{Min: consensus.FirstVersion, Max: consensus.FirstVersion}
}

func (r *run) addUpgrader() {
	u := &upgrader{run: r, rand: r.stream("upgrade", 0), raised: map[uint32]bool{}}
	u.gapNs = pick(u.rand, 0, 0, 30*milliNs, 100*milliNs, 300*milliNs)
	u.hurryPpm = pick(u.rand, 100_000, 400_000)
	r.upgrader = u
	if u.gapNs > 0 {
		u.later()
	}
}

// draw is the build that a new server begins with.
func (u *upgrader) draw() bool { return len(u.raised) > 0 || u.gapNs > 0 && u.rand.IntN(4) == 0 }

func (u *upgrader) later() {
	u.run.world.After(spread(u.rand, u.gapNs), func() {
		u.act()
		if u.run.working {
			u.later()
		}
	})
}

func (u *upgrader) act() {
	if u.rand.IntN(million) < u.hurryPpm {
		u.raise()
		return
	}
	h := u.run.hosts[u.rand.IntN(len(u.run.hosts))]
	mostly := u.rand.IntN(5) > 0
	if h.retiring || h.next == mostly {
		return
	}
	if !u.run.world.Rebuild(h.party, spread(u.rand, 20*milliNs)) {
		return
	}
	h.next = mostly
	if h.next {
		u.run.count.Upgraded++
	} else {
		u.run.count.RolledBack++
	}
}

// raise asks every server that leads.
func (u *upgrader) raise() {
	supports := func(server uint64) (consensus.Versions, bool) {
		h := u.run.byAddr[step.Address(server)]
		if h == nil || !h.party.Up() {
			return consensus.Versions{}, false
		}
		return versionsOf(h.next), true
	}
	for _, h := range u.run.hosts {
		if !h.party.Up() {
			continue
		}
		for _, group := range u.run.logs {
			_ = h.node().Raise(group, nextVersion, supports) // refused, mostly: the next try may find all of them ready
		}
	}
}

// saw notes a group that is raised.
func (u *upgrader) saw(group, version uint32) {
	if version >= nextVersion && !u.raised[group] {
		u.raised[group] = true
		u.run.count.Raised++
	}
}

// outdated says whether an old build has stopped as it must, before what it does not know; the next build takes its place.
func (u *upgrader) outdated(p *sim.Party, err error) bool {
	h := u.run.byAddr[p.Addr()]
	var v *consensus.VersionError
	if h == nil || h.next || !errors.As(err, &v) || v.Found != nextVersion || v.Known.Max != consensus.FirstVersion {
		return false
	}
	h.next = true
	u.run.count.Outdated++
	u.run.world.Revive(p, spread(u.rand, 20*milliNs))
	return true
}
