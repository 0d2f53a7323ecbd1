package airspace

import (
	"cmp"
	"fmt"
	"slices"
	"time"

	"onevoice/codec"
	"onevoice/problem"
)

// Level says how a load stands to the thresholds of a sector.
type Level uint8

// The levels.
const (
	LevelOK    Level = 0
	LevelWarn  Level = 1
	LevelAlert Level = 2
)

// String gives "ok", "warn" or "alert".
func (l Level) String() string {
	switch l {
	case LevelOK:
		return "ok"
	case LevelWarn:
		return "warn"
	case LevelAlert:
		return "alert"
	}
	return fmt.Sprintf("Level(%d)", uint8(l))
}

// LoadQuery asks for the load of a sector in [FromNs, ToNs), in buckets of BucketNs from FromNs on; the last may be shorter. It is answered
// with a *Load.
type LoadQuery struct {
	Sector       string
	FromNs, ToNs int64
	// BucketNs is MinBucketNs to MaxBucketNs; there may be MaxBuckets.
	BucketNs int64
}

// Load is how much traffic a sector is to expect.
type Load struct {
	Sector   string
	Capacity Capacity
	FromNs   int64
	ToNs     int64
	BucketNs int64
	Buckets  []Bucket
}

// Bucket is the load of a sector for a while. Flights count when they may be there: a window counts from its earliest entry to its
// latest leaving.
type Bucket struct {
	// Entries is how many visits may begin in the bucket, by their earliest entry, and HourEntries how many in the hour that begins with it.
	Entries, HourEntries int
	// Peak is the most flights that may be there at once, SurePeak the most that surely are.
	Peak, SurePeak int
	Level          Level
}

// level holds a bucket against thresholds: one that is reached has its level.
func (t *Capacity) level(b *Bucket) Level {
	reached := func(n, threshold int) bool { return threshold > 0 && n >= threshold }
	switch {
	case reached(b.Peak, t.OccupancyAlert), reached(b.HourEntries, t.EntriesAlert):
		return LevelAlert
	case reached(b.Peak, t.OccupancyWarn), reached(b.HourEntries, t.EntriesWarn):
		return LevelWarn
	}
	return LevelOK
}

const hourNs = int64(time.Hour)

func (LoadQuery) kind() queryKind { return kindLoad }

func (q LoadQuery) appendBody(w *codec.Writer) {
	w.String(q.Sector)
	w.I64(q.FromNs)
	w.I64(q.ToNs)
	w.I64(q.BucketNs)
}

func readLoadQuery(r *codec.Reader) LoadQuery {
	return LoadQuery{r.String(maxText), r.I64(), r.I64(), r.I64()}
}

func (q LoadQuery) answer(s *State) (Body, error) { return s.Load(q) }

// Load answers a LoadQuery. The error is a *problem.Error: Invalid for a wrong question, NotFound for an unknown sector, TooLarge where more
// than MaxLoadVisits visits would have to be counted.
func (s *State) Load(q LoadQuery) (*Load, error) {
	c := checker{op: "load", subject: q.Sector}
	c.number("from", q.FromNs, 0, MaxServiceNs)
	c.number("to", q.ToNs, q.FromNs+1, MaxServiceNs+hourNs)
	c.number("bucket", q.BucketNs, MinBucketNs, MaxBucketNs)
	if c.found == nil && (q.ToNs-q.FromNs-1)/q.BucketNs >= MaxBuckets {
		c.fail(problem.Invalid, "bucket", time.Duration(q.BucketNs).String(), fmt.Sprintf("at most %d buckets in the time asked for", MaxBuckets))
	}
	if c.found != nil {
		return nil, c.found
	}
	of, ok := s.sectors.Get(q.Sector, s.asOf)
	if !ok {
		return nil, notFound(c.op, q.Sector, "sector")
	}
	l := &Load{Sector: q.Sector, Capacity: of.Capacity, FromNs: q.FromNs, ToNs: q.ToNs, BucketNs: q.BucketNs}
	if _, ok := s.count(of, l, MaxLoadVisits); !ok {
		return nil, &problem.Error{Kind: problem.TooLarge, Op: c.op, Subject: q.Sector, Field: "to", Value: fmt.Sprintf("over %d visits", MaxLoadVisits), Allowed: "a shorter time"}
	}
	return l, nil
}

