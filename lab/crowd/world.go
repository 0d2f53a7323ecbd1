package crowd

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"math/rand/v2"
	"slices"

	"onevoice/crowd"
	"onevoice/crowd/peer"
	"onevoice/lab/sim"
	"onevoice/machine"
)

// world is one run.
type world struct {
	o      Options
	nowNs  int64
	seq    uint64
	events events
	net    *rand.Rand // delays and losses
	draw   *rand.Rand // who fails, and how

	m       *crowd.Machine
	place   machine.At
	servers []server
	queued  []crowd.Command // at the leader, for the next entry
	agreeNs int64           // when the newest entry was agreed

	members []*member // in the order in which they joined
	byID    map[uint64]*member
	rolls   []rollRun
	trace   hash.Hash
	result  Result

	sends, answers []peer.Send // used again and again
}

// server is what fans out: its processor does one frame at a time.
type server struct{ busyNs int64 }

// member is one member's process and its link.
type member struct {
	id      uint64
	peer    *peer.Peer
	server  int
	ended   bool
	lossy   bool
	in, out int   // what its link loses, permille
	inNs    int64 // when the newest frame of its connection came: TCP keeps order
	outNs   int64
}

// rollRun is how one roll spread.
type rollRun struct {
	number   uint64
	agreedNs int64
	heldNs   []int64 // after that, by member, in the order in which they held it
	want     int
}

// Run makes one run.
func Run(seed uint64, o Options) Result {
	w := &world{o: o, net: sim.Stream(seed, "net"), draw: sim.Stream(seed, "draw"), m: crowd.New(), servers: make([]server, o.Servers),
		byID: map[uint64]*member{}, trace: sha256.New(), place: machine.At{Group: 1}}
	w.result.Seed = seed
	w.found()
	join := func(name string) func() {
		return func() { w.queued = append(w.queued, crowd.Join{Name: name, Address: name + ":1", Boot: 1}) }
	}
	began := w.nowNs
	w.at(began, w.batch)
	w.at(began+joinAtNs, join("one more"))
	w.at(began+leaveAtNs, func() { w.queued = append(w.queued, crowd.Leave{ID: w.members[w.draw.IntN(len(w.members))].id}) })
	w.at(began+faultAtNs, w.fault)
	w.at(began+againAtNs, join("another"))
	w.until(began + runNs)
	return w.finish()
}

// found has everybody join and hold the list, before anything is measured.
func (w *world) found() {
	names := w.draw.Perm(w.o.Members)
	for i, name := range names {
		if i%crowd.MaxJoined == 0 {
			w.place.Index++
		}
		w.place.Sub = uint32(i % crowd.MaxJoined)
		c := crowd.Join{Name: fmt.Sprintf("member-%05d", name), Address: fmt.Sprintf("10.0.%d.%d:7000", name>>8, name&255), Boot: 1}
		r, err := crowd.DecodeResult(w.m.Apply(w.place, crowd.Encode(c), w.roll))
		if err != nil || r.Problem != nil {
			panic(fmt.Sprint("lab crowd: a member cannot join: ", r.Problem, err))
		}
		w.admit(r.ID)
	}
	w.place.Sub = 0
	for w.m.DueNs() != 0 {
		w.place.LogTimeNs = w.m.DueNs()
		w.place.Index++
		w.m.Advance(w.place, w.roll)
	}
	w.rolls, w.events, w.result = nil, nil, Result{Seed: w.result.Seed}
	w.nowNs = w.place.LogTimeNs + idleNs
	for _, x := range w.members {
		w.load(x)
		w.at(w.nowNs+w.draw.Int64N(x.peer.PeriodNs()), func() { w.tick(x) })
	}
}

// admit makes the process of a member.
func (w *world) admit(id uint64) *member {
	x := &member{id: id, peer: peer.New(id), server: len(w.members) % w.o.Servers, in: w.o.HealthyPermille, out: w.o.HealthyPermille}
	w.members = append(w.members, x)
	w.byID[id] = x
	return x
}

