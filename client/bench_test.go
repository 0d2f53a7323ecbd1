package client

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"sync"
	"testing"

	"onevoice/view"
	"onevoice/wire"
)

// echo answers every command and query at once, with the operation as result; it keeps no sessions.
func echo(frames [][]byte) [][]byte {
	replies := make([][]byte, 0, len(frames))
	for _, f := range frames {
		h, r, err := wire.Open(f)
		if err != nil {
			panic(err)
		}
		p := wire.Reply{Status: wire.OK, Server: 1, Leader: 1}
		if h.Kind == wire.KindQuery {
			q, _ := wire.ReadQuery(r)
			p.Request, p.Result = q.Request, q.Op
		} else {
			m, _ := wire.ReadCommand(r)
			if p.Request, p.Result = m.Request, m.Op; m.Session == 0 {
				p.Result = binary.BigEndian.AppendUint64(nil, 1)
			}
		}
		replies = append(replies, p.Encode(1, view.Epoch{}))
	}
	return replies
}

// dialEcho is Options.Dial of an echo server within the process.
func dialEcho(context.Context, Endpoint) (Conn, error) {
	ours, theirs := pair(1)
	go func() {
		for {
			frames, err := theirs.Recv()
			if err != nil || theirs.Send(echo(frames)) != nil {
				return
			}
		}
	}()
	return ours, nil
}

// BenchmarkDo is the client's own cost: round trips to a server in the process that answers at once.
func BenchmarkDo(b *testing.B) {
	for _, callers := range []int{1, 64, 256} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			benchmark(b, callers, Options{Group: 1, Endpoints: []Endpoint{{Addr: "echo"}}, Dial: dialEcho})
		})
	}
}

// BenchmarkDoTCP is the same over loopback.
func BenchmarkDoTCP(b *testing.B) {
	addr := listen(b, func(c net.Conn) {
		if _, err := greet(c, welcome(ours, 1)); err != nil {
			return
		}
		s := newTCP(c, bufferBytes)
		for {
			frames, err := s.Recv()
			if err != nil || s.Send(echo(frames)) != nil {
				return
			}
		}
	})
	for _, callers := range []int{1, 64, 256} {
		b.Run(fmt.Sprintf("callers=%d", callers), func(b *testing.B) {
			benchmark(b, callers, Options{Group: 1, Endpoints: []Endpoint{{Addr: addr}}})
		})
	}
}

func benchmark(b *testing.B, callers int, o Options) {
	c := mustDial(b, o)
	defer c.Close()
	op := make([]byte, 100)
	if _, err := c.Do(b.Context(), op, nil); err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	b.ResetTimer()
	var work sync.WaitGroup
	for i := range callers {
		work.Go(func() {
			for n := i; n < b.N; n += callers {
				if _, err := c.Do(context.Background(), op, nil); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	work.Wait()
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "calls/s")
}
