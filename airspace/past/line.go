package past

import (
	"math"
	"slices"
	"sort"
)

// Now is the known time of the present, after all indices.
const Now = math.MaxUint64

// Version is a record with the known time in which it held: from the entry Since on, until before the entry Until. Until is Now
// where it still holds.
type Version[R any] struct {
	Since, Until uint64
	Record       R
}

// Holds reports whether the record was known at an index.
func (v *Version[R]) Holds(known uint64) bool { return v.Since <= known && known < v.Until }

// Line is the versions of one name that are over, from the oldest; no two hold at one index. It is a value: what is made of a line
// leaves it as it is for those that read it. Of each line only one other may be made, since the two share memory.
type Line[R any] struct {
	versions []Version[R]
	// forgotten is how many that are left out are still in memory.
	forgotten int
}

// Len is how many versions there are.
func (l Line[R]) Len() int { return len(l.versions) }

// Versions are all of them, from the oldest. They must not be changed.
func (l Line[R]) Versions() []Version[R] { return l.versions }

// At gives the version that was known at an index.
func (l Line[R]) At(known uint64) (Version[R], bool) {
	if i := l.after(known); i < len(l.versions) && l.versions[i].Holds(known) {
		return l.versions[i], true
	}
	return Version[R]{}, false
}

// after is the place of the first version that ends after an index.
func (l Line[R]) after(known uint64) int {
	return sort.Search(len(l.versions), func(i int) bool { return l.versions[i].Until > known })
}

// Fits reports whether a version begins when those before it have ended, or later, and ends after that.
func (l Line[R]) Fits(v Version[R]) bool {
	n := len(l.versions)
	return v.Since < v.Until && (n == 0 || l.versions[n-1].Until <= v.Since)
}

// Add adds a version, which must fit.
func (l Line[R]) Add(v Version[R]) Line[R] {
	if len(l.versions) == cap(l.versions) {
		l.forgotten = 0 // what is left out stays behind when the rest moves
	}
	l.versions = append(l.versions, v)
	return l
}

// Forget leaves out what ended at an index or before it.
func (l Line[R]) Forget(until uint64) Line[R] {
	gone := l.after(until)
	l.versions, l.forgotten = l.versions[gone:], l.forgotten+gone
	if l.forgotten > len(l.versions) {
		l.versions, l.forgotten = slices.Clone(l.versions), 0
	}
	return l
}
