package watch

import "sort"

// Record is an index with all its events: what a reader needs to follow the chain hash by itself, see package chain.
type Record struct {
	Mark
	Events [][]byte
}

// Entries gives the indices after one, each with all its events, and the mark of that one: at most most indices (at least 1), and none
// after that with which the events given have bytes bytes. None is not an error: the reader is at the end, or ahead of this replica;
// before is the zero Mark then where after is not held. Where the indices after it are no longer all held, the error is *Compacted.
func (l *Log) Entries(after uint64, most, bytes int) (before Mark, list []Record, err error) {
	before, held := l.At(after)
	if after > l.last {
		return before, nil, nil
	}
	if !held || EndOf(after).Compare(l.horizon) < 0 {
		return before, nil, &Compacted{Position: EndOf(after), First: Position{Index: l.firstWhole()}}
	}
	item := sort.Search(l.items.len(), func(i int) bool { return l.items.at(i).Position.Index > after })
	for size := 0; after < l.last && len(list) < max(1, most) && (len(list) == 0 || size < bytes); {
		after++
		m, _ := l.At(after)
		r := Record{Mark: m}
		for ; item < l.items.len() && l.items.at(item).Position.Index == after; item++ {
			event := l.items.at(item).Event
			r.Events, size = append(r.Events, event), size+len(event)
		}
		list = append(list, r)
	}
	return before, list, nil
}

// firstWhole is the first index that Entries gives with the hash before it.
func (l *Log) firstWhole() uint64 {
	first, _ := l.Range()
	return max(first+1, l.horizon.Index+1)
}
