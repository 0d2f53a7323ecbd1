package host

import (
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"testing"
	"testing/synctest"

	"onevoice/consensus"
	"onevoice/problem"
	"onevoice/step"
	"onevoice/wire"
)

func inputs(n int, from step.Address, size int) []step.Input {
	in := make([]step.Input, n)
	for i := range in {
		in[i] = step.Input{Kind: step.Frame, From: from, Token: step.Token(i), Bytes: make([]byte, size)}
	}
	return in
}

func TestServersComeBeforeAFloodOfClients(t *testing.T) {
	b := newInbox()
	b.putClient(inputs(maxClientInputs, 1<<20, 10))
	b.putPeer(inputs(100, 2, 10))
	b.putUrgent(step.Input{Kind: step.Done, Token: 7})
	burst := b.take(nil)
	if len(burst) != maxBurst || burst[0].Token != 7 || burst[1].From != 2 || burst[100].From != 2 || burst[101].From != 1<<20 {
		t.Fatalf("burst of %d begins with %+v %+v", len(burst), burst[0], burst[1])
	}
	b.putPeer(inputs(maxPeerInputs, 2, 10))
	burst = b.take(nil)
	clients := 0
	for _, in := range burst {
		if in.From == 1<<20 {
			clients++
		}
	}
	if clients != maxBurst-maxBurstPeer {
		t.Fatalf("under a flood of servers' frames %d of %d inputs are of clients", clients, len(burst))
	}
}

func TestTheInboxKeepsOrderAndWakesUntilEmpty(t *testing.T) {
	b := newInbox()
	b.putClient(inputs(10_000, 1<<20, 1))
	next := step.Token(0)
	for range 3 {
		<-b.ready
		for _, in := range b.take(nil) {
			if in.Token != next {
				t.Fatalf("input %d came, want %d", in.Token, next)
			}
			next++
		}
	}
	if next != 10_000 {
		t.Fatalf("%d inputs came", next)
	}
	select {
	case <-b.ready:
		t.Fatal("an empty inbox is ready")
	default:
	}
	if b.clients.bytes != 0 {
		t.Fatalf("an empty inbox counts %d bytes", b.clients.bytes)
	}
}

func TestAFullInboxHoldsItsSendersUntilThereIsRoom(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		b := newInbox()
		var put atomic.Int32
		const frame = 1 << 20
		for range 2 {
			go func() {
				b.putClient(inputs(maxClientBytes/frame, 1<<20, frame))
				put.Add(1)
			}()
		}
		synctest.Wait()
		if put.Load() != 1 || b.clients.bytes > maxClientBytes {
			t.Fatalf("%d senders are through, %d bytes wait", put.Load(), b.clients.bytes)
		}
		b.take(nil)
		synctest.Wait()
		if put.Load() != 2 {
			t.Fatal("a sender still waits although there is room")
		}
		go b.putClient(inputs(1, 1<<20, maxClientBytes))
		synctest.Wait()
		b.close()
		if b.putPeer(inputs(1, 2, 1)) {
			t.Fatal("a closed inbox took a frame")
		}
	})
}

func TestAPeersBoxDropsTheOldestAClientsRefuses(t *testing.T) {
	peer, client := newOutbox(3, true, true), newOutbox(3, false, true)
	for i := range byte(5) {
		if !peer.put([]byte{i}) {
			t.Fatal("a peer's box refused")
		}
		if client.put([]byte{i}) != (i < 3) {
			t.Fatalf("a client's box took or refused frame %d", i)
		}
	}
	if got := peer.take(nil); len(got) != 3 || got[0][0] != 2 || got[2][0] != 4 {
		t.Fatalf("a peer's box holds %v", got)
	}
	if got := client.take(nil); len(got) != 3 || got[0][0] != 0 {
		t.Fatalf("a client's box holds %v", got)
	}
	peer.put(make([]byte, maxOutBytes))
	peer.put([]byte{1})
	if got := peer.take(nil); len(got) != 1 || len(got[0]) != 1 {
		t.Fatalf("%d frames over the limit of bytes", len(got))
	}
	peer.setOpen(false)
	peer.put([]byte{1})
	if got := peer.take(nil); len(got) != 0 {
		t.Fatal("a closed box holds frames")
	}
}

