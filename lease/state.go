package lease

import (
	"fmt"

	"github.com/tidwall/btree"

	"onevoice/codec"
	"onevoice/view"
)

// State is an immutable picture of the locks, a machine.Root.
type State struct {
	leases *btree.Map[string, *Lease]
	// seq is that of the newest token.
	seq uint64
	// epoch and nowNs are of the newest entry, renewedNs is when every lease was given its time again.
	epoch            view.Epoch
	nowNs, renewedNs int64
}

// NowNs is the log time of the state: that of its newest entry.
func (s *State) NowNs() int64 { return s.nowNs }

// Len is how many names are not free.
func (s *State) Len() int { return s.leases.Len() }

// ends is the log time at which a lease lapses that has not yet. Who was granted or kept later than the last renewal has more than that.
func (s *State) ends(l *Lease) int64 { return max(l.EndsNs, s.renewedNs+l.TTLMs*msNs) }

// asOf is a lease with its true end.
func (s *State) asOf(l *Lease) Lease {
	now := *l
	if l.Standing != Lapsed {
		now.EndsNs = s.ends(l)
	}
	return now
}

// Find gives the lease of a name; false where the name is free.
func (s *State) Find(name string) (Lease, bool) {
	l, ok := s.leases.Get(name)
	if !ok {
		return Lease{}, false
	}
	return s.asOf(l), true
}

// List gives the leases by name, from the first above after, at most limit (cut to MaxPage).
func (s *State) List(after string, limit int) []Lease {
	var page []Lease
	limit = min(limit, MaxPage)
	if limit <= 0 {
		return nil
	}
	s.leases.Ascend(after, func(name string, l *Lease) bool {
		if name != after {
			page = append(page, s.asOf(l))
		}
		return len(page) < limit
	})
	return page
}

// The kinds of question.
const (
	questionHolder = 96
	questionList   = 97
)

// AskHolder is the question for the lease of a name: DecodeLeases reads its answer, of one lease or none.
func AskHolder(name string) []byte {
	w := codec.Writer{B: []byte{formatVersion, questionHolder}}
	w.String(name)
	return w.B
}

// AskList is the question for a page of leases, as of List. DecodeLeases reads its answer.
func AskList(after string, limit uint32) []byte {
	w := codec.Writer{B: []byte{formatVersion, questionList}}
	w.String(after)
	w.U32(limit)
	return w.B
}

// Query answers AskHolder and AskList; anything else with nothing.
func (s *State) Query(op []byte) []byte {
	r := codec.NewReader(op)
	version, kind := r.U8(), r.U8()
	name := r.String(maxTextBytes)
	var found []Lease
	switch {
	case version != formatVersion:
		return nil
	case kind == questionHolder:
		if l, ok := s.Find(name); ok {
			found = []Lease{l}
		}
	case kind == questionList:
		found = s.List(name, int(r.U32()))
	default:
		return nil
	}
	if r.Finish() != nil {
		return nil
	}
	w := codec.Writer{B: []byte{formatVersion}}
	w.I64(s.nowNs)
	w.Uvarint(uint64(len(found)))
	for i := range found {
		found[i].append(&w)
	}
	return w.B
}

// DecodeLeases reads the answer to a question: the log time as of which it was given, and leases.
func DecodeLeases(b []byte) (nowNs int64, list []Lease, err error) {
	r := codec.NewReader(b)
	if v := r.U8(); r.Err() == nil && v != formatVersion {
		return 0, nil, fmt.Errorf("lease answer of version %d, this build knows %d", v, formatVersion)
	}
	nowNs = r.I64()
	for range r.Count(MaxPage, leastLease) {
		list = append(list, readLease(r))
	}
	return nowNs, list, r.Finish()
}
