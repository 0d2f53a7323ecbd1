package wire

import (
	"onevoice/codec"
	"onevoice/problem"
	"onevoice/view"
)

// Watch asks for the events of a group after a place in its log, as they come. It is the first frame of a connection
// after the handshake; from then on only the server sends, Events and at last WatchEnd.
type Watch struct {
	Index uint64
	Sub   uint32 // math.MaxUint32 for all of Index
}

// Event is one event and its place.
type Event struct {
	Index     uint64
	Sub       uint32
	LogTimeNs int64
	Body      []byte // in the encoding of the group's machine
}

// Events brings what came after the last frame, in order. An empty list is a sign of life.
type Events struct {
	// Through is the index up to which every event has now been sent, Hash the chain hash after it. Both are zero where the
	// frame ends within an index, and where the server no longer holds the hash.
	Through uint64
	Hash    [32]byte
	Items   []Event
}

// Limits of an Events frame. A frame ends after the event that takes it over MaxEventsBytes.
const (
	MaxEvents      = 1_024
	MaxEventsBytes = 256 << 10
)

// leastEvent is the size of an event without a body.
const leastEvent = 8 + 4 + 8 + 1

// WatchEnd says why a watch ends. For problem.Expired, FirstIndex and FirstSub are where the events begin that are still held.
type WatchEnd struct {
	Problem    *problem.Error
	FirstIndex uint64
	FirstSub   uint32
}

// Encode returns the whole frame.
func (m Watch) Encode(group uint32, epoch view.Epoch) []byte {
	var w codec.Writer
	Header{Kind: KindWatch, Group: group, Epoch: epoch}.Append(&w)
	w.U64(m.Index)
	w.U32(m.Sub)
	return w.B
}

// ReadWatch takes the body of a Watch.
func ReadWatch(r *codec.Reader) (Watch, error) {
	m := Watch{Index: r.U64(), Sub: r.U32()}
	return m, r.Finish()
}

// Encode returns the whole frame.
func (m Events) Encode(group uint32, epoch view.Epoch) []byte {
	size := HeaderBytes + 8 + 32 + 4
	for i := range m.Items {
		size += leastEvent + 4 + len(m.Items[i].Body)
	}
	w := codec.Writer{B: make([]byte, 0, size)}
	Header{Kind: KindEvents, Group: group, Epoch: epoch}.Append(&w)
	w.U64(m.Through)
	w.Raw(m.Hash[:])
	w.Uvarint(uint64(len(m.Items)))
	for i := range m.Items {
		e := &m.Items[i]
		w.U64(e.Index)
		w.U32(e.Sub)
		w.I64(e.LogTimeNs)
		w.Bytes(e.Body)
	}
	return w.B
}

// ReadEvents takes the body of Events. The bodies alias the frame.
func ReadEvents(r *codec.Reader) (Events, error) {
	m := Events{Through: r.U64()}
	copy(m.Hash[:], r.Raw(len(m.Hash)))
	n := r.Count(MaxEvents, leastEvent)
	m.Items = make([]Event, 0, n)
	for range n {
		m.Items = append(m.Items, Event{Index: r.U64(), Sub: r.U32(), LogTimeNs: r.I64(), Body: r.Bytes(MaxFrameBytes)})
	}
	return m, r.Finish()
}

// Encode returns the whole frame.
func (m WatchEnd) Encode(group uint32, epoch view.Epoch) []byte {
	var w codec.Writer
	Header{Kind: KindWatchEnd, Group: group, Epoch: epoch}.Append(&w)
	w.U64(m.FirstIndex)
	w.U32(m.FirstSub)
	m.Problem.Append(&w)
	return w.B
}

// ReadWatchEnd takes the body of a WatchEnd.
func ReadWatchEnd(r *codec.Reader) (WatchEnd, error) {
	m := WatchEnd{FirstIndex: r.U64(), FirstSub: r.U32()}
	m.Problem = problem.Read(r)
	return m, r.Finish()
}
