package session

import (
	"cmp"
	"math"
	"slices"
)

// Expire forgets what is due at nowNs, log time, and returns the sessions expired, the longest unused first. At most
// MaxExpiredEach sessions and MaxKeysExpiredEach keys go at once; the rest goes at the next entry.
func (t *Table) Expire(nowNs int64) []uint64 {
	t.keys.expire(nowNs - KeyNs)
	cut := nowNs - IdleNs
	if t.sessions.Len() == 0 || t.oldestNs > cut {
		return nil
	}
	due := t.due(cut)
	ids := make([]uint64, 0, len(due))
	for _, e := range due {
		t.sessions.Delete(e.id)
		t.bytes -= e.bytes
		ids = append(ids, e.id)
	}
	return ids
}

// due collects the sessions last used at cutNs or before, in the order of (last use, number), and renews oldestNs. It looks
// at all sessions, but only once for each time that the oldest known falls due. The order does not depend on how the
// table came to be, so a replica restored from a snapshot takes the same ones.
func (t *Table) due(cutNs int64) []*entry {
	var due []*entry
	oldest := int64(math.MaxInt64)
	t.sessions.Scan(func(_ uint64, e *entry) bool {
		if e.lastNs <= cutNs {
			due = append(due, e)
		} else {
			oldest = min(oldest, e.lastNs)
		}
		return true
	})
	slices.SortFunc(due, func(a, b *entry) int { return cmp.Or(cmp.Compare(a.lastNs, b.lastNs), cmp.Compare(a.id, b.id)) })
	if len(due) > MaxExpiredEach {
		oldest = due[MaxExpiredEach].lastNs
		due = due[:MaxExpiredEach]
	}
	t.oldestNs = oldest
	return due
}

// DueNs is a log time at which Expire may have something to do, never later than the first such time; 0 for none.
func (t *Table) DueNs() int64 {
	due := t.keys.dueNs()
	if t.sessions.Len() > 0 && (due == 0 || t.oldestNs+IdleNs < due) {
		due = t.oldestNs + IdleNs
	}
	return due
}