// count fills the buckets of a load and gives the number of visits; false where there are more of them than most.
func (s *State) count(of *sector, l *Load, most int) (visits int, ok bool) {
	var entries []int64
	var may, sure []moment
	for _, run := range s.runs(of, l.FromNs, l.ToNs+hourNs, Cursor{}, most+1) {
		if len(entries)+len(run) > most {
			return most, false
		}
		for _, o := range run {
			w := o.Window
			entries = append(entries, w.EnterMinNs)
			may = append(may, moment{w.EnterMinNs, 1}, moment{w.LeaveMaxNs, -1})
			if w.Sure() {
				sure = append(sure, moment{w.EnterMaxNs, 1}, moment{w.LeaveMinNs, -1})
			}
		}
	}
	l.Buckets = make([]Bucket, (l.ToNs-l.FromNs+l.BucketNs-1)/l.BucketNs)
	slices.Sort(entries)
	before := func(ns int64) int { i, _ := slices.BinarySearch(entries, ns); return i }
	mayBe, surely := newTide(may), newTide(sure)
	for i := range l.Buckets {
		b := &l.Buckets[i]
		from := l.FromNs + int64(i)*l.BucketNs
		to := min(from+l.BucketNs, l.ToNs)
		b.Entries, b.HourEntries = before(to)-before(from), before(from+hourNs)-before(from)
		b.Peak, b.SurePeak = mayBe.peak(from, to), surely.peak(from, to)
		b.Level = l.Capacity.level(b)
	}
	return len(entries), true
}

// moment is when a count changes.
type moment struct {
	ns   int64
	step int
}

// tide is how a count goes up and down.
type tide struct {
	moments []moment
	now     int
}

func newTide(m []moment) tide {
	// Who leaves at an instant is no longer there when another enters.
	slices.SortFunc(m, func(a, b moment) int { return cmp.Or(cmp.Compare(a.ns, b.ns), cmp.Compare(a.step, b.step)) })
	return tide{moments: m}
}

// peak is the most that the count is in [from, to); calls must go on in time.
func (t *tide) peak(from, to int64) int {
	for len(t.moments) > 0 && t.moments[0].ns <= from {
		t.step()
	}
	most := t.now
	for len(t.moments) > 0 && t.moments[0].ns < to {
		t.step()
		most = max(most, t.now)
	}
	return most
}

func (t *tide) step() {
	t.now += t.moments[0].step
	t.moments = t.moments[1:]
}

func (l *Load) appendTo(w *codec.Writer) {
	w.String(l.Sector)
	appendCapacity(w, l.Capacity)
	w.I64(l.FromNs)
	w.I64(l.ToNs)
	w.I64(l.BucketNs)
	w.Uvarint(uint64(len(l.Buckets)))
	for i := range l.Buckets {
		appendBucket(w, &l.Buckets[i])
	}
}

func readLoad(r *codec.Reader) *Load {
	l := &Load{Sector: r.String(maxText), Capacity: readCapacity(r), FromNs: r.I64(), ToNs: r.I64(), BucketNs: r.I64()}
	l.Buckets = make([]Bucket, r.Count(MaxBuckets, 5))
	for i := range l.Buckets {
		l.Buckets[i] = readBucket(r)
	}
	return l
}

func appendBucket(w *codec.Writer, b *Bucket) {
	for _, n := range [...]int{b.Entries, b.HourEntries, b.Peak, b.SurePeak} {
		w.Uvarint(uint64(n))
	}
	w.U8(uint8(b.Level))
}

func readBucket(r *codec.Reader) Bucket {
	var n [4]int
	for i := range n {
		u := r.Uvarint()
		if u > MaxFlights*MaxFlightWindows {
			r.Fail()
		}
		n[i] = int(u)
	}
	b := Bucket{n[0], n[1], n[2], n[3], Level(r.U8())}
	if b.Level > LevelAlert {
		r.Fail()
	}
	return b
}
