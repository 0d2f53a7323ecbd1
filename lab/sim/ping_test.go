package sim

import (
	"encoding/binary"
	"fmt"
	"iter"

	"onevoice/step"
)

// ping is the smallest machine that uses everything a world gives: it counts the frames it hears, durably, and answers each
// with the count once the count is on disk. Now and then it saves a few chunks and reads one back.
type ping struct {
	self    step.Address
	servers int
	count   uint64
	ticks   uint64
	waiting map[step.Token]step.Address
	acked   []uint64 // counts told to somebody
}

const (
	saveToken = step.Token(1 << 40)
	readToken = step.Token(1 << 41)
)

func newPing(self step.Address, servers int) Factory {
	return func(b Birth) (step.Machine, error) {
		p := &ping{self: self, servers: servers, waiting: map[step.Token]step.Address{}}
		for _, value := range b.Scan([]byte("count")) {
			p.count = binary.BigEndian.Uint64(value)
		}
		return p, nil
	}
}

func (p *ping) Step(now step.Now, in []step.Input, out *step.Out) {
	for _, i := range in {
		switch i.Kind {
		case step.Tick:
			p.tick(out)
		case step.Frame:
			p.frame(i, out)
		case step.Done:
			p.done(i, out)
		}
	}
}

func (p *ping) tick(out *step.Out) {
	p.ticks++
	for a := step.Address(1); a <= step.Address(p.servers); a++ {
		if a != p.self {
			out.Sends = append(out.Sends, step.Send{To: a, Bytes: []byte("ping")})
		}
	}
	if p.ticks%20 == 0 {
		out.Saves = append(out.Saves, step.Save{Token: saveToken, Prefix: []byte("save"), Chunks: chunks(p.count)})
	}
}

func chunks(count uint64) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for i := range count % 4 {
			if !yield(fmt.Appendf(nil, "chunk %d of %d", i, count)) {
				return
			}
		}
	}
}

func (p *ping) frame(i step.Input, out *step.Out) {
	if len(i.Bytes) == 8 { // somebody's count
		out.Facts = append(out.Facts, step.Fact{Name: "heard", Value: binary.BigEndian.Uint64(i.Bytes)})
		return
	}
	p.count++
	value := binary.BigEndian.AppendUint64(nil, p.count)
	token := step.Token(p.count)
	p.waiting[token] = i.From
	op := step.Op{Kind: step.Set, Key: []byte("count"), Value: value}
	out.Writes = append(out.Writes, step.Write{Token: token, Ops: []step.Op{op}, Sync: true})
}

func (p *ping) done(i step.Input, out *step.Out) {
	if i.Err != nil {
		out.Halt = i.Err
		return
	}
	switch i.Token {
	case saveToken:
		out.Reads = append(out.Reads, step.Read{Token: readToken, Key: chunkKey([]byte("save"), 0)})
	case readToken:
		out.Facts = append(out.Facts, step.Fact{Name: "read", Text: string(i.Bytes)})
	default:
		value := binary.BigEndian.AppendUint64(nil, uint64(i.Token))
		to := p.waiting[i.Token]
		delete(p.waiting, i.Token)
		p.acked = append(p.acked, uint64(i.Token))
		out.Evals = append(out.Evals, step.Eval{To: to, Run: func() []byte { return value }})
	}
}

// caller is a client that pings every server at each tick, and dials those it has no connection to.
type caller struct {
	servers, gone int
	up            [6]bool
}

func (c *caller) Step(_ step.Now, in []step.Input, out *step.Out) {
	for _, i := range in {
		switch i.Kind {
		case step.Tick:
			for a := range c.servers {
				s := step.Send{To: step.Address(a + 1)}
				if c.up[s.To] {
					s.Bytes = []byte("ping")
				}
				out.Sends = append(out.Sends, s)
			}
		case step.Frame:
			c.up[i.From] = true
		case step.Gone:
			c.up[i.From] = false
			c.gone++
		}
	}
}

// pingWorld runs a world of ping machines with faults for its drawn time and heals it.
func pingWorld(o Options) (*World, error) {
	w, err := New(o)
	if err != nil {
		return nil, err
	}
	n := w.Params().ServerCount
	for a := range n {
		w.AddServer(step.Address(a+1), nil, newPing(step.Address(a+1), n))
	}
	for i := range 2 {
		w.AddClient(fmt.Sprintf("c%d", i+1), &caller{servers: n})
	}
	w.StartFaults()
	w.Run(w.Params().FaultNs, nil)
	w.Heal()
	w.Run(w.NowNs()+secNs, nil)
	return w, nil
}
