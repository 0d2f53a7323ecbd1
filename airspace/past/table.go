package past

import "github.com/tidwall/btree"

// Table is records by name, as they are and as they were. To read the present costs what it costs in a tree without a past.
//
// A known time is an index, or Now. One goroutine may change a table; a Copy of it may be read by any number.
type Table[R any] struct {
	here *btree.Map[string, standing[R]]
	gone *btree.Map[string, Line[R]]
}

// standing is a record that holds.
type standing[R any] struct {
	since  uint64
	record R
}

// NewTable makes an empty table.
func NewTable[R any]() Table[R] {
	return Table[R]{here: btree.NewMap[string, standing[R]](0), gone: btree.NewMap[string, Line[R]](0)}
}

// Copy gives the table as it is, in constant time. It is for reading: only t may be changed.
func (t *Table[R]) Copy() Table[R] { return Table[R]{t.here.Copy(), t.gone.Copy()} }

// Len is how many records there are now.
func (t *Table[R]) Len() int { return t.here.Len() }

// Put puts a record under a name at an entry, which is not before those of earlier changes. What it supersedes is over, where it was
// known at any index.
func (t *Table[R]) Put(name string, record R, at uint64) (over Version[R], was bool) {
	old, there := t.here.Set(name, standing[R]{at, record})
	return t.end(name, old, there, at)
}

// Delete removes a name at an entry, as Put does.
func (t *Table[R]) Delete(name string, at uint64) (over Version[R], was bool) {
	old, there := t.here.Delete(name)
	return t.end(name, old, there, at)
}

func (t *Table[R]) end(name string, old standing[R], there bool, at uint64) (over Version[R], was bool) {
	over = Version[R]{old.since, at, old.record}
	if !there || over.Since >= over.Until {
		return Version[R]{}, false
	}
	line, _ := t.gone.Get(name)
	t.gone.Set(name, line.Add(over))
	return over, true
}

// Recall adds a version that is over, the newest past one of its name; false where another one holds then. It is how a stored past
// is read, after the present.
func (t *Table[R]) Recall(name string, over Version[R]) bool {
	line, _ := t.gone.Get(name)
	now, there := t.here.Get(name)
	if !line.Fits(over) || there && now.since < over.Until {
		return false
	}
	t.gone.Set(name, line.Add(over))
	return true
}

// Forget leaves out the versions of a name that ended at an index or before it.
func (t *Table[R]) Forget(name string, until uint64) {
	line, _ := t.gone.Get(name)
	if line = line.Forget(until); line.Len() > 0 {
		t.gone.Set(name, line)
	} else {
		t.gone.Delete(name)
	}
}

// Get gives what was known under a name.
func (t *Table[R]) Get(name string, known uint64) (record R, ok bool) {
	v, ok := t.Version(name, known)
	return v.Record, ok
}

// Version gives what was known under a name, and when.
func (t *Table[R]) Version(name string, known uint64) (Version[R], bool) {
	if now, ok := t.here.Get(name); ok && now.since <= known {
		return Version[R]{now.since, Now, now.record}, true
	}
	if known == Now {
		return Version[R]{}, false
	}
	line, _ := t.gone.Get(name)
	return line.At(known)
}

// Versions gives all versions of a name, from the oldest; the last may hold still. They must not be changed.
func (t *Table[R]) Versions(name string) []Version[R] {
	line, _ := t.gone.Get(name)
	all := line.versions
	if now, ok := t.here.Get(name); ok {
		all = append(all[:len(all):len(all)], Version[R]{now.since, Now, now.record})
	}
	return all
}

// Ascend gives what was known, in the order of names, from a name on, until yield says false.
func (t *Table[R]) Ascend(from string, known uint64, yield func(name string, v Version[R]) bool) {
	if known == Now {
		t.here.Ascend(from, func(name string, now standing[R]) bool {
			return yield(name, Version[R]{now.since, Now, now.record})
		})
		return
	}
	Union(t.here, t.gone, from, func(name string) bool {
		v, ok := t.Version(name, known)
		return !ok || yield(name, v)
	})
}

// Names gives all names that were ever known and are not forgotten, in order, from a name on, until yield says false.
func (t *Table[R]) Names(from string, yield func(name string) bool) {
	Union(t.here, t.gone, from, yield)
}

// Union gives the names of two maps, each once and in order, from a name on, until yield says false.
func Union[A, B any](a *btree.Map[string, A], b *btree.Map[string, B], from string, yield func(name string) bool) {
	left, right := a.Iter(), b.Iter()
	inLeft, inRight := left.Seek(from), right.Seek(from)
	for inLeft || inRight {
		takeLeft := inLeft && (!inRight || left.Key() <= right.Key())
		takeRight := inRight && (!inLeft || right.Key() <= left.Key())
		name := ""
		if takeRight {
			name = right.Key()
			inRight = right.Next()
		}
		if takeLeft {
			name = left.Key()
			inLeft = left.Next()
		}
		if !yield(name) {
			return
		}
	}
}
