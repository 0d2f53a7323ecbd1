package index

const (
	// Numbers is how many things a Table holds at most: those from 0 to below it.
	Numbers  = 1 << (leafBits + 3*forkBits)
	leafBits = 4 // small leaves, since each change after a copy was made copies one
	forkBits = 6
)

// Table holds things by their numbers, below Numbers; the zero thing where none was set. One goroutine may change it; a Copy of it
// may be read by any number. The zero value is ready for use.
type Table[T any] struct {
	owner *owner
	root  *fork[fork[fork[leaf[T]]]]
}

// owner is whose a node is: the others that see it leave it as it is. It is not empty, for then all would have one address.
type owner struct{ _ byte }

type fork[K any] struct {
	owner *owner
	kids  [1 << forkBits]*K
}

type leaf[T any] struct {
	things [1 << leafBits]T // first, so that one of 64 bytes is in one line of the cache
	owner  *owner
}

// Copy gives a table of its own with the same things, in constant time: what they are kept in is shared until one of the two
// changes. It belongs to the goroutine that changes t.
func (t *Table[T]) Copy() Table[T] {
	t.owner = nil
	return *t
}

// Get gives a thing.
func (t *Table[T]) Get(number uint32) T {
	if at := t.At(number); at != nil {
		return *at
	}
	var none T
	return none
}

// At gives the place of a thing, for reading until the table is changed; nil where none near it was ever set.
func (t *Table[T]) At(number uint32) *T {
	if a := t.root; a != nil {
		if b := a.kids[number>>(leafBits+2*forkBits)]; b != nil {
			if c := b.kids[number>>(leafBits+forkBits)%(1<<forkBits)]; c != nil {
				if l := c.kids[number>>leafBits%(1<<forkBits)]; l != nil {
					return &l.things[number%(1<<leafBits)]
				}
			}
		}
	}
	return nil
}

// Set puts a thing in the place of another.
func (t *Table[T]) Set(number uint32, thing T) {
	if t.owner == nil {
		t.owner = new(owner)
	}
	a := own(&t.root, t.owner)
	b := own(&a.kids[number>>(leafBits+2*forkBits)], t.owner)
	c := own(&b.kids[number>>(leafBits+forkBits)%(1<<forkBits)], t.owner)
	l := &c.kids[number>>leafBits%(1<<forkBits)]
	if *l == nil {
		*l = &leaf[T]{owner: t.owner}
	} else if (*l).owner != t.owner {
		*l = &leaf[T]{owner: t.owner, things: (*l).things}
	}
	(*l).things[number%(1<<leafBits)] = thing
}

// own makes a fork one that may be changed.
func own[K any](at **fork[K], o *owner) *fork[K] {
	switch {
	case *at == nil:
		*at = &fork[K]{owner: o}
	case (*at).owner != o:
		*at = &fork[K]{owner: o, kids: (*at).kids}
	}
	return *at
}
