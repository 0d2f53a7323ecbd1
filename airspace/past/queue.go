package past

import (
	"slices"
	"sort"
)

// blockSize is how many things of a queue lie together.
const blockSize = 256

// Queue is a list that grows at its end and shrinks at its beginning; each place of it is found at once. The zero value is empty. One
// goroutine may change a queue; a Copy of it may be read by any number.
type Queue[T any] struct {
	// blocks hold the things; those from begin to end count. What lies behind the end of a copy may be written.
	blocks     []*[blockSize]T
	begin, end int
	// let is how many blocks before the first are still in memory.
	let int
}

// Copy gives the queue as it is, in constant time. It is for reading: only q may be changed.
func (q *Queue[T]) Copy() Queue[T] { return *q }

// Len is how many things there are.
func (q *Queue[T]) Len() int { return q.end - q.begin }

// At gives the i-th thing, from 0 to below Len.
func (q *Queue[T]) At(i int) T {
	i += q.begin
	return q.blocks[i/blockSize][i%blockSize]
}

// Push adds a thing at the end.
func (q *Queue[T]) Push(thing T) {
	if q.end == len(q.blocks)*blockSize {
		if len(q.blocks) == cap(q.blocks) {
			q.let = 0 // what is left out stays behind when the rest moves
		}
		q.blocks = append(q.blocks, new([blockSize]T))
	}
	q.blocks[q.end/blockSize][q.end%blockSize] = thing
	q.end++
}

// Drop leaves out the first n things.
func (q *Queue[T]) Drop(n int) {
	q.begin += n
	blocks := q.begin / blockSize
	q.blocks, q.let = q.blocks[blocks:], q.let+blocks
	q.begin, q.end = q.begin-blocks*blockSize, q.end-blocks*blockSize
	if q.let > len(q.blocks) {
		q.blocks, q.let = slices.Clone(q.blocks), 0
	}
}

// Search is the place of the first thing that is, where all after one that is are too; Len where none is.
func (q *Queue[T]) Search(is func(T) bool) int {
	return sort.Search(q.Len(), func(i int) bool { return is(q.At(i)) })
}
