package web

import (
	"slices"
	"strings"
	"sync"
	"time"

	"onevoice/web/api"
)

// trackLife is how long a position is held after it came, in wall time: sensors report each aircraft every few seconds.
const trackLife = time.Minute

// table holds the latest position of each aircraft that this server was fed. It is no part of the agreed state. At
// api.MaxTracks aircraft a further one is refused, and the feeder told.
type table struct {
	mu   sync.Mutex
	byID map[string]*held
	// first and last end the list of positions in the order in which they came.
	first, last *held
	// seq counts changes; gone lists the newest removals in their order.
	seq  uint64
	gone []removal
	// changed is closed, and replaced, when something changes.
	changed chan struct{}
}

type held struct {
	track      api.Track
	seq        uint64
	came       time.Time
	prev, next *held
}

type removal struct {
	id  string
	seq uint64
}

// maxGone bounds the removals remembered. A stream that is further behind ends, and begins anew.
const maxGone = api.MaxTracks

func newTable() *table { return &table{byID: map[string]*held{}, changed: make(chan struct{})} }

// take adds positions. One that is not newer than the one held of its aircraft is counted as older, and not taken.
func (t *table) take(tracks []api.Track, now time.Time) api.TracksTaken {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expire(now)
	var n api.TracksTaken
	for i := range tracks {
		h := t.byID[tracks[i].ID]
		switch {
		case h == nil && len(t.byID) >= api.MaxTracks:
			n.Refused++
			continue
		case h == nil:
			h = &held{}
			t.byID[tracks[i].ID] = h
		case tracks[i].Time <= h.track.Time:
			n.Older++
			continue
		default:
			t.unlink(h)
		}
		t.seq++
		h.track, h.seq, h.came = tracks[i], t.seq, now
		t.link(h)
		n.Taken++
	}
	n.Held = len(t.byID)
	if n.Taken > 0 {
		t.wake()
	}
	return n
}

func (t *table) link(h *held) {
	h.prev, h.next = t.last, nil
	if t.last != nil {
		t.last.next = h
	} else {
		t.first = h
	}
	t.last = h
}

func (t *table) unlink(h *held) {
	if h.prev != nil {
		h.prev.next = h.next
	} else {
		t.first = h.next
	}
	if h.next != nil {
		h.next.prev = h.prev
	} else {
		t.last = h.prev
	}
}

func (t *table) wake() {
	close(t.changed)
	t.changed = make(chan struct{})
}

// expire removes what has not been heard for trackLife. Whoever looks at the table calls it, so no clock of its own is needed.
func (t *table) expire(now time.Time) {
	before := t.seq
	for t.first != nil && now.Sub(t.first.came) >= trackLife {
		h := t.first
		t.unlink(h)
		delete(t.byID, h.track.ID)
		t.seq++
		t.gone = append(t.gone, removal{h.track.ID, t.seq})
	}
	if over := len(t.gone) - maxGone; over > 0 {
		t.gone = slices.Delete(t.gone, 0, over)
	}
	if t.seq != before {
		t.wake()
	}
}

// all gives every position held, by identifier.
func (t *table) all(now time.Time) []api.Track {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expire(now)
	tracks := make([]api.Track, 0, len(t.byID))
	for h := t.first; h != nil; h = h.next {
		tracks = append(tracks, h.track)
	}
	slices.SortFunc(tracks, func(a, b api.Track) int { return strings.Compare(a.ID, b.ID) })
	return tracks
}

func (t *table) count() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return len(t.byID)
}

// changes is what has happened to a table since a reader looked last.
type changes struct {
	tracks []api.Track
	gone   []string
	seq    uint64          // where the reader stands now
	more   <-chan struct{} // closed when there is something after that
	lost   bool            // removals after since are no longer all known
}

// since gives the changes after a sequence number; 0 begins with everything.
func (t *table) since(seq uint64, now time.Time) changes {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.expire(now)
	c := changes{seq: t.seq, more: t.changed}
	for h := t.last; h != nil && h.seq > seq; h = h.prev {
		c.tracks = append(c.tracks, h.track)
	}
	slices.Reverse(c.tracks)
	if seq == 0 {
		return c
	}
	c.lost = len(t.gone) == maxGone && t.gone[0].seq > seq+1
	for i := len(t.gone) - 1; i >= 0 && t.gone[i].seq > seq; i-- {
		c.gone = append(c.gone, t.gone[i].id)
	}
	return c
}
