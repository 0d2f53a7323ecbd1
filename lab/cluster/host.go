package cluster

import (
	"crypto/sha256"
	"fmt"
	"slices"

	"onevoice/airspace"
	"onevoice/consensus"
	"onevoice/lab/judge"
	"onevoice/lab/sim"
	"onevoice/machine"
	"onevoice/members"
	"onevoice/oracle"
	"onevoice/replica"
	"onevoice/step"
	"onevoice/watch"
)

// host is one server of the run: its process in the world, and what the real host keeps beside the node.
type host struct {
	run      *run
	party    *sim.Party
	joined   bool // it began without knowing anything
	retiring bool // it is gone from the membership, and will be taken away
	next     bool // it runs the next build
	fell     bool // its last start was taken down
	addr     step.Address
	boot     int
	journals map[uint32]*watch.Log
	hashed   map[uint32]uint64 // newest index whose state was given to the judge
}

// addHost makes a server whose disk holds the first state of every group, or, where it joins, nothing of it.
func (r *run) addHost(addr step.Address, joins bool) error {
	h := &host{run: r, addr: addr, joined: joins, next: r.upgrader.draw()}
	begin := replica.Bootstrap
	if joins {
		begin = replica.Vacant
	}
	first, err := begin(r.config(addr, joins))
	if err != nil {
		return err
	}
	r.hosts = append(r.hosts, h)
	r.byAddr[addr] = h
	h.party = r.world.AddServer(addr, first, h.open)
	return nil
}

// config is one server with its groups.
func (r *run) config(addr step.Address, joins bool) replica.Config {
	cfg := replica.Config{Self: uint64(addr), Membership: membersGroup}
	for _, group := range r.logs {
		c := consensus.Config{Group: group, Self: uint64(addr), NewMachine: func() machine.Machine { return r.machines[group]() }, Limits: r.limits}
		if joins && group == membersGroup {
			c.NewMachine = func() machine.Machine { return oracle.New(members.Genesis{}) }
		}
		for k := range r.servers {
			c.Voters = append(c.Voters, uint64(k+1))
		}
		cfg.Groups = append(cfg.Groups, c)
	}
	return cfg
}

// open builds the node from the disk, and empty journals beside it.
func (h *host) open(b sim.Birth) (step.Machine, error) {
	cfg := h.run.config(h.addr, h.joined)
	cfg.Boot, cfg.Fell = uint64(b.Boot), h.fell
	h.fell = false
	for i := range cfg.Groups {
		cfg.Groups[i].Rand, cfg.Groups[i].Versions = b.Rand, versionsOf(h.next)
	}
	node, err := replica.Open(cfg, b.Scan)
	if err != nil {
		return nil, err
	}
	h.boot, h.journals, h.hashed = b.Boot, map[uint32]*watch.Log{}, map[uint32]uint64{}
	for _, group := range h.run.logs {
		p, _ := node.Published(group)
		h.journals[group] = watch.NewLog(h.run.watchLimits)
		h.journals[group].Restart(mark(p.Index, p.Hash, p))
	}
	return node, nil
}

func mark(index uint64, hash [32]byte, p consensus.Published) watch.Mark {
	return watch.Mark{Index: index, Hash: hash, LogTimeNs: p.LogTimeNs, Epoch: p.Epoch}
}

func (h *host) node() *replica.Node { return h.party.Machine().(*replica.Node) }

