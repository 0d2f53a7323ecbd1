package detect

import (
	"slices"
	"time"

	"onevoice/internal/mutant"
	"onevoice/step"
	"onevoice/view"
	"onevoice/wire"
)

// LeastBoundNs and MostBoundNs bound the detection bound: how long a server may be silent before it is suspected, in nanoseconds.
const (
	LeastBoundNs = int64(60 * time.Millisecond)
	MostBoundNs  = int64(time.Second)
)

const (
	// slowDiskNs is for how long a server whose own disk was slow does not say of others that they are stuck.
	slowDiskNs = int64(2 * time.Second)
	// boundParts is how many times the bound is what one in a thousand of any server's ticks is late by.
	boundParts = 4
	// relayParts: after this part of the bound in which nothing has come straight from a server others are asked to pass on what is for it,
	// so that it is found before it is reported.
	relayParts = 2
	// abstainTicks is for how many ticks a server has no opinion after one of its own was late by a quarter of the bound: what the
	// others sent meanwhile may still wait in its own queues.
	abstainTicks = 2
)

// Detector is one server's. One goroutine calls it.
type Detector struct {
	self, boot uint64
	nowNs      int64
	tickNs     int64 // of the last tick, 0 before the first
	slowNs     int64 // until when this server's own disk counts as slow
	abstain    int   // ticks for which there is no opinion
	late       lateness
	peers      []peer    // by number
	view       view.View // the newest
	told       uint64    // who has said that this start was taken down, 0 for nobody
	old, over  uint64    // beats of earlier starts, and of starts that are over
}

// peer is what is known of another server. Moments are by this server's clock.
type peer struct {
	server    uint64
	heardNs   int64 // when its newest beat came
	directNs  int64 // when the newest came that no other server passed on
	echoNs    int64 // until when it has heard us, by its own word
	refusedNs int64 // when its machine said that nobody is there, 0 never
	round     round
	beat      wire.Beat
}

// New makes the detector of a server, by its number and its start.
func New(self, boot uint64) *Detector { return &Detector{self: self, boot: boot} }

// SetServers says whom to listen to: numbers, sorted; this server's own among them does not count.
func (d *Detector) SetServers(servers []uint64) {
	kept := d.peers[:0:0]
	for _, s := range servers {
		switch p := d.peer(s); {
		case s == d.self:
		case p != nil:
			kept = append(kept, *p)
		default:
			kept = append(kept, peer{server: s, heardNs: d.nowNs, directNs: d.nowNs, echoNs: d.nowNs})
		}
	}
	d.peers = kept
}

func (d *Detector) peer(server uint64) *peer {
	for i := range d.peers { // few, and asked for at every tick and beat
		if d.peers[i].server == server {
			return &d.peers[i]
		}
	}
	return nil
}

// Now moves time, which never goes back.
func (d *Detector) Now(nowNs int64) { d.nowNs = max(d.nowNs, nowNs) }

// Tick says that a tick has come, at Now's time.
func (d *Detector) Tick() {
	d.abstain = max(d.abstain-1, 0)
	if d.tickNs != 0 {
		late := d.nowNs - d.tickNs - step.TickNs
		d.late.add(late)
		if late > d.lateBoundNs()/4 && !mutant.On(mutant.LatenessIgnored) {
			d.abstain = abstainTicks
		}
	}
	d.tickNs = d.nowNs
}

// Heard takes a beat of another server, relayed where a third one has passed it on. One of an earlier start than was heard is dropped
// and counted.
func (d *Detector) Heard(from uint64, b wire.Beat, relayed bool) {
	p := d.peer(from)
	switch {
	case p == nil:
		return
	case b.Boot < p.beat.Boot:
		d.old++
		return
	case b.Boot > p.beat.Boot:
		p.echoNs = d.nowNs // it has had no time to hear anybody
	}
	if d.view.Over(from, b.Boot) {
		d.over++
	}
	p.heardNs, p.refusedNs, p.beat = d.nowNs, 0, b
	if !relayed {
		p.directNs = d.nowNs
	}
	for _, h := range b.Heard {
		if h.Server != d.self || h.Boot != d.boot {
			continue
		}
		p.echoNs = max(p.echoNs, d.nowNs-h.AgeNs)
		if !relayed && !h.Relayed && !d.behind() {
			p.round.add(d.nowNs - h.StampNs - h.AgeNs)
		}
		if h.Down && !d.Over(from) {
			d.told = from
		}
	}
}

