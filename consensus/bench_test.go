package consensus

import (
	"math/rand/v2"
	"testing"

	"onevoice/step"
	"onevoice/wire"
)

// loop is a group of three with an instant disk and network.
type loop struct {
	groups  [4]*Group
	outs    [4]Output
	nowNs   int64
	onReply func(Reply)
}

func newLoop(b *testing.B) *loop {
	l := &loop{}
	for id := uint64(1); id <= 3; id++ {
		cfg := Config{Group: testGroup, Self: id, Voters: []uint64{1, 2, 3}, NewMachine: newToy, Rand: rand.New(rand.NewPCG(id, 1))}
		ops, err := Bootstrap(cfg)
		if err != nil {
			b.Fatal(err)
		}
		if l.groups[id], err = Open(cfg, newSimDisk(ops).scan); err != nil {
			b.Fatal(err)
		}
	}
	for !l.groups[1].lead.applied {
		l.groups[1].Tick(l.now())
		l.settle(b)
	}
	return l
}

func (l *loop) now() step.Now {
	l.nowNs += 1000
	return step.Now{MonoNs: l.nowNs, WallNs: l.nowNs}
}

// settle flushes all groups until nothing moves any more.
func (l *loop) settle(b *testing.B) {
	for moved := true; moved; {
		moved = false
		for id := 1; id <= 3; id++ {
			g, out := l.groups[id], &l.outs[id]
			out.Reset()
			g.Flush(l.now(), out)
			if out.Halt != nil {
				b.Fatal(out.Halt)
			}
			for _, f := range out.Peer {
				moved = true
				l.groups[f.To].Raft(uint64(id), f.Frame[wire.HeaderBytes:])
			}
			for _, w := range out.Writes {
				moved = true
				g.Done(w.Token, nil, nil)
			}
			for _, s := range out.Saves {
				moved = true
				for range s.Chunks {
				}
				g.Done(s.Token, nil, nil)
			}
			for _, r := range out.Replies {
				l.onReply(r)
			}
		}
	}
}

func BenchmarkCommands(b *testing.B) {
	for _, size := range []int{256} {
		for _, burst := range []int{1, 64, 1024} {
			b.Run(name(burst), func(b *testing.B) { benchCommands(b, size, burst) })
		}
	}
}

func name(burst int) string {
	return map[int]string{1: "burst=1", 64: "burst=64", 1024: "burst=1024"}[burst]
}

func benchCommands(b *testing.B, size, burst int) {
	l := newLoop(b)
	var session uint64
	ok := 0
	l.onReply = func(r Reply) {
		if r.Status != wire.OK {
			b.Fatalf("status %d", r.Status)
		}
		if r.Request == 0 {
			session = uint64(value(r.Result))
		}
		ok++
	}
	l.groups[1].Command(1<<20, wire.Command{})
	l.settle(b)
	op := make([]byte, size)
	copy(op[8:], "counter")
	b.ReportAllocs()
	b.ResetTimer()
	seq, acked := uint64(0), uint64(0)
	ok = 0
	for sent := 0; sent < b.N; {
		n := min(burst, b.N-sent)
		for range n {
			seq++
			l.groups[1].Command(1<<20, wire.Command{Request: seq, Session: session, Seq: seq, Acked: acked, Op: op})
		}
		l.settle(b)
		acked = seq
		sent += n
	}
	b.StopTimer()
	if ok != b.N {
		b.Fatalf("%d answers to %d commands", ok, b.N)
	}
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "commands/s")
}