// stepped takes what a node has applied to the judge and to the journals.
func (h *host) stepped(out *step.Out) {
	node := h.node()
	applied := node.TakeApplied()
	for _, a := range applied {
		if a.Group == membersGroup {
			h.views(a.Events)
		}
	}
	for _, a := range applied {
		h.run.court.Applied(h.party.Name(), h.boot, a.Group, judge.Applied{
			Index: a.Index, Epoch: a.Epoch, Hash: a.Hash, LogTimeNs: a.LogTimeNs, Events: a.Events, Installed: a.Installed,
			By: a.By, View: a.View,
		})
		journal := h.journals[a.Group]
		if a.Installed {
			h.installed(node, a.Group)
			journal.Restart(watch.Mark{Index: a.Index, Hash: a.Hash, LogTimeNs: a.LogTimeNs, Epoch: a.Epoch})
			continue
		}
		e := watch.Entry{Index: a.Index, Hash: a.Hash, Digest: a.Digest, LogTimeNs: a.LogTimeNs, Epoch: a.Epoch, Events: slices.Clone(a.Events)}
		if err := journal.Append(e); err != nil {
			h.run.court.Fail("S8", "%s group %d: %v", h.party.Name(), a.Group, err)
		}
	}
	for _, f := range out.Facts {
		h.run.facts[f.Name]++
		if f.Name == "leader" {
			h.run.count.LeaderChanges++
			h.run.court.Led(h.party.Name(), h.boot, f.Group, f.Value)
		}
	}
	for _, group := range h.run.logs {
		h.hashState(group)
	}
	h.run.learn(node)
	for _, group := range h.run.logs {
		p, _ := node.Published(group)
		h.run.upgrader.saw(group, p.Version)
	}
}

// installed counts snapshots that came in the middle of a staged change.
func (h *host) installed(node *replica.Node, group uint32) {
	if p, _ := node.Published(group); group == 1 && len(p.Root.(*airspace.State).Stagings()) > 0 {
		h.run.facts["airspace: installed while staged"]++
	}
}

// views tells the judge of the views that stand in events.
func (h *host) views(events [][]byte) {
	for _, b := range events {
		e, is, err := oracle.DecodeEvent(b)
		if err != nil {
			h.run.court.Fail("S4", "%s: an event of the oracle does not parse: %v", h.party.Name(), err)
		}
		if is {
			h.run.court.View(h.party.Name(), e.View)
		}
	}
}

// hashState gives the judge the state at this index, often enough that several servers are caught at the same one.
func (h *host) hashState(group uint32) {
	p, _ := h.node().Published(group)
	if p.Index == h.hashed[group] || p.Index%h.run.hashEvery != 0 {
		return
	}
	h.giveState(group)
}

func (h *host) giveState(group uint32) {
	node := h.node()
	p, _ := node.Published(group)
	h.hashed[group] = p.Index
	sum := sha256.New()
	for chunk := range node.StateChunks(group) {
		fmt.Fprintf(sum, "%d ", len(chunk))
		sum.Write(chunk)
	}
	h.run.court.State(h.party.Name(), group, p.Index, [32]byte(sum.Sum(nil)))
}

// applied is the index at which the server stands in a group; 0 while it is down.
func (h *host) applied(group uint32) uint64 {
	if !h.party.Up() {
		return 0
	}
	p, _ := h.node().Published(group)
	return p.Index
}

// waiting counts the requests that a server has not answered.
func (h *host) waiting() int {
	n := 0
	for _, g := range h.node().Status().Groups {
		n += g.Waiting + g.WaitingReads
	}
	return n
}

// role is the server's role for aiming faults: leader where it leads any group.
func (h *host) role() string {
	if !h.party.Up() {
		return "down"
	}
	for _, g := range h.node().Status().Groups {
		if g.Role == consensus.RoleLeader {
			return "leader"
		}
	}
	return "follower"
}

// describe puts where everybody stands into words.
func (r *run) describe() string {
	s := ""
	for _, h := range r.hosts {
		if !h.party.Up() {
			s += h.party.Name() + " down; "
			continue
		}
		for _, t := range h.node().Status().Groups {
			s += fmt.Sprintf("%s group %d %s of %d, term %d, applied %d, commit %d, last %d; ", h.party.Name(), t.Group, t.Role, t.Leader, t.Term, t.Applied, t.Commit, t.Last)
			if t.Waiting+t.WaitingReads > 0 {
				s += fmt.Sprintf("%d commands and %d reads wait; ", t.Waiting, t.WaitingReads)
			}
		}
	}
	return s
}
