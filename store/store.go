// Package store is the durable key-value store of one server: its log, snapshots and identity, on Pebble.
// It is loud: files, goroutines, locks.
//
// One goroutine commits everything that is queued, of all groups, as one atomic batch with one sync (group commit), and
// then reports in order. The first failure of the disk is final: it is reported to every caller from then on, because
// after a failed sync nobody knows what the disk holds; the process must end, and a new one reads what is there.
//
// Keys that begin with LocalPrefix belong to this server itself; the machines' keys begin with a group number, which
// cannot be as high.
package store

import (
	"bytes"
	"errors"
	"fmt"
	"iter"
	"slices"
	"sync"
	"sync/atomic"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"onevoice/step"
)

// LocalPrefix begins the keys that describe this server alone.
const LocalPrefix = "L/"

// ErrClosed is reported for what is asked of a closed store.
var ErrClosed = errors.New("store: closed")

// Store is an open store. All methods are safe for concurrent use; nothing may be asked after Close.
type Store struct {
	dir   string
	db    *pebble.DB
	id    Identity
	queue *queue
	count counters
	proof proof // of the newest batch; Open's, then the writer goroutine's
	torn  bool  // as Torn says; fixed by Open

	failOnce sync.Once
	failure  atomic.Pointer[error]
	failed   chan struct{}

	readSlots chan struct{}
	saveSlots chan struct{}
	side      sync.WaitGroup // reads and saves under way
	lastSave  chan struct{}  // closed when the newest save has ended; writer goroutine only
	closing   chan struct{}  // closed when saves shall rest no more
	writerEnd chan struct{}
	closeOnce sync.Once
	closeErr  error
}

// Limits of what may be under way. A caller beyond one waits.
const (
	maxQueued      = 1024     // writes: far above what groups keep in flight
	maxQueuedBytes = 64 << 20 // of keys and values in the queue
	maxReads       = 64       // reads: windows of a few chunks for a few lagging peers
	maxSaves       = 16       // saves: a snapshot and a staging area of a few groups
)

// Open opens the store in dir for serving, and counts the start durably: Identity().Boot is one higher than ever before.
// It refuses an empty, foreign, incomplete or condemned directory, saying what to do.
func Open(dir string) (*Store, error) { return OpenFS(vfs.Default, dir) }

// FS is a file system under a store.
type FS = vfs.FS

// RealFS is the machine's own file system.
func RealFS() FS { return vfs.Default }

// OpenFS is Open on another file system, for tests.
func OpenFS(fs vfs.FS, dir string) (*Store, error) {
	s, claim, err := examine(fs, dir)
	if err != nil {
		return nil, err
	}
	db, err := pebble.Open(dir, options(fs, s))
	if err != nil {
		return nil, fmt.Errorf("store: open %s: %w: either another process serves from it, or the disk is damaged; then %s", dir, err, cure)
	}
	s.db = db
	if s.id, err = s.start(claim); err != nil {
		return nil, errors.Join(err, db.Close())
	}
	go s.runWriter()
	return s, nil
}

// examine looks at a directory before Pebble opens it, and perhaps mends it: whether it holds a store, what its log files claim, and
// whether the newest ends in a torn write.
func examine(fs vfs.FS, dir string) (*Store, proof, error) {
	if err := checkDir(fs, dir); err != nil {
		return nil, proof{}, err
	}
	claim, err := claimed(fs, dir)
	if err != nil {
		return nil, proof{}, err
	}
	s := newStore(dir)
	s.torn, err = inspect(fs, dir)
	return s, claim, err
}

func newStore(dir string) *Store {
	ended := make(chan struct{})
	close(ended)
	return &Store{
		dir: dir, queue: newQueue(maxQueued, maxQueuedBytes), failed: make(chan struct{}),
		readSlots: make(chan struct{}, maxReads), saveSlots: make(chan struct{}, maxSaves),
		lastSave: ended, closing: make(chan struct{}), writerEnd: make(chan struct{}),
	}
}

// start reads who this store is, checks that it is whole, and counts the start.
func (s *Store) start(claim proof) (Identity, error) {
	id, err := s.readIdentity()
	if err != nil {
		return Identity{}, err
	}
	if err := s.checkProof(claim); err != nil {
		return Identity{}, err
	}
	if err := id.nextStart(); err != nil {
		return Identity{}, err
	}
	s.commit([]request{{ops: []step.Op{{Kind: step.Set, Key: bootKey, Value: encodeBoot(id.Boot, id.Starts)}}}}, true)
	return id, s.Err()
}

// Identity is who this store is; Boot is the number of this start.
func (s *Store) Identity() Identity {
	id := s.id
	id.Starts = slices.Clone(id.Starts)
	return id
}

