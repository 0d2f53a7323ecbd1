package cluster

import (
	"errors"
	"fmt"
	"math/rand/v2"

	"onevoice/watch"
)

// wanderer reads one group's events, a few at a time, now at this server and now at that one.
type wanderer struct {
	run   *run
	rand  *rand.Rand
	name  string
	group uint32
	at    watch.Position
	host  int
	most  int
}

// wanderNs is the longest pause between two reads.
const wanderNs = 60_000_000

func (r *run) newWanderer(id int, group uint32) *wanderer {
	v := &wanderer{run: r, rand: r.stream("wanderer", id), name: fmt.Sprintf("w%d", id), group: group}
	v.most, v.at = 1+v.rand.IntN(20), watch.EndOf(1)
	r.court.WatchFrom(v.name, group, v.at.Index)
	v.next()
	return v
}

func (v *wanderer) next() {
	v.run.world.After(v.rand.Int64N(wanderNs), func() {
		if v.run.watching {
			if v.rand.IntN(5) == 0 {
				v.host = v.rand.IntN(len(v.run.hosts))
				v.run.count.WatchMoves++
			}
			v.read()
			v.next()
		}
	})
}

// read takes one page, and says whether there may be more.
func (v *wanderer) read() bool {
	h := v.run.hosts[v.host]
	if !h.party.Up() {
		v.host = v.rand.IntN(len(v.run.hosts))
		return true
	}
	journal := h.journals[v.group]
	items, err := journal.After(v.at, v.most)
	var gone *watch.Compacted
	if errors.As(err, &gone) {
		v.again(h)
		return true
	}
	for _, item := range items {
		v.run.count.Events++
		v.at = item.Position
		v.run.court.Watched(v.name, h.party.Name(), item.Position.Index, item.Position.Sub, item.Event)
	}
	v.checkHash(journal)
	return len(items) > 0
}

// again begins anew at a server whose journal no longer holds the watcher's place: it reads the state instead.
func (v *wanderer) again(h *host) {
	p, ok := h.node().Published(v.group)
	if !ok || p.Index < v.at.Index {
		v.host = v.rand.IntN(len(v.run.hosts)) // this one has not come as far
		return
	}
	v.run.count.WatchGone++
	v.at = watch.EndOf(p.Index)
	v.run.court.WatchFrom(v.name, v.group, p.Index)
}

// checkHash compares a hash that a journal holds with the one applied.
func (v *wanderer) checkHash(journal *watch.Log) {
	first, last := journal.Range()
	if last == 0 {
		return
	}
	index := first + v.rand.Uint64N(last-first+1)
	if hash, ok := journal.Hash(index); !ok || !v.run.court.Knows(v.group, index, hash) {
		v.run.court.Fail("S7", "group %d index %d: the journal of %s holds hash %x, the log another", v.group, index, v.run.hosts[v.host].party.Name(), hash[:8])
	}
}

// finish reads to the end at one server after another until nothing is left.
func (v *wanderer) finish(last uint64) {
	for range 10_000 {
		if !v.read() {
			break
		}
	}
	v.run.court.WatchedTo(v.name, last)
}
