package airspace

import (
	"fmt"
	"slices"

	"github.com/tidwall/btree"

	"onevoice/airspace/past"
	"onevoice/codec"
	"onevoice/geo"
	"onevoice/machine"
	"onevoice/problem"
)

// SectorLevel is a while in which a sector's load reaches a threshold: a bucket of DefaultBucketNs that begins at FromNs, a multiple of it.
type SectorLevel struct {
	Sector string
	FromNs int64
	Level  Level
	// Since is the command, or the entry, since when it has this level; zero in a state of the past, where it is not held.
	Since Version
}

func (l SectorLevel) before(o SectorLevel) bool {
	return l.Sector < o.Sector || l.Sector == o.Sector && l.FromNs < o.FromNs
}

// levelTable holds the levels of the buckets that are watched: those of sectors with thresholds that begin in [fromNs, fromNs+WatchNs). It is
// copied as State is.
type levelTable struct {
	// levels are those that are not ok.
	levels *btree.BTreeG[SectorLevel]
	// stale are the sectors of which buckets are to be counted anew, and when those begin and end.
	stale *btree.Map[string, geo.Span]
	// fromNs is the begin of the bucket that service time is in, 0 before the first entry.
	fromNs int64
}

func newLevelTable() levelTable {
	return levelTable{levels: btree.NewBTreeGOptions(SectorLevel.before, btree.Options{NoLocks: true}), stale: btree.NewMap[string, geo.Span](0)}
}

func (t *levelTable) copy() levelTable {
	return levelTable{t.levels.Copy(), t.stale.Copy(), t.fromNs}
}

// watched cuts a time to what is watched, in whole buckets.
func (t *levelTable) watched(s geo.Span) (geo.Span, bool) {
	if t.fromNs == 0 || s.ToNs <= t.fromNs || s.FromNs >= t.fromNs+WatchNs {
		return geo.Span{}, false
	}
	s.FromNs, s.ToNs = max(s.FromNs, t.fromNs), min(s.ToNs, t.fromNs+WatchNs)
	s.FromNs -= s.FromNs % DefaultBucketNs
	if over := s.ToNs % DefaultBucketNs; over != 0 {
		s.ToNs += DefaultBucketNs - over
	}
	return s, true
}

// age has buckets of a sector counted anew.
func (t *levelTable) age(sector string, s geo.Span) {
	s, ok := t.watched(s)
	if !ok {
		return
	}
	if old, there := t.stale.Get(sector); there {
		s.FromNs, s.ToNs = min(s.FromNs, old.FromNs), max(s.ToNs, old.ToNs)
	}
	t.stale.Set(sector, s)
}

// ageAll has all of a sector counted anew.
func (t *levelTable) ageAll(sector string) {
	t.age(sector, geo.Span{FromNs: everBefore, ToNs: everAfter})
}

// drop takes away what is known of a sector that is gone.
func (t *levelTable) drop(sector string) {
	t.stale.Delete(sector)
	t.forget(func(l SectorLevel) bool { return l.Sector == sector })
}

// forget takes away levels.
func (t *levelTable) forget(gone func(SectorLevel) bool) {
	var list []SectorLevel
	t.levels.Scan(func(l SectorLevel) bool {
		if gone(l) {
			list = append(list, l)
		}
		return true
	})
	for _, l := range list {
		t.levels.Delete(l)
	}
}

// ageWindows has those buckets counted anew in which windows have come or gone.
func (m *Machine) ageWindows(old, now []SectorWindow) {
	if len(m.land().counted) == 0 {
		return
	}
	for _, lists := range [][2][]SectorWindow{{old, now}, {now, old}} {
		for _, w := range lists[0] {
			of, ok := m.state.sectors.Get(w.Sector, past.Now)
			if ok && of.Capacity != (Capacity{}) && !slices.Contains(lists[1], w) {
				// Its entry counts in the hour before, too.
				m.state.levels.age(w.Sector, geo.Span{FromNs: w.EnterMinNs - hourNs, ToNs: w.LeaveMaxNs})
			}
		}
	}
}

// watchLoad moves on what is watched, and counts what is to be counted anew.
func (m *Machine) watchLoad(at machine.At, emit machine.Emit) {
	t := &m.state.levels
	if from := m.state.clock.nowNs - m.state.clock.nowNs%DefaultBucketNs; from != t.fromNs {
		last := t.fromNs + WatchNs
		t.fromNs = from
		if t.levels.Len() > 0 {
			t.forget(func(l SectorLevel) bool { return l.FromNs < from })
		}
		for _, id := range m.land().counted {
			t.age(id, geo.Span{FromNs: last, ToNs: everAfter})
		}
	}
	m.countLeft = MaxWatchVisits
	m.countStale(told{m, Version{Index: at.Index}, emit})
}

// watchDueNs is the log time at which there is something to count.
func (m *Machine) watchDueNs() int64 {
	switch {
	case m.state.levels.stale.Len() > 0:
		return max(m.state.clock.logNs, 1)
	case len(m.land().counted) > 0:
		return m.state.clock.reaches(m.state.levels.fromNs + DefaultBucketNs)
	}
	return 0
}

