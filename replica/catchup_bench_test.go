package replica_test

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"runtime"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"onevoice/airspace"
	"onevoice/codec"
	"onevoice/consensus"
	"onevoice/geo"
	"onevoice/machine"
	"onevoice/replica"
	"onevoice/step"
	"onevoice/view"
	"onevoice/wire"
)

// The catch-up benchmark: three nodes in one goroutine with an airspace each, and time of their own.
const (
	catchUpFlights = 100_000
	catchUpWriters = 64
	catchUpGroup   = 1
	// catchUpSaved is how many chunks of a save are made between two rounds.
	catchUpSaved = 4
)

type catchUpNode struct {
	node   *replica.Node
	disk   map[string][]byte
	inbox  []step.Input
	saves  []catchUpSave
	cut    bool
	facts  map[string]int
	steps  int
	cpu    time.Duration // of the longest step since the last report
	longer int           // steps over 10 ms since then
	again  bool
}

type catchUpSave struct {
	step.Save
	next func() ([]byte, bool)
	n    uint64
}

type catchUpWriter struct {
	session, seq, request uint64
	flight                int
}

type catchUp struct {
	b       *testing.B
	nodes   []*catchUpNode
	writers []*catchUpWriter
	now     step.Now
	next    int // flights filed
	replies int
	tickNs  int64
	longest time.Duration // step of this round
}