// Torn says that the last batch begun before this start was not whole, and was dropped: what a cut of the power leaves.
func (s *Store) Torn() bool { return s.torn }

// Dir is where the store lies.
func (s *Store) Dir() string { return s.dir }

// Failed is closed at the first failure of the disk, which Err tells.
func (s *Store) Failed() <-chan struct{} { return s.failed }

// Err is the first failure of the disk, or nil. It is final.
func (s *Store) Err() error {
	if p := s.failure.Load(); p != nil {
		return *p
	}
	return nil
}

// fail notes a failure; the first one stays. Nothing more is queued, so that no caller waits for a disk that hangs.
func (s *Store) fail(op string, err error) {
	s.failOnce.Do(func() {
		var told *fatal
		if !errors.As(err, &told) {
			err = withCure(err)
		}
		e := fmt.Errorf("store: %s: %s: %w", s.dir, op, err)
		s.failure.Store(&e)
		close(s.failed)
		s.queue.close()
	})
}

// refusal is why nothing more is taken.
func (s *Store) refusal() error {
	if err := s.Err(); err != nil {
		return err
	}
	return ErrClosed
}

// Scan yields the keys that begin with prefix and their values, in order, as of the writes committed when it is ranged
// over; both slices belong to the caller. Where the disk fails it ends early and Err says so: ask Err afterwards.
func (s *Store) Scan(prefix []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func(key, value []byte) bool) {
		o := &pebble.IterOptions{UpperBound: prefixEnd(prefix)}
		if len(prefix) > 0 {
			o.LowerBound = prefix
		}
		it, err := s.db.NewIter(o)
		if err != nil {
			s.fail("scan", err)
			return
		}
		for ok := it.First(); ok; ok = it.Next() {
			value, err := it.ValueAndErr()
			if err != nil {
				s.fail("scan", err)
				break
			}
			if !yield(bytes.Clone(it.Key()), bytes.Clone(value)) {
				break
			}
		}
		if err := it.Close(); err != nil {
			s.fail("scan", err)
		}
	}
}

// prefixEnd is the first key after all that begin with prefix; nil where there is none.
func prefixEnd(prefix []byte) []byte {
	end := bytes.Clone(prefix)
	for len(end) > 0 {
		if end[len(end)-1]++; end[len(end)-1] != 0 {
			return end
		}
		end = end[:len(end)-1]
	}
	return nil
}

// Close finishes what is queued, reports it, and closes the files; the error is the first failure of the disk. After
// such a failure it returns at once: callers still get the failure, and the files stay open until the process ends,
// because nothing more may be written to them.
func (s *Store) Close() error {
	s.closeOnce.Do(func() {
		close(s.closing)
		s.queue.close()
		ended := make(chan struct{})
		go func() {
			<-s.writerEnd
			s.side.Wait()
			close(ended)
		}()
		select {
		case <-s.failed:
		case <-ended:
		}
		s.closeErr = s.Err()
		if s.closeErr == nil {
			s.seal()
			s.closeErr = s.Err()
		}
		if s.closeErr == nil {
			s.closeErr = s.db.Close()
		}
	})
	return s.closeErr
}

// Write starts a batch of changes. done is called once, after the done of every earlier Write: with nil when the batch
// is durable (w.Sync) or ordered before every later write (not w.Sync), else with the failure; after a failure the order
// is any. The store owns w's slices until then. It waits while too much is queued. done runs on a goroutine of the store,
// or on the caller's after a failure, and must not wait for the store.
func (s *Store) Write(w step.Write, done func(error)) {
	r := request{kind: writeRequest, ops: w.Ops, sync: w.Sync, done: done}
	for i := range w.Ops {
		r.bytes += len(w.Ops[i].Key) + len(w.Ops[i].Value)
	}
	if !s.queue.push(r) {
		done(s.refusal())
	}
}

// Read starts a look-up as of the writes started before it; done gets the value, nil where there is no such key, or the
// failure. It waits while too many are under way.
func (s *Store) Read(r step.Read, done func([]byte, error)) {
	select {
	case s.readSlots <- struct{}{}:
	case <-s.failed:
		done(nil, s.Err())
		return
	}
	if !s.queue.push(request{kind: readRequest, key: r.Key, found: done}) {
		<-s.readSlots
		done(nil, s.refusal())
	}
}

// Save starts to write chunks, after the writes and saves started before it and beside later writes. What lay under the
// prefix is gone; a crash before done may leave some of the chunks. It waits while too many are under way.
func (s *Store) Save(save step.Save, done func(error)) {
	select {
	case s.saveSlots <- struct{}{}:
	case <-s.failed:
		done(s.Err())
		return
	}
	if !s.queue.push(request{kind: saveRequest, save: save, done: done}) {
		<-s.saveSlots
		done(s.refusal())
	}
}
