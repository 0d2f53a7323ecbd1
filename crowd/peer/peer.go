package peer

import (
	"cmp"
	"slices"

	"onevoice/crowd"
	"onevoice/ring"
)

// Peer is one member's. One goroutine calls it.
type Peer struct {
	self    uint64
	list    []crowd.Member // by ID
	roll    crowd.Roll     // the newest; its number is 0 before the first list
	seed    ring.Seed
	heardOf uint64 // the newest roll that anybody named
	asking  int    // ticks until rolls are asked for once more, 0 where none are missing
	links   []link // by ID
	seq     uint64
	tickNs  int64 // when the last tick came, 0 before the first
	down    bool
	stats   Stats
}

// Stats counts.
type Stats struct {
	// Gaps is how often a roll was missing and had to be asked for. Torn counts rolls and lists that do not follow from what was held: two voices, or damage.
	Gaps, Torn uint64
	// Abstained counts ticks that were too late to say anything.
	Abstained uint64
}

// Out is what a peer wants done. The driver empties it; the marks of a report are its own.
type Out struct {
	// Sends are datagrams to members.
	Sends []Send
	// Report, where it holds marks, is for the servers.
	Report crowd.Report
	// AskSince asks a server for the rolls after Since. AskList asks for the whole list.
	AskSince, AskList bool
	Since             uint64
}

// Send is one datagram.
type Send struct {
	To uint64
	// Address is where To answers probes, empty where this is an answer: it goes to where the probe came from.
	Address string
	Bytes   []byte
}

// askTicks is how many ticks pass before what is missing is asked for again.
const askTicks = 3

// New is the peer of an incarnation that was admitted. It knows nobody until it has a list.
func New(self uint64) *Peer { return &Peer{self: self} }

// Roll is the newest roll held; number 0 before the first list.
func (p *Peer) Roll() crowd.Roll { return p.roll }

// Members lists who is on the newest roll, by ID. Do not change it.
func (p *Peer) Members() []crowd.Member { return p.list }

// Down says that this incarnation is a member no more: its process ends, and comes back as another one.
func (p *Peer) Down() bool { return p.down }

// Stats is what was counted.
func (p *Peer) Stats() Stats { return p.stats }

// PeriodNs is after how long Tick is due again.
func (p *Peer) PeriodNs() int64 { return crowd.PeriodNs(len(p.list)) }

// Load takes a whole list, where it is newer than what is held.
func (p *Peer) Load(h crowd.Head, list []crowd.Member, out *Out) {
	switch {
	case h.Roll.Number <= p.roll.Number:
		return
	case len(list) != int(h.Roll.Count) || crowd.ListHash(list) != h.Roll.List:
		p.stats.Torn++
		out.AskList = true
		return
	}
	p.seed = h.Seed
	p.hold(h.Roll, list)
}

// Hear takes a roll that a server sent.
func (p *Peer) Hear(r crowd.Roll, out *Out) {
	p.heardOf = max(p.heardOf, r.Number)
	switch {
	case r.Number <= p.roll.Number:
		return
	case r.Number > p.roll.Number+1:
		p.ask(out)
		return
	}
	list, ok := r.Follow(p.list)
	if !ok || r.Chain(p.roll.Hash) != r.Hash {
		p.stats.Torn++
		out.AskList = true
		return
	}
	if r.Drawn == r.Number {
		p.seed = ring.Seed(r.Hash)
	}
	r.Joined, r.Gone = nil, nil
	p.hold(r, list)
}

// Since takes a server's answer to AskSince: false where it does not hold the rolls any more.
func (p *Peer) Since(rolls []crowd.Roll, held bool, out *Out) {
	if !held {
		out.AskList = true
		return
	}
	if len(rolls) == 0 {
		p.heardOf, p.asking = p.roll.Number, 0 // who named a newer one was wrong, or this server is behind
	}
	for _, r := range rolls {
		p.Hear(r, out)
	}
}