// threadCPU is the processor time of this thread: what a step costs, whatever else the machine does.
func threadCPU() time.Duration {
	const thread = 1 // RUSAGE_THREAD
	var u syscall.Rusage
	if err := syscall.Getrusage(thread, &u); err != nil {
		return 0
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkCatchUp reports the processor time of the longest step of a node, in which it answers nobody, with 100,000 flights under
// full load: at rest, while a snapshot is saved, while a follower that was away pulls one, and while it applies the rest of the log.
func BenchmarkCatchUp(b *testing.B) {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	for range b.N {
		c := newCatchUp(b)
		c.fill()
		c.measure()
	}
}

func catchUpConfig(self uint64) replica.Config {
	return replica.Config{Self: self, Groups: []consensus.Config{{
		Group: catchUpGroup, Self: self, Voters: []uint64{1, 2, 3}, Rand: rand.New(rand.NewPCG(self, 1)),
		NewMachine: func() machine.Machine { return airspace.New() },
		Limits:     consensus.Limits{SnapshotEntries: 500, KeepEntries: 100},
	}}}
}

func newCatchUp(b *testing.B) *catchUp {
	c := &catchUp{b: b, now: step.Now{MonoNs: 1, WallNs: 1_700_000_000_000_000_000}}
	for self := uint64(1); self <= 3; self++ {
		n := &catchUpNode{disk: map[string][]byte{}, facts: map[string]int{}}
		ops, err := replica.Bootstrap(catchUpConfig(self))
		if err == nil {
			n.write(ops)
			n.node, err = replica.Open(catchUpConfig(self), n.scan)
		}
		if err != nil {
			b.Fatal(err)
		}
		c.nodes = append(c.nodes, n)
	}
	c.until("a leader", func() bool { return c.leader() >= 0 })
	for i := range catchUpWriters {
		c.writers = append(c.writers, &catchUpWriter{flight: -1})
		c.send(i, nil)
	}
	c.until("sessions", func() bool {
		return !slices.ContainsFunc(c.writers, func(w *catchUpWriter) bool { return w.session == 0 })
	})
	return c
}

func (n *catchUpNode) write(ops []step.Op) {
	for _, op := range ops {
		switch op.Kind {
		case step.Set:
			n.disk[string(op.Key)] = bytes.Clone(op.Value)
		case step.Delete:
			delete(n.disk, string(op.Key))
		case step.DeleteRange:
			maps.DeleteFunc(n.disk, func(k string, _ []byte) bool { return k >= string(op.Key) && k < string(op.Value) })
		}
	}
}

func (n *catchUpNode) scan(prefix []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(k, v []byte) bool) {
		for _, k := range slices.Sorted(maps.Keys(n.disk)) {
			if strings.HasPrefix(k, string(prefix)) && !yield([]byte(k), n.disk[k]) {
				return
			}
		}
	}
}

func (n *catchUpNode) status() consensus.Status { return n.node.Status().Groups[0] }

func (c *catchUp) leader() int {
	return slices.IndexFunc(c.nodes, func(n *catchUpNode) bool { return n.status().Role == consensus.RoleLeader })
}

// send has a writer open its session, or file its next flight.
func (c *catchUp) send(i int, last *wire.Reply) {
	w := c.writers[i]
	w.request++
	m := wire.Command{Request: w.request, Session: w.session}
	if last != nil {
		if w.flight = c.next; c.next >= catchUpFlights {
			w.flight = rand.IntN(catchUpFlights)
		}
		c.next++
		w.seq++
		m.Seq, m.Acked, m.Op = w.seq, w.seq-1, catchUpPlan(w.flight, c.next)
	}
	l := c.nodes[max(0, c.leader())]
	l.inbox = append(l.inbox, step.Input{Kind: step.Frame, From: step.MaxServer + 1 + step.Address(i), Bytes: m.Encode(catchUpGroup, view.Epoch{})})
}

// catchUpPlan is the n-th plan: four points, over one of 64 sectors.
func catchUpPlan(i, n int) []byte {
	random := rand.New(rand.NewPCG(uint64(i), 0))
	lat, lon := 450_000_000+random.Int32N(60_000_000), 50_000_000+random.Int32N(60_000_000)
	begin := 1_700_000_000_000_000_000 + int64(3600+random.IntN(86_400)+n%600)*int64(time.Second)
	f := airspace.Flight{ID: fmt.Sprintf("F%06d", i), Callsign: "BCH0001", From: "LSZH", To: "LSGG"}
	for k := range 4 {
		f.Path = append(f.Path, geo.Point4D{
			Pos: geo.LatLon{LatE7: lat + int32(k)*3_000_000, LonE7: lon + int32(k)*6_000_000},
			Alt: geo.FlightLevel(360), AtNs: begin + int64(k)*300*int64(time.Second),
		})
	}
	return airspace.Encode(airspace.PutFlight{Flight: f})
}

func catchUpSector(i int32) []byte {
	south, west := 450_000_000+i/8*10_000_000, 50_000_000+i%8*10_000_000
	ring := geo.Ring{{LatE7: south, LonE7: west}, {LatE7: south, LonE7: west + 10_000_000},
		{LatE7: south + 10_000_000, LonE7: west + 10_000_000}, {LatE7: south + 10_000_000, LonE7: west}}
	return airspace.Encode(airspace.PutSector{Sector: airspace.Sector{ID: fmt.Sprint("S", i), Volumes: []geo.Polygon{{
		Band: geo.Band{Floor: geo.FlightLevel(300), Ceiling: geo.FlightLevel(400)}, Rings: []geo.Ring{ring},
	}}}})
}

func (c *catchUp) fill() {
	began := time.Now()
	w := c.writers[0]
	for i := range int32(64) {
		w.seq++
		m := wire.Command{Request: 0, Session: w.session, Seq: w.seq, Acked: w.seq - 1, Op: catchUpSector(i)}
		l := c.nodes[c.leader()]
		l.inbox = append(l.inbox, step.Input{Kind: step.Frame, From: step.MaxServer + 1, Bytes: m.Encode(catchUpGroup, view.Epoch{})})
	}
	for i := range c.writers {
		c.send(i, &wire.Reply{})
	}
	c.until("all flights", func() bool { return c.next >= catchUpFlights })
	c.b.Logf("%d flights filed in %.1f s", catchUpFlights, time.Since(began).Seconds())
}

func (c *catchUp) measure() {
	l := c.nodes[c.leader()]
	saving := func() bool {
		return slices.ContainsFunc(c.nodes, func(n *catchUpNode) bool { return n.status().Saving })
	}
	c.until("no save", func() bool { return !saving() })
	c.report("")
	for range 100 {
		c.round()
	}
	c.report("rest")
	c.until("a save", saving)
	c.until("its end", func() bool { return !saving() })
	c.report("save")
	f := c.nodes[(c.leader()+1)%3]
	f.cut = true
	at := f.status().Last
	c.until("a log that does not reach back", func() bool { return l.status().First > at+1 })
	c.report("away")
	f.cut = false
	c.until("a snapshot", func() bool { return f.facts["snapshot-installed"] > 0 })
	c.b.Logf("%d bytes; offered %d times, abandoned %d; the leader is %d entries ahead", f.status().SnapshotBytes,
		f.facts["snapshot-offered"], f.facts["snapshot-abandoned"], l.status().Commit-f.status().Applied)
	c.report("pull")
	c.until("the end of the log", func() bool { return f.status().Applied+10 >= l.status().Commit })
	c.report("follow")
	c.b.Logf("installed %d", f.facts["snapshot-installed"])
}

// report gives the longest steps since the last report.
func (c *catchUp) report(phase string) {
	if phase != "" {
		line, longest := "", time.Duration(0)
		for i, n := range c.nodes {
			line += fmt.Sprintf(" %d: %.1f ms, %d of %d steps over 10 ms;", i+1, float64(n.cpu)/1e6, n.longer, n.steps)
			longest = max(longest, n.cpu)
		}
		c.b.Logf("%-6s %6d replies, longest step (processor time)%s", phase, c.replies, line)
		c.b.ReportMetric(float64(longest)/1e6, phase+"-ms")
	}
	for _, n := range c.nodes {
		n.cpu, n.longer, n.steps = 0, 0, 0
	}
	c.replies = 0
}

func (c *catchUp) until(what string, holds func() bool) {
	c.b.Helper()
	for range 60_000 {
		if holds() {
			return
		}
		c.round()
	}
	c.b.Fatalf("still not so after a minute: %s", what)
}

// round lets everybody take a step, side by side: it takes as long as the longest, and at least a millisecond.
func (c *catchUp) round() {
	c.longest = time.Millisecond
	defer func() {
		c.now.MonoNs += int64(c.longest)
		c.now.WallNs += int64(c.longest)
	}()
	tick := c.now.MonoNs >= c.tickNs
	if tick {
		c.tickNs = c.now.MonoNs + step.TickNs
	}
	for k, n := range c.nodes {
		n.saveMore()
		in := n.inbox
		n.inbox = nil
		if tick {
			in = append(in, step.Input{Kind: step.Tick})
		}
		if len(in) > 0 || n.again {
			c.step(k, in)
		}
	}
}

func (c *catchUp) step(k int, in []step.Input) {
	n := c.nodes[k]
	var out step.Out
	began := threadCPU()
	n.node.Step(c.now, in, &out)
	n.node.Published(catchUpGroup)
	took := threadCPU() - began
	n.steps++
	n.cpu = max(n.cpu, took)
	c.longest = max(c.longest, took)
	if took > 10*time.Millisecond {
		n.longer++
	}
	if out.Halt != nil {
		c.b.Fatal(out.Halt)
	}
	n.node.TakeApplied()
	n.again = out.Again
	for _, f := range out.Facts {
		n.facts[f.Name]++
	}
	for _, w := range out.Writes {
		n.write(w.Ops)
		n.inbox = append(n.inbox, step.Input{Kind: step.Done, Token: w.Token})
	}
	for _, r := range out.Reads {
		n.inbox = append(n.inbox, step.Input{Kind: step.Done, Token: r.Token, Bytes: n.disk[string(r.Key)]})
	}
	for _, s := range out.Saves {
		next, _ := iter.Pull(s.Chunks)
		n.saves = append(n.saves, catchUpSave{Save: s, next: next})
	}
	for _, m := range out.Sends {
		c.deliver(k, m)
	}
}

// saveMore makes a few chunks of a save, as the store does beside the node.
func (n *catchUpNode) saveMore() {
	if len(n.saves) == 0 {
		return
	}
	s := &n.saves[0]
	for range catchUpSaved {
		chunk, ok := s.next()
		if !ok {
			n.inbox = append(n.inbox, step.Input{Kind: step.Done, Token: s.Token})
			n.saves = n.saves[1:]
			return
		}
		n.disk[string(binary.BigEndian.AppendUint64(bytes.Clone(s.Prefix), s.n))] = bytes.Clone(chunk)
		s.n++
	}
}

func (c *catchUp) deliver(from int, m step.Send) {
	if m.To <= step.MaxServer {
		to := c.nodes[m.To-1]
		if !to.cut && !c.nodes[from].cut {
			to.inbox = append(to.inbox, step.Input{Kind: step.Frame, From: step.Address(from + 1), Bytes: m.Bytes})
		}
		return
	}
	i := int(m.To - step.MaxServer - 1)
	w := c.writers[i]
	_, body, err := wire.Open(m.Bytes)
	if err != nil {
		c.b.Fatal(err)
	}
	r, err := wire.ReadReply(body)
	switch {
	case err != nil || r.Status != wire.OK:
		c.b.Fatalf("writer %d: status %d, %v", i, r.Status, err)
	case r.Request != w.request:
		return
	case w.session == 0:
		w.session = codec.NewReader(r.Result).U64()
		return
	}
	c.replies++
	c.send(i, &r)
}