// Obey takes the newest view: who is over by it has no say.
func (d *Detector) Obey(v *view.View) { d.view = *v }

// Told is a server that says of this very start that it was taken down, 0 for nobody.
func (d *Detector) Told() uint64 { return d.told }

// Over says whether the start of a server that is heard is over, by the newest view. Of one that was never heard nothing is known.
func (d *Detector) Over(server uint64) bool {
	p := d.peer(server)
	return p != nil && d.view.Over(server, p.beat.Boot)
}

// Said is another server's newest beat; false where it is older than the bound, or the server's machine says that nobody is there.
func (d *Detector) Said(server uint64) (wire.Beat, bool) {
	p := d.peer(server)
	if p == nil || p.beat.Boot == 0 || p.refusedNs != 0 || d.nowNs-p.heardNs > d.boundNs(p) {
		return wire.Beat{}, false
	}
	return p.beat, true
}

// Refused says that a server's machine answers that nobody is there.
func (d *Detector) Refused(server uint64) {
	if p := d.peer(server); p != nil {
		p.refusedNs = d.nowNs
	}
}

// behind says that this server is late now: what comes in may have waited for it, and tells nothing of the way.
func (d *Detector) behind() bool {
	return d.abstain > 0 || d.nowNs-d.tickNs > step.TickNs+LeastBoundNs/4
}

// BoundNs is the detection bound that holds for as many of the others as are a majority without the one that fails: how long a server
// that leads may be silent before enough others suspect it. One that is further away than those does not count.
func (d *Detector) BoundNs() int64 { return d.ofMajority(d.boundNs) }

// boundNs is the bound of one server: 60 ms; or four times what one in a thousand ticks of this server or any that is heard is late by;
// or what the way to it and back asks for; up to a second.
func (d *Detector) boundNs(p *peer) int64 {
	return min(max(d.lateBoundNs(), p.round.boundNs()), MostBoundNs)
}

func (d *Detector) lateBoundNs() int64 {
	late := d.late.p999
	for i := range d.peers {
		if p := &d.peers[i]; d.nowNs-p.heardNs < MostBoundNs {
			late = max(late, p.beat.LateNs)
		}
	}
	return min(max(LeastBoundNs, boundParts*late), MostBoundNs)
}

// SlowDisk says that a write of this server's own takes long. For a while it holds against nobody that it is stuck: where several disks
// are slow at once the cause is none of the servers, and taking them down one after the other makes it worse.
func (d *Detector) SlowDisk() { d.slowNs = d.nowNs + slowDiskNs }

// Opinion is what this server holds against another.
func (d *Detector) Opinion(server uint64) view.Evidence {
	p := d.peer(server)
	if p == nil || d.abstain > 0 {
		return view.NoEvidence
	}
	bound := d.boundNs(p)
	switch {
	case p.beat.Last != view.NoEvidence:
		return p.beat.Last
	case p.refusedNs != 0:
		return view.Refused
	case d.nowNs-p.heardNs > bound:
		return view.Silent
	case p.beat.Stuck && d.nowNs >= d.slowNs:
		return view.Stuck
	case d.nowNs-p.echoNs > bound:
		return view.Deaf
	}
	return view.NoEvidence
}

// Reports says whether another server holds something against a third one, by a beat that is not older than the bound. A server's word
// about itself is no report, nor is one about an earlier start of the subject.
func (d *Detector) Reports(reporter, subject uint64) bool {
	p := d.peer(reporter)
	if p == nil || reporter == subject || d.nowNs-p.heardNs > d.boundNs(p) && !mutant.On(mutant.OldReports) || d.Over(reporter) {
		return false
	}
	boot := uint64(0)
	if s := d.peer(subject); s != nil {
		boot = s.beat.Boot
	}
	return slices.ContainsFunc(p.beat.Heard, func(h wire.Heard) bool {
		return h.Server == subject && h.Evidence != view.NoEvidence && h.Boot >= boot
	})
}