// countStale counts what is to be counted anew, as far as the work of an entry reaches; the rest is due at once.
func (m *Machine) countStale(t told) {
	table := &m.state.levels
	for m.countLeft > 0 {
		id, span, ok := table.stale.Min()
		if !ok {
			return
		}
		of, there := m.state.sectors.Get(id, past.Now)
		if span, ok = table.watched(span); !ok || !there {
			table.stale.Delete(id)
			continue
		}
		l, work := m.state.countWatched(of, span)
		m.countLeft -= work
		t.levels(l)
		if table.stale.Delete(id); l.ToNs < span.ToNs {
			table.stale.Set(id, geo.Span{FromNs: l.ToNs, ToNs: span.ToNs})
		}
	}
}

// countWatched counts the buckets of a sector in a time, or the first one alone where there are too many visits, which is an alert by itself where there
// are too many still. It tells what work that was.
func (s *State) countWatched(of *sector, span geo.Span) (l *Load, work int) {
	l = &Load{Sector: of.ID, Capacity: of.Capacity, FromNs: span.FromNs, ToNs: span.ToNs, BucketNs: DefaultBucketNs}
	n, ok := s.count(of, l, MaxWatchVisits)
	if !ok {
		l.ToNs = l.FromNs + DefaultBucketNs
		if n, ok = s.count(of, l, MaxWatchVisits); !ok {
			l.Buckets = []Bucket{{HourEntries: MaxWatchVisits, Level: LevelAlert}}
		}
	}
	return l, n + 4*len(l.Buckets)
}

// levels says which levels have become others.
func (t told) levels(l *Load) {
	table := &t.m.state.levels
	for i := range l.Buckets {
		b := &l.Buckets[i]
		now := SectorLevel{l.Sector, l.FromNs + int64(i)*l.BucketNs, b.Level, t.at}
		old, _ := table.levels.Get(now)
		if old.Level == now.Level {
			continue
		}
		kind := CapacityOK
		switch now.Level {
		case LevelOK:
			table.levels.Delete(now)
		case LevelWarn:
			kind = CapacityWarn
		case LevelAlert:
			kind = CapacityAlert
		}
		if now.Level != LevelOK {
			table.levels.Set(now)
		}
		t.m.emit(t.emit, Event{Kind: kind, ID: l.Sector, Version: t.at, Detail: &BucketLoad{now.FromNs, l.BucketNs, *b}})
	}
}

// BucketLoad is the load of a sector in the bucket from FromNs on, in events.
type BucketLoad struct {
	FromNs, BucketNs int64
	Bucket
}

func (b *BucketLoad) appendTo(w *codec.Writer) {
	w.I64(b.FromNs)
	w.I64(b.BucketNs)
	appendBucket(w, &b.Bucket)
}

func readBucketLoad(r *codec.Reader) *BucketLoad { return &BucketLoad{r.I64(), r.I64(), readBucket(r)} }

// Levels lists what is watched and not ok, by sector and time, from the first after a place on, at most limit (cut to MaxPage). Counting says
// that some sectors are still being counted. In a state of the past they are counted anew, as they would be once all is counted. The error is a
// *problem.Error: TooLarge where that is more work than MaxFlowWork.
func (s *State) Levels(after SectorLevel, limit int) (list []SectorLevel, counting bool, err error) {
	limit = min(limit, MaxPage)
	if !s.present() {
		list, err = s.levelsThen(after, limit)
		return list, false, err
	}
	s.levels.levels.Ascend(after, func(l SectorLevel) bool {
		if len(list) < limit && after.before(l) {
			list = append(list, l)
		}
		return len(list) < limit
	})
	return list, s.levels.stale.Len() > 0, nil
}

// levelsThen is Levels of a state of the past.
func (s *State) levelsThen(after SectorLevel, limit int) (list []SectorLevel, err error) {
	begin := s.clock.nowNs - s.clock.nowNs%DefaultBucketNs
	work := 0
	s.sectors.Ascend(after.Sector, s.asOf, func(id string, v past.Version[*sector]) bool {
		if v.Record.Capacity == (Capacity{}) {
			return true
		}
		for span := (geo.Span{FromNs: begin, ToNs: begin + WatchNs}); span.FromNs < span.ToNs && len(list) < limit; {
			l, steps := s.countWatched(v.Record, span)
			if work += steps; work > MaxFlowWork {
				err = &problem.Error{Kind: problem.TooLarge, Op: "capacity", Subject: id, Field: "limit", Value: fmt.Sprintf("over %d visits", MaxFlowWork), Allowed: "the load of one sector"}
				return false
			}
			for i := range l.Buckets {
				one := SectorLevel{Sector: id, FromNs: l.FromNs + int64(i)*DefaultBucketNs, Level: l.Buckets[i].Level}
				if one.Level != LevelOK && after.before(one) && len(list) < limit {
					list = append(list, one)
				}
			}
			span.FromNs = l.ToNs
		}
		return len(list) < limit
	})
	return list, err
}
