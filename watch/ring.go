package watch

// ring is a queue in one slice that grows by doubling, so that pushing and popping cost no allocation once it has grown.
// Its owner bounds its length.
type ring[T any] struct {
	buf  []T // length zero or a power of two
	head int
	n    int
}

const firstRingLen = 64

func (r *ring[T]) len() int { return r.n }

// at gives the i-th value from the oldest.
func (r *ring[T]) at(i int) *T { return &r.buf[(r.head+i)&(len(r.buf)-1)] }

func (r *ring[T]) push(v T) {
	if r.n == len(r.buf) {
		grown := make([]T, max(firstRingLen, 2*len(r.buf)))
		for i := range r.n {
			grown[i] = *r.at(i)
		}
		r.buf, r.head = grown, 0
	}
	r.n++
	*r.at(r.n - 1) = v
}

// pop takes the oldest value and lets go of what it refers to.
func (r *ring[T]) pop() T {
	var zero T
	v := *r.at(0)
	*r.at(0) = zero
	r.head = (r.head + 1) & (len(r.buf) - 1)
	r.n--
	return v
}