// Calm says that nobody whose beat is known holds anything against anybody, and neither does this server.
func (d *Detector) Calm() bool {
	for i := range d.peers {
		p := &d.peers[i]
		if d.Opinion(p.server) != view.NoEvidence || slices.ContainsFunc(p.beat.Heard, func(h wire.Heard) bool { return h.Evidence != view.NoEvidence }) {
			return false
		}
	}
	return true
}

// Relay is a third server by way of which another one is to be told whatever it is told, beside the straight way: nothing came from it
// straight for a while, and the third hears both. 0 where there is none, or no need.
func (d *Detector) Relay(server uint64) uint64 {
	p := d.peer(server)
	if p == nil || p.refusedNs != 0 || d.straight(p) && heardStraight(p, d.self) {
		return 0
	}
	for i := range d.peers {
		if q := &d.peers[i]; q != p && d.straight(q) && heardStraight(q, d.self) && heardStraight(q, server) {
			return q.server
		}
	}
	return 0
}

// straight says whether a beat has lately come from a peer itself.
func (d *Detector) straight(p *peer) bool { return d.nowNs-p.directNs <= p.round.boundNs()/relayParts }

// heardStraight says whether a peer has lately heard a server itself, by its own word.
func heardStraight(p *peer, server uint64) bool {
	return slices.ContainsFunc(p.beat.Heard, func(h wire.Heard) bool {
		return h.Server == server && !h.Relayed && h.AgeNs <= p.round.boundNs()/relayParts
	})
}

// Log is how far another server was in a group by its newest beat, and whether it may lead; false where that is older than the bound, or tells
// nothing of the group.
func (d *Detector) Log(server uint64, group uint32) (end wire.LogEnd, fit, ok bool) {
	p := d.peer(server)
	if p == nil || d.nowNs-p.heardNs > d.boundNs(p) || d.Over(server) {
		return wire.LogEnd{}, false, false
	}
	i := slices.IndexFunc(p.beat.Logs, func(l wire.LogEnd) bool { return l.Group == group })
	if i < 0 {
		return wire.LogEnd{}, false, false
	}
	return p.beat.Logs[i], p.beat.Fit, true
}

// Beat is what this server tells the others now; the caller adds what it knows of itself.
func (d *Detector) Beat() wire.Beat {
	b := wire.Beat{Boot: d.boot, SentNs: d.nowNs, LateNs: d.late.p999, View: d.view.Number}
	for i := range d.peers {
		p := &d.peers[i]
		b.Heard = append(b.Heard, wire.Heard{
			Server: p.server, Boot: p.beat.Boot, AgeNs: d.nowNs - p.heardNs, StampNs: p.beat.SentNs,
			Relayed: p.directNs < p.heardNs, Evidence: d.Opinion(p.server), Down: d.Over(p.server),
		})
	}
	return b
}

// Status is what a detector knows, for people and metrics.
type Status struct {
	BoundNs int64
	// RoundNs is the round trip to as many of the others as are a majority without the one that fails.
	RoundNs int64
	// LateNs is by how much one in a thousand of this server's ticks is late.
	LateNs int64
	// Old counts beats of earlier starts, which were dropped, and Over those of starts that are over, which have no say.
	Old, Over uint64
	Peers     []PeerStatus // by number
}

// PeerStatus is what is known of another server.
type PeerStatus struct {
	Server, Boot uint64
	// View is the newest that it obeys, LateNs by how much one in a thousand of its ticks is late.
	View   view.Number
	LateNs int64
	// HeardAgeNs is how old its newest beat is; Evidence this server's opinion of it.
	HeardAgeNs int64
	Evidence   view.Evidence
	// RoundNs is the round trip to it and DeviationNs by how much it varies, 0 while nothing is known.
	RoundNs, DeviationNs int64
}

// Status is the present status.
func (d *Detector) Status() Status {
	s := Status{BoundNs: d.BoundNs(), RoundNs: d.ofMajority(roundOf), LateNs: d.late.p999, Old: d.old, Over: d.over}
	for i := range d.peers {
		p := &d.peers[i]
		s.Peers = append(s.Peers, PeerStatus{
			Server: p.server, Boot: p.beat.Boot, View: p.beat.View, LateNs: p.beat.LateNs, HeardAgeNs: d.nowNs - p.heardNs, Evidence: d.Opinion(p.server),
			RoundNs: p.round.meanNs, DeviationNs: p.round.deviationNs,
		})
	}
	return s
}
