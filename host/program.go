package host

import (
	"fmt"
	"slices"

	"onevoice/consensus"
	"onevoice/problem"
	"onevoice/wire"
)

// programOf is what this server tells others of its build: the machine versions that it supports in every group.
func programOf(build string, groups []consensus.Status) *wire.Program {
	p := &wire.Program{Build: build}
	for i, g := range groups {
		if i == 0 {
			p.Min, p.Max = g.Versions.Min, g.Versions.Max
		}
		p.Min, p.Max = max(p.Min, g.Versions.Min), min(p.Max, g.Versions.Max)
	}
	return p
}

// Program is this server's build.
func (h *Host) Program() wire.Program { return *h.program }

// Programs are the builds of the servers that this one is connected with, its own included, by server number.
func (h *Host) Programs() map[uint64]wire.Program {
	all := map[uint64]wire.Program{h.disk.Identity().Server: *h.program}
	for number, p := range h.roster.Load().peers {
		if program := p.program.Load(); program != nil {
			all[number] = *program
		}
	}
	return all
}

// Raise proposes, for each group that this server leads, the highest machine version that it and every member are known to
// support, and says for how many groups it did: none where all are there. That the version is raised shows in Status. The error is a
// *problem.Error: Refused with the server that stands in the way.
func (h *Host) Raise() (int, error) {
	type outcome struct {
		n   int
		err error
	}
	done := make(chan outcome, 1)
	programs := h.Programs()
	select {
	case h.asks <- func() {
		n, err := h.raise(programs)
		done <- outcome{n, err}
	}:
		o := <-done
		return o.n, o.err
	case <-h.stop:
		return 0, &problem.Error{Kind: problem.NoVoice, Op: "upgrade", Detail: "this server is stopping: ask another"}
	}
}

// raise runs on the node's goroutine.
func (h *Host) raise(programs map[uint64]wire.Program) (int, error) {
	supports := func(server uint64) (consensus.Versions, bool) {
		p, ok := programs[server]
		return consensus.Versions{Min: p.Min, Max: p.Max}, ok
	}
	n := 0
	for _, g := range h.node.Status().Groups {
		if g.Role != consensus.RoleLeader {
			continue
		}
		to, slowest := g.Versions.Max, g.Server
		for _, server := range slices.Concat(g.Voters, g.Learners) {
			if v, ok := supports(server); ok && v.Max < to {
				to, slowest = v.Max, server
			}
		}
		if to <= g.Version {
			if slowest != g.Server {
				return n, &problem.Error{Kind: problem.Refused, Op: "upgrade", Subject: groupName(g.Group), Detail: fmt.Sprintf(
					"server %d runs a build that supports versions up to %d, server %d up to %d: restart server %d with the new build first",
					slowest, to, g.Server, g.Versions.Max, slowest)}
			}
			continue
		}
		if err := h.node.Raise(g.Group, to, supports); err != nil {
			return n, err
		}
		n++
	}
	return n, nil
}