// load gives a member the whole list, as pages do.
func (w *world) load(x *member) {
	s := w.state()
	var out peer.Out
	for after, list := uint64(0), []crowd.Member(nil); ; {
		p, err := crowd.DecodePage(s.Query(crowd.AskList(after)))
		if err != nil {
			panic(err)
		}
		if list = append(list, p.Members...); !p.More {
			x.peer.Load(p.Head, list, &out)
			break
		}
		after = list[len(list)-1].ID
	}
	if x.peer.Roll().Number == s.Roll().Number {
		w.holds(x)
	}
}

func (w *world) state() *crowd.State { return w.m.Root().(*crowd.State) }

// fault makes links bad, one way each.
func (w *world) fault() {
	w.result.FaultNs = w.nowNs
	for _, i := range w.draw.Perm(len(w.members))[:w.o.Lossy] {
		x := w.members[i]
		x.lossy = true
		if w.draw.IntN(2) == 0 {
			x.in = w.o.LossPermille
		} else {
			x.out = w.o.LossPermille
		}
	}
}

// tick lets a member's time come.
func (w *world) tick(x *member) {
	if x.ended {
		return
	}
	out := peer.Out{Sends: w.sends[:0]}
	x.peer.Tick(w.nowNs, &out)
	w.sends = out.Sends
	w.at(w.nowNs+x.peer.PeriodNs()+w.spread(jitterNs), func() { w.tick(x) })
	for _, s := range out.Sends {
		w.probe(x, w.byID[s.To], s.Bytes)
	}
	w.does(x, &out)
}

// probe carries a probe and its answer. Both take less than a period, so their moments do not matter, only whether they come.
func (w *world) probe(x, to *member, b []byte) {
	w.result.Probes++
	if to == nil || to.ended || w.lost(x.out) || w.lost(to.in) {
		return
	}
	back, done := peer.Out{Sends: w.answers[:0]}, peer.Out{}
	to.peer.Recv(b, &back)
	w.answers = back.Sends
	for _, s := range back.Sends {
		if !w.lost(to.out) && !w.lost(x.in) {
			x.peer.Recv(s.Bytes, &done)
		}
	}
}

// does what a member wants of the servers.
func (w *world) does(x *member, out *peer.Out) {
	if len(out.Report.Marks) > 0 {
		r := crowd.Reports{All: []crowd.Report{out.Report}}
		w.result.Reports++
		w.up(x, func() { w.forward(x.server, r) })
	}
	switch {
	case out.AskList:
		w.result.Asked++
		w.up(x, func() { w.down(x, w.nowNs, func() { w.load(x) }) })
	case out.AskSince:
		w.result.Asked++
		since := out.Since
		w.up(x, func() {
			rolls, held := w.state().Since(since)
			w.down(x, w.nowNs, func() { w.hear(x, func(o *peer.Out) { x.peer.Since(rolls, held, o) }) })
		})
	}
}

// hear gives a member rolls, and notes whether it holds the newest then.
func (w *world) hear(x *member, give func(*peer.Out)) {
	if x.ended {
		return
	}
	before := x.peer.Roll().Number
	var out peer.Out
	give(&out)
	if x.peer.Roll().Number > before {
		w.holds(x)
	}
	if x.peer.Down() {
		x.ended = true
	}
	w.does(x, &out)
}

// holds notes that a member which is on the roll holds it.
func (w *world) holds(x *member) {
	on := slices.ContainsFunc(x.peer.Members(), func(m crowd.Member) bool { return m.ID == x.id })
	for i := len(w.rolls) - 1; i >= 0 && on; i-- {
		if w.rolls[i].number == x.peer.Roll().Number {
			w.rolls[i].heldNs = append(w.rolls[i].heldNs, w.nowNs-w.rolls[i].agreedNs)
		}
	}
	w.trace.Write(binary.BigEndian.AppendUint64(binary.BigEndian.AppendUint64(nil, x.id), uint64(w.nowNs)))
}
