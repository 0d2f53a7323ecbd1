package real

import (
	"bufio"
	"encoding/json"
	"fmt"
	"os"
	"sync"
	"time"

	"onevoice/lab/judge"
)

// Op is one operation with what the judge needs beside it.
type Op struct {
	judge.Op
	// Via names the server that answered over HTTP; empty for the Go client.
	Via string `json:",omitempty"`
	// Current is the version that a refused change was told of. Its value is known from the events at the end.
	Current string `json:",omitempty"`
	// Error is why there was no answer.
	Error string `json:",omitempty"`
	// Apart says that a fault was aimed at the client.
	Apart bool `json:",omitempty"`
}

// Reply is an answer to a command with an idempotency key: equal whenever it is asked for.
type Reply struct {
	Key, ID uint64
	Index   uint64
	Sub     uint32
	Result  []byte
}

// Seen is one event that a watcher got, or, where From, the place after which it begins anew, or, where Cut, that its server
// was killed for good, so that the last index may have been told in part.
type Seen struct {
	Watcher string
	Server  string
	From    bool `json:",omitempty"`
	Cut     bool `json:",omitempty"`
	Index   uint64
	Sub     uint32
	Data    []byte `json:",omitempty"`
}

// Hash is a chain hash that a server named for an index.
type Hash struct {
	Server string
	Index  uint64
	Hash   [32]byte
}

// State is the hash of all flights and sectors that a server holds as of an index.
type State struct {
	Server string
	Index  uint64
	Sum    [32]byte
}

// Wrong is what showed at once to be wrong.
type Wrong struct {
	Invariant, Evidence string
	AtNs                int64
}

// Note is something that the run did, as a fault.
type Note struct {
	AtNs int64
	Text string
}

// Record is all that is known of a run, in the times of one clock that begins at 0. Its methods may be called from any
// goroutine; its fields only when nothing is running any more.
type Record struct {
	Ops       []Op
	Replies   []Reply
	Seen      []Seen
	Hashes    []Hash
	States    []State
	Elections []Election
	Wrong     []Wrong
	Notes     []Note

	mu    sync.Mutex
	start time.Time
	acked int
	reads int
	woken chan struct{}
}

// mostOps and mostSeen bound a record; a run that reaches one goes on without more load, and says so.
const (
	mostOps  = 2_000_000
	mostSeen = 8_000_000
)

func newRecord() *Record { return &Record{start: time.Now(), woken: make(chan struct{})} }

// NowNs is the time of the record.
func (r *Record) NowNs() int64 { return int64(time.Since(r.start)) }

// Note writes down what happens.
func (r *Record) Note(format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Notes = append(r.Notes, Note{r.NowNs(), fmt.Sprintf(format, args...)})
}

func (r *Record) wrong(invariant, format string, args ...any) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Wrong = append(r.Wrong, Wrong{invariant, fmt.Sprintf(format, args...), r.NowNs()})
}

// add takes operations that ended together.
func (r *Record) add(ops ...Op) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Ops = append(r.Ops, ops...)
	if o := ops[0]; o.Outcome == judge.OK {
		if o.Query {
			r.reads++
		} else {
			r.acked++
		}
		close(r.woken)
		r.woken = make(chan struct{})
	}
}

func (r *Record) full() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return len(r.Ops) >= mostOps || len(r.Seen) >= mostSeen
}

// answered counts answered commands so far, and gives what is closed when there is another answer.
func (r *Record) answered() (int, <-chan struct{}) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.acked, r.woken
}

func (r *Record) reply(p Reply) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Replies = append(r.Replies, p)
}

func (r *Record) hash(server string, index uint64, hash [32]byte) {
	if hash == [32]byte{} || index == 0 {
		return
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Hashes = append(r.Hashes, Hash{server, index, hash})
}

func (r *Record) seen(s Seen) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.Seen = append(r.Seen, s)
}

func (r *Record) state(s State) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.States = append(r.States, s)
}

// Save writes the record as lines of JSON, each with the name of its kind, for whoever looks for the reason.
func (r *Record) Save(path string) error {
	f, err := os.Create(path)
	if err != nil {
		return fmt.Errorf("lab real: %w", err)
	}
	defer f.Close()
	w := bufio.NewWriter(f)
	e := json.NewEncoder(w)
	err = firstError(
		saveAll(e, "note", r.Notes), saveAll(e, "election", r.Elections), saveAll(e, "wrong", r.Wrong), saveAll(e, "op", r.Ops),
		saveAll(e, "reply", r.Replies), saveAll(e, "seen", r.Seen), saveAll(e, "hash", r.Hashes), saveAll(e, "state", r.States),
		w.Flush(),
	)
	if err != nil {
		return fmt.Errorf("lab real: %s: %w", path, err)
	}
	return nil
}

func saveAll[T any](e *json.Encoder, kind string, all []T) error {
	for i := range all {
		if err := e.Encode(map[string]*T{kind: &all[i]}); err != nil {
			return err
		}
	}
	return nil
}

func firstError(errs ...error) error {
	for _, err := range errs {
		if err != nil {
			return err
		}
	}
	return nil
}
