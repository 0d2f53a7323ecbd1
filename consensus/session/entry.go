package session

import "sort"

// entry is one session. Its records stand in the order of their seq, all above acked.
type entry struct {
	id     uint64
	gen    uint64
	lastNs int64
	acked  uint64
	bytes  int
	// head is where the live records begin: the ones before it are acknowledged and empty.
	head int
	recs []record
}

func (e *entry) live() []record { return e.recs[e.head:] }

func (e *entry) clone(gen uint64) *entry {
	c := *e
	c.gen, c.head = gen, 0
	c.recs = append(make([]record, 0, len(e.live())+8), e.live()...)
	return &c
}

// position is where seq stands or would stand among the live records; new ones nearly always come last.
func (e *entry) position(seq uint64) int {
	live := e.live()
	if n := len(live); n == 0 || live[n-1].seq < seq {
		return n
	}
	return sort.Search(len(live), func(i int) bool { return live[i].seq >= seq })
}

func (e *entry) find(seq uint64) *record {
	live := e.live()
	if i := e.position(seq); i < len(live) && live[i].seq == seq {
		return &live[i]
	}
	return nil
}

func (e *entry) add(r record) {
	i := e.head + e.position(r.seq)
	e.recs = append(e.recs, record{})
	copy(e.recs[i+1:], e.recs[i:])
	e.recs[i] = r
	e.bytes += recordBytes + len(r.result)
}

// ack drops the records up to seq and returns how many bytes that frees.
func (e *entry) ack(seq uint64) int {
	if seq <= e.acked {
		return 0
	}
	e.acked = seq
	freed := 0
	for e.head < len(e.recs) && e.recs[e.head].seq <= seq {
		freed += recordBytes + len(e.recs[e.head].result)
		e.recs[e.head] = record{}
		e.head++
	}
	e.bytes -= freed
	// Moving the rest down when half is empty costs a constant amount for each record in the long run.
	if e.head > 0 && e.head*2 >= len(e.recs) {
		n := copy(e.recs, e.live())
		clear(e.recs[n:])
		e.recs, e.head = e.recs[:n], 0
	}
	return freed
}
