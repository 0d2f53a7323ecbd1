package host

import (
	"bufio"
	"context"
	"errors"
	"net"
	"time"

	"onevoice/problem"
	"onevoice/subject"
	"onevoice/view"
	"onevoice/watch"
	"onevoice/wire"
)

// watchBeat is how often a watch shows a sign of life where there are no events.
const watchBeat = time.Second

// page is an encoded frame of events. Watchers that stand at the same place share it.
type page struct {
	from, to watch.Position
	newest   uint64 // last index of the journal when it was made
	frame    []byte
}

// next gives the events after pos as a frame, and the place after it; it waits until there are some. The error is
// *watch.Compacted, or that of ctx.
func (j *Journal) next(ctx context.Context, group uint32, pos watch.Position) (*page, error) {
	for {
		p, wake, err := j.page(group, pos)
		if p != nil || err != nil {
			return p, err
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (j *Journal) page(group uint32, pos watch.Position) (*page, <-chan struct{}, error) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	_, newest := j.log.Range()
	if p := j.newest.Load(); p != nil && p.from == pos && p.newest == newest {
		return p, j.wake, nil
	}
	items, err := j.log.After(pos, wire.MaxEvents)
	if err != nil || len(items) == 0 {
		return nil, j.wake, err
	}
	p := &page{from: pos, newest: newest}
	p.frame, p.to = j.encode(group, items)
	j.newest.Store(p)
	return p, j.wake, nil
}

// encode makes a frame of the first of the items, as many as fit, and says where it ends.
func (j *Journal) encode(group uint32, items []watch.Item) ([]byte, watch.Position) {
	m := wire.Events{Items: make([]wire.Event, 0, len(items))}
	for size, i := 0, 0; i < len(items) && size < wire.MaxEventsBytes; i++ {
		it := &items[i]
		m.Items = append(m.Items, wire.Event{Index: it.Position.Index, Sub: it.Position.Sub, LogTimeNs: it.LogTimeNs, Body: it.Event})
		size += len(it.Event)
	}
	to := items[len(m.Items)-1].Position
	var epoch view.Epoch
	if rest, err := j.log.After(to, 1); err == nil && (len(rest) == 0 || rest[0].Position.Index != to.Index) {
		if mark, held := j.log.At(to.Index); held {
			m.Through, m.Hash, epoch = to.Index, mark.Hash, mark.Epoch
		}
		to = watch.EndOf(to.Index)
	}
	return m.Encode(group, epoch), to
}

// vouch is a frame with the hash of the index at whose end a watch begins, where it is held: a watcher that comes from another
// server compares it with the hash that it has.
func (j *Journal) vouch(group uint32, pos watch.Position) []byte {
	j.mu.RLock()
	defer j.mu.RUnlock()
	var m wire.Events
	var epoch view.Epoch
	if mark, held := j.log.At(pos.Index); held && pos == watch.EndOf(pos.Index) {
		m.Through, m.Hash, epoch = pos.Index, mark.Hash, mark.Epoch
	}
	return m.Encode(group, epoch)
}

// beat is a frame that says how far a watch has come where no event follows pos, and the place after it.
func (j *Journal) beat(group uint32, pos watch.Position) ([]byte, watch.Position) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	var m wire.Events
	var epoch view.Epoch
	_, newest := j.log.Range()
	if rest, err := j.log.After(pos, 1); err != nil || len(rest) > 0 || newest < pos.Index {
		newest = 0 // events have come since, or this server is behind the reader: it can vouch for nothing new
	}
	if mark, held := j.log.At(newest); held {
		m.Through, m.Hash, epoch = newest, mark.Hash, mark.Epoch
		pos = watch.EndOf(newest)
	}
	return m.Encode(group, epoch), pos
}

// serveWatch turns a client's connection into a stream of events. It reads on only to notice the end of the connection.
func (h *Host) serveWatch(conn net.Conn, r *bufio.Reader, who subject.Subject, header wire.Header, ask wire.Watch) {
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	defer context.AfterFunc(ctx, func() { conn.Close() })()
	h.wg.Go(func() {
		_, _ = r.ReadByte() // a watcher has nothing more to say: whatever comes ends it
		cancel()
	})
	w := bufio.NewWriterSize(conn, bufferBytes)
	end := h.watch(ctx, conn, w, header.Group, watch.Position{Index: ask.Index, Sub: ask.Sub}, who)
	if end != nil {
		_ = h.writeBurst(conn, w, [][]byte{end.Encode(header.Group, view.Epoch{})}) // the connection ends either way
	}
	_ = conn.Close()
}

// watch sends until the connection or ctx ends, or until there is a reason to tell.
func (h *Host) watch(ctx context.Context, conn net.Conn, w *bufio.Writer, group uint32, pos watch.Position, who subject.Subject) *wire.WatchEnd {
	g := h.groups[group]
	if g == nil {
		return &wire.WatchEnd{Problem: &problem.Error{Kind: problem.NotFound, Op: "watch", Subject: groupName(group)}}
	}
	if p := h.mayWatch(group, who); p != nil {
		return &wire.WatchEnd{Problem: p}
	}
	h.count.watches.Add(1)
	defer h.count.watches.Add(-1)
	frame := g.journal.vouch(group, pos)
	for {
		if h.writeBurst(conn, w, [][]byte{frame}) != nil {
			return nil
		}
		waiting, cancel := context.WithTimeout(ctx, watchBeat)
		p, err := g.journal.next(waiting, group, pos)
		cancel()
		var lost *watch.Compacted
		switch {
		case err == nil:
			frame, pos = p.frame, p.to
		case errors.As(err, &lost):
			return &wire.WatchEnd{FirstIndex: lost.First.Index, FirstSub: lost.First.Sub, Problem: &problem.Error{
				Kind: problem.Expired, Op: "watch", Subject: groupName(group), Field: "after", Value: lost.Position.String(),
				Allowed: "from " + lost.First.String(), Detail: "events are no longer all held: read the state and go on from its index"}}
		case ctx.Err() != nil:
			return nil
		default:
			frame, pos = g.journal.beat(group, pos)
		}
	}
}

// mayWatch says why a subject may not watch a group.
func (h *Host) mayWatch(group uint32, who subject.Subject) *problem.Error {
	if h.needs == nil || who.Kind == subject.Server || who.Via == subject.ByLoopback {
		return nil
	}
	need := h.needs(group, wire.KindWatch, nil)
	if need&who.Rights != 0 {
		return nil
	}
	h.count.forbidden.Add(1)
	return &problem.Error{Kind: problem.Forbidden, Op: "watch", Subject: groupName(group), Detail: "it needs the right " + need.String()}
}
