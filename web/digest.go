package web

import (
	"sync"
	"sync/atomic"

	"onevoice/airspace"
	"onevoice/watch"
	"onevoice/web/api"
)

// digest is an event that was read once, for all streams.
type digest struct {
	event airspace.Event
	// text is the block of the stream.
	text []byte
	// err says that this build cannot read it.
	err error
}

// digests hold the newest events that streams have asked for. Streams mostly stand at the same place, so each event is decoded and written
// once, however many read it; one that lags decodes for itself what has gone.
type digests struct {
	slots [digestSlots]digestSlot
	// made counts the events that were decoded.
	made atomic.Int64
}

// digestSlots is how many events are held, some 10 MB where each is of a flight with many windows.
const digestSlots = 8192

type digestSlot struct {
	mu sync.Mutex
	at watch.Position
	d  *digest
}

// of gives the digest of an event. Two that ask for the same at once wait for one.
func (c *digests) of(item *watch.Item) *digest {
	slot := &c.slots[(item.Position.Index*31+uint64(item.Position.Sub))%digestSlots]
	slot.mu.Lock()
	defer slot.mu.Unlock()
	if slot.d == nil || slot.at != item.Position {
		slot.at, slot.d = item.Position, newDigest(item)
		c.made.Add(1)
	}
	return slot.d
}

func newDigest(item *watch.Item) *digest {
	d := new(digest)
	if d.event, d.err = airspace.DecodeEvent(item.Event); d.err != nil {
		// An event that this build cannot read is a reason to read the state again, not to be silent about it: every filter lets it pass.
		d.event = airspace.Event{}
	}
	b := append(append(make([]byte, 0, 256), "id: "...), item.Position.String()...)
	b = append(append(b, "\nevent: "...), d.event.Kind.String()...)
	d.text = append(api.AppendEvent(append(b, "\ndata: "...), &d.event), "\n\n"...)
	return d
}
