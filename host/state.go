package host

import (
	"context"
	"iter"

	"onevoice/consensus"
	"onevoice/problem"
)

// State gives the whole state of a group at one index, not older than the moment of the call: what Published says of it, and its
// chunks, which may be read later and on any goroutine. It holds up neither reads nor writes: the node's goroutine makes it in
// constant time. The error is that of Read.
func (h *Host) State(ctx context.Context, number uint32) (consensus.Published, iter.Seq[[]byte], error) {
	if _, err := h.Read(ctx, number); err != nil {
		return consensus.Published{}, nil, err
	}
	var at consensus.Published
	var chunks iter.Seq[[]byte]
	done := make(chan struct{})
	take := func() {
		at, _ = h.node.Published(number)
		chunks = h.node.StateChunks(number)
		close(done)
	}
	select {
	case h.asks <- take:
		<-done
		return at, chunks, nil
	case <-h.stop:
		return at, nil, &problem.Error{Kind: problem.NoVoice, Op: "read", Subject: groupName(number), Detail: "this server is stopping: ask another"}
	}
}