// hold makes a roll the newest one, and begins with those who are new among the subjects.
func (p *Peer) hold(r crowd.Roll, list []crowd.Member) {
	was := slices.ContainsFunc(p.list, p.isSelf)
	p.roll, p.list = r, list
	p.down = p.down || was && !slices.ContainsFunc(list, p.isSelf)
	if p.asking = 0; p.heardOf > r.Number {
		p.asking = askTicks
	}
	before := p.links
	p.links = nil
	for _, id := range ring.Subjects(p.seed, crowd.IDs(list), p.self) {
		i, _ := slices.BinarySearchFunc(list, id, func(m crowd.Member, id uint64) int { return cmp.Compare(m.ID, id) })
		l := link{id: id, address: list[i].Address}
		if old := find(before, id); old != nil {
			l = *old
		}
		p.links = append(p.links, l)
	}
}

func (p *Peer) isSelf(m crowd.Member) bool { return m.ID == p.self }

func find(links []link, id uint64) *link {
	i, found := slices.BinarySearchFunc(links, id, func(l link, id uint64) int { return cmp.Compare(l.id, id) })
	if !found {
		return nil
	}
	return &links[i]
}

// ask asks for what is missing, unless it has just been asked for.
func (p *Peer) ask(out *Out) {
	if p.asking == 0 {
		p.stats.Gaps++
	}
	if p.asking <= 1 {
		out.AskSince, out.Since = true, p.roll.Number
		p.asking = askTicks
	}
}

// Tick closes the probes that are out, reports what has changed, and sends the next probes. It is due every PeriodNs.
func (p *Peer) Tick(nowNs int64, out *Out) {
	bound := crowd.BoundNs(len(p.list))
	late := p.tickNs != 0 && nowNs-p.tickNs-p.PeriodNs() > bound/4
	if late {
		p.stats.Abstained++
	}
	p.tickNs = nowNs
	for i := range p.links {
		l := &p.links[i]
		if late {
			l.seq = 0
		}
		l.judge()
		p.seq++
		l.seq, l.answer = p.seq, false
		out.Sends = append(out.Sends, Send{l.id, l.address, Probe{From: p.self, To: l.id, Seq: l.seq, Roll: p.roll.Number}.Encode()})
	}
	p.report(nowNs, bound, out)
	if p.asking > 1 {
		p.asking--
	}
	if p.heardOf > p.roll.Number {
		p.ask(out)
	}
}

// report says what has changed, and once a bound what still holds.
func (p *Peer) report(nowNs, boundNs int64, out *Out) {
	doubt := p.doubts()
	for i := range p.links {
		l := &p.links[i]
		e := l.opinion
		if doubt {
			e = crowd.Nothing
		}
		if e == l.told && (e == crowd.Nothing || nowNs-l.toldNs < boundNs) {
			continue
		}
		l.told, l.toldNs = e, nowNs
		out.Report.Marks = append(out.Report.Marks, crowd.Mark{Subject: l.id, Evidence: e})
	}
	out.Report.Reporter, out.Report.Roll = p.self, p.roll.Number
}

// doubts says that so many subjects look bad that it is more likely our own link.
func (p *Peer) doubts() bool {
	bad := 0
	for i := range p.links {
		if p.links[i].opinion != crowd.Nothing {
			bad++
		}
	}
	return 2*bad > len(p.links)
}

// Recv takes a datagram: a probe, which is answered, or the answer to one of ours.
func (p *Peer) Recv(b []byte, out *Out) {
	probe, err := DecodeProbe(b)
	if err != nil || probe.To != p.self || p.down {
		return
	}
	if probe.Roll > p.heardOf {
		p.heardOf = probe.Roll
	}
	l := find(p.links, probe.From)
	switch {
	case !probe.Answer:
		out.Sends = append(out.Sends, Send{To: probe.From, Bytes: Probe{Answer: true, From: p.self, To: probe.From, Seq: probe.Seq, Roll: p.roll.Number}.Encode()})
	case l != nil && l.seq == probe.Seq:
		l.answer = true
	}
}