// TestAReaderNeverSharesABarrierThatWasSentBefore: one that was on its way when the reader came may be older than what the
// reader knows.
func TestAReaderNeverSharesABarrierThatWasSentBefore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var sent []uint64
		g := newGate(1, func(frame []byte) {
			_, body, err := wire.Open(frame)
			if err != nil {
				t.Fatal(err)
			}
			q, err := wire.ReadQuery(body)
			if err != nil || len(q.Op) != 0 {
				t.Fatal(q, err)
			}
			sent = append(sent, q.Request)
		})
		var mu sync.Mutex
		results := make(map[string]*consensus.Published)
		var last error
		read := func(name string) {
			go func() {
				p, err := g.read(t.Context(), nil)
				mu.Lock()
				defer mu.Unlock()
				if err != nil {
					last = err
				}
				results[name] = &p
			}()
			synctest.Wait()
		}
		answer := func(request, index uint64, status wire.Status) {
			g.answered(wire.Reply{Request: request, Status: status, Index: index}, consensus.Published{Index: index})
			synctest.Wait()
		}
		read("a") // sent alone as 1
		read("b") // sent alone as 2
		read("c") // waits with d for 3
		read("d")
		if len(sent) != 2 || len(results) != 0 {
			t.Fatalf("%d barriers sent, %d readers answered", len(sent), len(results))
		}
		answer(1, 10, wire.OK)
		if len(results) != 1 || results["a"].Index != 10 || len(sent) != 3 {
			t.Fatalf("after the first answer: %v, sent %v", results, sent)
		}
		read("e") // must not join 3
		answer(sent[2], 12, wire.OK)
		if len(results) != 3 || results["c"].Index != 12 || results["d"].Index != 12 || len(sent) != 4 {
			t.Fatalf("after the third: %v, sent %v", results, sent)
		}
		answer(2, 11, wire.NoVoice)
		if !isNoVoice(last) || len(results) != 4 {
			t.Fatalf("a barrier without a majority: %v", last)
		}
		answer(2, 99, wire.OK) // an answer twice
		answer(sent[3], 13, wire.OK)
		if len(results) != 5 || results["e"].Index != 13 || len(g.flying) != 0 {
			t.Fatalf("at the end: %v", results)
		}
	})
}

func isNoVoice(err error) bool {
	var p *problem.Error
	return errors.As(err, &p) && p.Kind == problem.NoVoice
}

func TestAReaderThatGivesUpLeavesTheOthers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		g := newGate(1, func([]byte) {})
		ctx, cancel := context.WithCancel(t.Context())
		var gaveUp, stayed error
		stop := make(chan struct{})
		go func() { _, gaveUp = g.read(ctx, stop) }()
		go func() { _, stayed = g.read(t.Context(), stop) }()
		synctest.Wait()
		cancel()
		synctest.Wait()
		if !isNoVoice(gaveUp) || stayed != nil {
			t.Fatalf("gave up: %v, stayed: %v", gaveUp, stayed)
		}
		close(stop)
		synctest.Wait()
		if !isNoVoice(stayed) {
			t.Fatalf("stopped: %v", stayed)
		}
	})
}

func TestRecordsOfPeers(t *testing.T) {
	want := seen{store: wire.ID{7, 8}, boot: 9}
	op := encodePeer(3, want)
	number, got, err := decodePeer(op.Key, op.Value)
	if err != nil || number != 3 || got != want {
		t.Fatalf("%d %+v %v", number, got, err)
	}
	if wantKey := "L/peer/\x00\x00\x00\x00\x00\x00\x00\x03"; string(op.Key) != wantKey {
		t.Fatalf("key %q", op.Key)
	}
	for i := range op.Value {
		bad := append([]byte{}, op.Value...)
		bad[i] ^= 1
		if _, _, err := decodePeer(op.Key, bad); err == nil {
			t.Fatalf("byte %d may be wrong", i)
		}
	}
}

func FuzzDecodePeer(f *testing.F) {
	op := encodePeer(3, seen{store: wire.ID{7}, boot: 9})
	f.Add(op.Key[len(peerPrefix):], op.Value)
	f.Fuzz(func(t *testing.T, key, value []byte) {
		key = append([]byte(peerPrefix), key...)
		number, s, err := decodePeer(key, value)
		if err == nil {
			if again := encodePeer(number, s); string(again.Key) != string(key) || string(again.Value) != string(value) {
				t.Fatal("two spellings of one record")
			}
		}
	})
}
