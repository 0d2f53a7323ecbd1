package consensus

import (
	"errors"
	"fmt"

	"go.etcd.io/raft/v3/raftpb"

	"onevoice/codec"
	"onevoice/consensus/session"
	"onevoice/problem"
	"onevoice/view"
	"onevoice/wire"
)

// FirstVersion is the machine version that every group begins with.
const FirstVersion = 1

// Versions are the machine versions that a build can run, both ends included. The zero value is FirstVersion alone.
type Versions struct{ Min, Max uint32 }

// Has says whether v is one of them.
func (s Versions) Has(v uint32) bool { return v >= s.Min && v <= s.Max }

// String prints them as "1 to 2".
func (s Versions) String() string { return fmt.Sprintf("%d to %d", s.Min, s.Max) }

func (s Versions) orDefault() Versions {
	if s == (Versions{}) {
		return Versions{FirstVersion, FirstVersion}
	}
	return s
}

func (s Versions) check() error {
	if s.Min == 0 || s.Min > s.Max {
		return fmt.Errorf("consensus: Config.Versions is %s, allowed: from 1, Min up to Max", s)
	}
	return nil
}

// VersionError says that this build is not one for what it found. It must not go on: to pass over what it cannot understand would
// make two voices.
type VersionError struct {
	What  string   // what has the version, as "machine version"
	Found uint32   // the version found
	Known Versions // those that this build can work with
}

// Error names both versions and the next step.
func (e *VersionError) Error() string {
	next := fmt.Sprintf("start a build that knows version %d; this build changed nothing here", e.Found)
	if e.Found < e.Known.Min {
		next = fmt.Sprintf("start the build before this one, and finish its upgrade to at least version %d first", e.Known.Min)
	}
	return fmt.Sprintf("%s %d, this build knows %s: %s", e.What, e.Found, e.Known, next)
}

// unknown is the error of a stored or sent thing whose format has one version in this build.
func unknown(what string, found, known uint8) error {
	if found < known {
		return fmt.Errorf("%s %d, this build knows %d", what, found, known)
	}
	return &VersionError{what, uint32(found), Versions{uint32(known), uint32(known)}}
}

func machineVersion(found uint32, known Versions) error {
	return &VersionError{"machine version", found, known}
}

// isNewer says whether an error is one that this build cannot go on after.
func isNewer(err error) bool {
	var v *VersionError
	return errors.As(err, &v)
}

// Raise proposes that the group's machine goes on under a higher version, on all replicas from one index on. Only the leader can,
// and only where every member is known to support it: supports tells what the driver has heard of a server. That an entry
// is on its way does not say that it takes effect: Status shows when it has. Raising is for good. An error is a *problem.Error
// of kind Refused, NoVoice where this server does not lead.
func (g *Group) Raise(to uint32, supports func(server uint64) (Versions, bool)) error {
	defer func() { g.catch(recover()) }()
	subject := fmt.Sprintf("group %d", g.cfg.Group)
	refuse := func(kind problem.Kind, detail string, args ...any) error {
		return &problem.Error{Kind: kind, Op: "upgrade", Subject: subject, Detail: fmt.Sprintf(detail, args...)}
	}
	switch {
	case g.halted != nil || !g.leads() || !g.lead.applied:
		return refuse(problem.NoVoice, "this server does not lead the group, server %d may", g.leader)
	case to <= g.state.version:
		return refuse(problem.Refused, "the version is %d, and it can only be raised: %d was asked for", g.state.version, to)
	}
	m := g.state.members
	for _, server := range append(append([]uint64(nil), m.voters...), m.learners...) {
		known, ok := supports(server)
		switch {
		case server == g.cfg.Self:
			known = g.cfg.Versions
		case !ok:
			return refuse(problem.Refused, "server %d is not connected, so it is not known what it supports: start it, or remove it from the members", server)
		}
		if !known.Has(to) {
			return refuse(problem.Refused, "server %d runs a build that supports versions %s, not %d: restart it with the new build first", server, known, to)
		}
	}
	b := g.queue.get()
	appendVersion(&b.payload, g.lead.epoch, g.stamp(), to)
	if !g.proposeOwn(b) {
		return refuse(problem.NoVoice, "the log takes nothing at this moment, try again")
	}
	g.fact("version-proposed", uint64(to), "")
	return nil
}

func appendVersion(w *codec.Writer, epoch view.Epoch, logNs int64, version uint32) {
	w.Raw(make([]byte, payloadHeader))
	fillHeader(w.B, kindRaise, epoch, logNs)
	w.U32(version)
}

// applyVersion raises the version: the entry itself is the first under the new one. A version that is no higher is refused, on every
// replica alike; one that this build does not support ends the group here.
func (g *Group) applyVersion(p *payload) {
	s := g.state
	o := session.Outcome{Status: wire.OK}
	switch {
	case g.fenced(p.epoch):
		o.Status = wire.Fenced
		g.advance()
	case p.version <= s.version:
		o.Status = wire.Malformed
		g.startEntry(p.logNs)
	case !g.cfg.Versions.Has(p.version):
		g.halt("%w", machineVersion(p.version, g.cfg.Versions))
		return
	default:
		s.version = p.version
		g.effect()
		g.startEntry(p.logNs)
		g.fact("version-raised", uint64(p.version), "")
	}
	startResults(&g.apply.results, 1)
	addResult(&g.apply.results, &o)
}

// checkVersions refuses at once a store whose committed entries this build would halt at.
func (d *disk) checkVersions() error {
	p, at := payload{}, *d.state
	for _, e := range d.entries {
		if e.GetIndex() <= d.meta.index || e.GetIndex() > d.hard.commit || e.GetType() != raftpb.EntryNormal || len(e.GetData()) == 0 {
			continue
		}
		err := p.decode(e.GetData())
		switch {
		case isNewer(err):
		case err != nil:
			continue // it will be skipped
		case p.kind == kindLead:
			at.beginEpoch(&p, e.GetTerm())
		case p.epoch != at.epoch || at.over(at.leader, at.boot):
			continue
		case p.kind == kindView:
			at.moveEpoch(&p)
		case p.kind == kindRaise && p.version > d.cfg.Versions.Max:
			err = machineVersion(p.version, d.cfg.Versions)
		}
		if err != nil {
			return fmt.Errorf("entry %d: %w", e.GetIndex(), err)
		}
	}
	return nil
}
