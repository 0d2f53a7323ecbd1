package index

import "math/bits"

// Time is the time from one instant to another, both in it, in nanoseconds UTC. It must not end before it begins.
type Time struct{ FirstNs, LastNs int64 }

// Always is all time.
func Always() Time { return Time{0, 1<<63 - 1} }

const (
	// shortestSlot is the length of the shortest slots as a power of two: 73 minutes. A plan that moves by minutes mostly stays in its
	// slots, and a question about half an hour meets few plans that are over or not begun.
	shortestSlot = 42
	// slotLevels is how many lengths of slot there are; the longest is all time.
	slotLevels = 64 - shortestSlot
	// slotShift is where the level of a slot begins: slots of one level are one range of numbers, in the order of time.
	slotShift = 24
)

// slot names a stretch of time: one of the pieces of 2^(shortestSlot+level) ns, from 1970 on, that time is cut into at a level.
type slot uint32

func (s slot) level() int { return int(s >> slotShift) }

// slots gives the first and last slot that a thing is put into: one, or two next to each other, of the shortest length that is longer
// than the thing lasts.
func (t Time) slots() (first, last slot) {
	return t.slotsOf(bits.Len64(uint64(max(t.LastNs, 0)-max(t.FirstNs, 0)) >> shortestSlot))
}

// slotsOf gives the first and last slot of a level that the time has a part in. What is before 1970 counts as its first instant, for
// things and questions alike.
func (t Time) slotsOf(level int) (first, last slot) {
	number := func(ns int64) slot { return slot(level<<slotShift | int(max(ns, 0)>>(shortestSlot+level))) }
	return number(t.FirstNs), number(t.LastNs)
}
