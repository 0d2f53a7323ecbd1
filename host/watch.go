package host

import (
	"bufio"
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

// watchBufferBytes is the size of a watch's write buffer: some ten events. A larger frame does not go through it.
const watchBufferBytes = 4 << 10

// page is an encoded frame of events. Watchers of one rank that stand at the same place share it.
type page struct {
	from, to watch.Position
	shown    uint64 // last index that the rank was shown when it was made
	frame    []byte
}

// next gives the events after pos as a frame, and the place after it; it waits until some are shown, gone closes, or enough
// comes: then it gives nil. The error is *watch.Compacted.
func (j *Journal) next(r *rank, gone <-chan struct{}, enough <-chan time.Time, group uint32, pos watch.Position) (*page, error) {
	for {
		p, wake, err := j.page(r, group, pos)
		if p != nil || err != nil {
			return p, err
		}
		select {
		case <-wake:
		case <-gone:
			return nil, nil
		case <-enough:
			return nil, nil
		}
	}
}

func (j *Journal) page(r *rank, group uint32, pos watch.Position) (*page, <-chan struct{}, error) {
	j.mu.RLock()
	defer j.mu.RUnlock()
	if p := r.newest.Load(); p != nil && p.from == pos && p.shown == r.shown {
		return p, r.wake, nil
	}
	items, err := j.visible(r, pos, wire.MaxEvents)
	if err != nil || len(items) == 0 {
		return nil, r.wake, err
	}
	p := &page{from: pos, shown: r.shown}
	p.frame, p.to = j.encode(group, items)
	r.newest.Store(p)
	return p, r.wake, nil
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
	gone, more := make(chan struct{}), r.Buffered() > 0
	h.wg.Go(func() {
		if !more {
			_, _ = conn.Read(make([]byte, 1)) // a watcher has nothing more to say: whatever comes ends it
		}
		close(gone)
		_ = conn.Close()
	})
	out := newSender(conn, watchBufferBytes)
	end := h.watch(gone, out, header.Group, watch.Position{Index: ask.Index, Sub: ask.Sub}, who)
	if end != nil {
		_ = h.writeBurst(out, [][]byte{end.Encode(header.Group, view.Epoch{})}) // the connection ends either way
	}
	_ = conn.Close()
}

// watch sends until gone closes or the connection breaks, or until there is a reason to tell.
func (h *Host) watch(gone <-chan struct{}, out *sender, group uint32, pos watch.Position, who subject.Subject) *wire.WatchEnd {
	g := h.groups[group]
	if g == nil {
		return &wire.WatchEnd{Problem: &problem.Error{Kind: problem.NotFound, Op: "watch", Subject: groupName(group)}}
	}
	if p := h.mayWatch(group, who); p != nil {
		return &wire.WatchEnd{Problem: p}
	}
	h.count.watches.Add(1)
	defer h.count.watches.Add(-1)
	rank, beat := g.journal.join(), time.NewTimer(watchBeat)
	defer rank.leave()
	defer beat.Stop()
	for frames := [][]byte{g.journal.vouch(group, pos)}; ; beat.Reset(watchBeat) {
		if h.writeBurst(out, frames) != nil {
			return nil
		}
		p, err := g.journal.next(rank, gone, beat.C, group, pos)
		if err != nil {
			return lostWatch(group, err)
		}
		if p != nil {
			frames[0], pos = p.frame, p.to
			continue
		}
		frames[0], pos = g.journal.beat(group, pos) // where gone has closed it is not sent
	}
}

// lostWatch says that a watch ends since it has missed events for good.
func lostWatch(group uint32, err error) *wire.WatchEnd {
	end := &wire.WatchEnd{Problem: &problem.Error{Kind: problem.Expired, Op: "watch", Subject: groupName(group), Field: "after",
		Detail: "events are no longer all held: read the state and go on from its index"}}
	var lost *watch.Compacted
	if errors.As(err, &lost) {
		end.FirstIndex, end.FirstSub = lost.First.Index, lost.First.Sub
		end.Problem.Value, end.Problem.Allowed = lost.Position.String(), "from "+lost.First.String()
	}
	return end
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
