// Package judge looks at what happened in a run and says which law it broke.
// It is a laboratory: plain checks over records, independent of the code they judge.
//
// A Court hears evidence while a run goes on and judges what can be judged at once; Close judges the rest. The invariants:
//
//	S1  answers are linearizable, and their indices agree with real time
//	S2  at most one server leads in an epoch, and epochs never go back
//	S3  once a group obeys a view in which a start of a server is over, nothing that it proposes takes effect there
//	S4  views are numbered without gaps, each has one hash everywhere, and nobody comes back from down
//	S5  exactly once: one effect per command, equal replies to retries, sums that add up
//	S6  an acknowledged command is in the log at the end
//	S7  equal group and index, equal chain hash and equal state
//	S8  a watch is ordered, complete, unique and resumable at any server
//	S9  one position at most has a flight, nobody loses one without an act, and who lost its lease does not act
package judge

import (
	"fmt"

	"onevoice/view"
)

// Violation is a broken law with its first evidence.
type Violation struct {
	Invariant string `json:"invariant"`
	AtNs      int64  `json:"at_ns"` // world time at which it showed; 0 when found at the end
	Evidence  string `json:"evidence"`
}

// String prints invariant, time and evidence.
func (v Violation) String() string {
	return fmt.Sprintf("%s at %.3f ms: %s", v.Invariant, float64(v.AtNs)/1e6, v.Evidence)
}

// mostViolations bounds what a court keeps; the first ones are the ones that explain.
const mostViolations = 20

// Court hears one run.
type Court struct {
	// Now gives world time for violations; nil for none.
	Now func() int64
	// EventID finds the command that an event of an entry names; ok is false where it names none.
	EventID func(group uint32, index uint64, event []byte) (id uint64, ok bool)

	violations []Violation
	more       int
	logs       map[uint32]*groupLog
	replies    map[retry]answer
	watchers   map[string]*watcher
	snapshots  map[string]state
	views      map[view.Number]*view.View
	// Undecided counts keys whose history porcupine could not judge in its time: neither passed nor failed.
	Undecided int
}

// NewCourt is a court that has heard nothing.
func NewCourt() *Court {
	return &Court{logs: map[uint32]*groupLog{}, replies: map[retry]answer{}, watchers: map[string]*watcher{}, snapshots: map[string]state{}, views: map[view.Number]*view.View{}}
}

// Violations lists what was broken, first first.
func (c *Court) Violations() []Violation { return c.violations }

// Fail records a violation that the caller has found itself.
func (c *Court) Fail(invariant, format string, args ...any) {
	if len(c.violations) >= mostViolations {
		c.more++
		return
	}
	v := Violation{Invariant: invariant, Evidence: fmt.Sprintf(format, args...)}
	if c.Now != nil {
		v.AtNs = c.Now()
	}
	c.violations = append(c.violations, v)
}

// Applied is one applied entry, as a server tells it.
type Applied struct {
	Index     uint64
	Epoch     view.Epoch
	Hash      [32]byte
	LogTimeNs int64
	Events    [][]byte
	// By is the start that proposed it, zero where it had no effect; View the newest that the group obeys from it on.
	By   view.Start
	View view.Number
	// Installed says that a snapshot brought the server here: its events are not known.
	Installed bool
}

// groupLog is what is known of one group.
type groupLog struct {
	entries map[uint64]Applied
	leaders map[uint64]string // by term
	servers map[string]*place
	states  map[uint64]state
	hashes  map[uint64]state // named by servers, without the entry
	last    uint64
	effects map[uint64][]position // by command
}

// place is where one server stands.
type place struct {
	boot      int
	index     uint64
	epoch     view.Epoch
	view      view.Number
	logTimeNs int64
}

type state struct {
	sum    [32]byte
	server string
}

type position struct {
	index uint64
	sub   uint32
}

func (p position) before(o position) bool {
	return p.index < o.index || p.index == o.index && p.sub < o.sub
}

func (p position) String() string { return fmt.Sprintf("%d.%d", p.index, p.sub) }

func (c *Court) log(group uint32) *groupLog {
	g := c.logs[group]
	if g == nil {
		g = &groupLog{
			entries: map[uint64]Applied{}, servers: map[string]*place{},
			leaders: map[uint64]string{}, states: map[uint64]state{}, effects: map[uint64][]position{},
		}
		c.logs[group] = g
	}
	return g
}

// Last is the highest index that any server has applied.
func (c *Court) Last(group uint32) uint64 { return c.log(group).last }
