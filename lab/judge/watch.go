package judge

import (
	"bytes"
	"slices"
)

// watcher is what one reader of events has seen.
type watcher struct {
	group uint32
	at    position // newest event seen; the next must be after it
	first position // reading began after this
	seen  []watched
}

type watched struct {
	position
	event  []byte
	server string
}

// wholeIndex stands for "after all events of the index".
const wholeIndex = ^uint32(0)

// WatchFrom hears that a watcher begins after an index, at the start or after it was told that its place is no longer held.
func (c *Court) WatchFrom(name string, group uint32, afterIndex uint64) {
	w := c.watchers[name]
	if w != nil {
		c.judgeWatcher(name, w)
	}
	begin := position{afterIndex, wholeIndex}
	c.watchers[name] = &watcher{group: group, at: begin, first: begin}
}

// Watched hears one event that a watcher got from a server (S8: order and uniqueness at once, completeness later).
func (c *Court) Watched(name, server string, index uint64, sub uint32, event []byte) {
	w, at := c.watchers[name], position{index, sub}
	if !w.at.before(at) {
		c.Fail("S8", "group %d watcher %s: event %v from %s after %v", w.group, name, at, server, w.at)
	}
	w.at = at
	w.seen = append(w.seen, watched{at, event, server})
}

// WatchedTo hears that a watcher was given everything up to and including an index.
func (c *Court) WatchedTo(name string, index uint64) {
	w := c.watchers[name]
	if to := (position{index, wholeIndex}); w.at.before(to) {
		w.at = to
	}
}

// CloseWatches judges that every watcher saw each event of the log between its first and last place once (S8).
func (c *Court) CloseWatches() {
	names := make([]string, 0, len(c.watchers))
	for name := range c.watchers {
		names = append(names, name)
	}
	slices.Sort(names)
	for _, name := range names {
		c.judgeWatcher(name, c.watchers[name])
	}
}

func (c *Court) judgeWatcher(name string, w *watcher) {
	g := c.log(w.group)
	next := 0
	for index := w.first.index + 1; index <= w.at.index; index++ {
		for sub, event := range g.entries[index].Events {
			want := position{index, uint32(sub)}
			if w.at.before(want) {
				break
			}
			switch {
			case next >= len(w.seen) || want.before(w.seen[next].position):
				c.Fail("S8", "group %d watcher %s: never got event %v", w.group, name, want)
				return
			case w.seen[next].position != want:
				c.Fail("S8", "group %d watcher %s: got %v from %s, which the log does not have", w.group, name, w.seen[next].position, w.seen[next].server)
				return
			case !bytes.Equal(w.seen[next].event, event):
				c.Fail("S8", "group %d watcher %s: event %v from %s differs from the log's", w.group, name, want, w.seen[next].server)
				return
			}
			next++
		}
	}
	if next < len(w.seen) {
		c.Fail("S8", "group %d watcher %s: got %v, which the log does not have", w.group, name, w.seen[next].position)
	}
}
