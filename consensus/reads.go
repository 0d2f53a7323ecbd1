package consensus

import (
	"bytes"
	"slices"

	"go.etcd.io/raft/v3"

	"onevoice/codec"
	"onevoice/internal/mutant"
	"onevoice/step"
	"onevoice/wire"
)

// query waits for its barrier.
type query struct {
	to      step.Address
	request uint64
	op      []byte
	atNs    int64 // when it came, monotonic; 0 until the first flush after that
}

// readBatch is queries that share one barrier: they all came before it was asked for.
type readBatch struct {
	number    uint64
	queries   []query
	attempts  uint32
	askedNs   int64 // 0: ask now
	index     uint64
	confirmed bool
}

// reads are the queries that wait: first without a barrier asked for (forming), then in batches on their way, then until
// what the barrier named is applied.
type reads struct {
	boot    uint64 // random, so that no answer to an earlier start's barrier can match
	number  uint64
	forming []query
	batches []*readBatch
	count   int
	bytes   int
}

// Query takes a question. It is answered from a state no older than this moment, by an Eval, or by a Reply where Op is
// empty (a barrier), where no barrier could be had in time (NoVoice) or where too many wait (Overloaded). Op is copied.
// Any server may be asked: a follower asks the leader for the barrier (Raft thesis, section 6.4).
func (g *Group) Query(from step.Address, q wire.Query) {
	if g.halted != nil {
		return
	}
	r := &g.reads
	if r.count >= g.cfg.Limits.Queries || r.bytes+len(q.Op) > maxQueryBytes {
		g.counters.Overloaded++
		g.reply(from, wire.Reply{Request: q.Request, Status: wire.Overloaded})
		return
	}
	r.forming = append(r.forming, query{to: from, request: q.Request, op: bytes.Clone(q.Op)})
	r.count++
	r.bytes += len(q.Op)
}

func (r *reads) askAgain() {
	for _, b := range r.batches {
		b.askedNs = 0
	}
}

func (r *reads) unconfirmed() int {
	n := 0
	for _, b := range r.batches {
		if !b.confirmed {
			n++
		}
	}
	return n
}

// askReads forms a batch of what has come and asks raft for the barriers that are wanted.
func (g *Group) askReads() {
	r := &g.reads
	for i := len(r.forming) - 1; i >= 0 && r.forming[i].atNs == 0; i-- {
		r.forming[i].atNs = g.now.MonoNs
	}
	if mutant.On(mutant.ReadWithoutQuorum) && g.leads() {
		g.readBelieving()
		return
	}
	if g.leader == raft.None {
		return // raft would drop it
	}
	// A leader's commit index may lag what it acknowledged in an earlier life until an entry of its own term is committed.
	// Raft waits for that itself, except where it is the only voter.
	if g.leads() && (!g.lead.applied || g.stalled()) {
		return
	}
	if len(r.forming) > 0 && r.unconfirmed() < readBatches {
		r.number++
		r.batches = append(r.batches, &readBatch{number: r.number, queries: r.forming})
		r.forming = nil
	}
	for _, b := range r.batches {
		if !b.confirmed && (b.askedNs == 0 || g.now.MonoNs-b.askedNs >= max(readRetryNs, readRetryRounds*g.pace.roundNs)) {
			g.ask(b)
		}
	}
}

// ask asks raft for a barrier under a context never used before: an answer under it can only be to this attempt. Every
// attempt comes after the batch's queries, so the answer to any of them serves.
func (g *Group) ask(b *readBatch) {
	b.attempts++
	b.askedNs = max(g.now.MonoNs, 1)
	var w codec.Writer
	w.U64(g.reads.boot)
	if mutant.On(mutant.ReadContextReused) {
		w.U64(0)
		w.U32(0)
	} else {
		w.U64(b.number)
		w.U32(b.attempts)
	}
	g.counters.Barriers++
	g.rn.ReadIndex(w.B)
}

// confirmReads takes raft's answers.
func (g *Group) confirmReads(states []raft.ReadState) {
	for _, s := range states {
		r := codec.NewReader(s.RequestCtx)
		boot, number := r.U64(), r.U64()
		r.U32()
		if r.Finish() != nil || boot != g.reads.boot {
			continue
		}
		for _, b := range g.reads.batches {
			if (b.number == number || mutant.On(mutant.ReadContextReused)) && !b.confirmed {
				b.confirmed, b.index = true, s.Index
			}
		}
	}
	if len(states) > 0 {
		g.answerReads()
	}
}

// answerReads answers the batches whose barrier is applied. Before the first epoch nothing is answered: an answer names one.
func (g *Group) answerReads() {
	r := &g.reads
	if len(r.batches) == 0 || g.state.epoch.Term == 0 {
		return
	}
	r.batches = slices.DeleteFunc(r.batches, func(b *readBatch) bool {
		if !b.confirmed || b.index > g.state.index && !mutant.On(mutant.ReadBeforeApplied) {
			return false
		}
		g.answer(b.queries)
		return true
	})
}

func (g *Group) answer(queries []query) {
	at := g.Published()
	for _, q := range queries {
		g.reads.count--
		g.reads.bytes -= len(q.op)
		g.counters.Queries++
		if len(q.op) == 0 {
			g.reply(q.to, wire.Reply{
				Request: q.request, Status: wire.OK, Index: at.Index, Hash: at.Hash, LogTimeNs: at.LogTimeNs,
			})
			continue
		}
		g.out.Evals = append(g.out.Evals, Eval{To: q.to, Request: q.request, Root: at.Root, Op: q.op, At: at})
	}
}

// expireQueries answers what has waited too long. Within a batch and in forming the order is that of arrival.
func (g *Group) expireQueries() {
	r := &g.reads
	r.forming = g.expire(r.forming)
	r.batches = slices.DeleteFunc(r.batches, func(b *readBatch) bool {
		b.queries = g.expire(b.queries)
		return len(b.queries) == 0
	})
}

func (g *Group) expire(queries []query) []query {
	n := 0
	for n < len(queries) && queries[n].atNs != 0 && g.now.MonoNs-queries[n].atNs >= queryTimeoutNs {
		q := queries[n]
		g.reads.count--
		g.reads.bytes -= len(q.op)
		g.counters.NoVoice++
		g.reply(q.to, wire.Reply{Request: q.request, Status: wire.NoVoice, Index: g.state.index})
		n++
	}
	return queries[n:]
}

// readBelieving is a planted bug: it takes this server's belief that it leads for a barrier.
func (g *Group) readBelieving() {
	g.answer(g.reads.forming)
	g.reads.forming = nil
	for _, b := range g.reads.batches {
		g.answer(b.queries)
	}
	g.reads.batches = nil
}
