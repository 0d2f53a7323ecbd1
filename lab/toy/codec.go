package toy

import (
	"fmt"
	"iter"

	"github.com/tidwall/btree"

	"onevoice/codec"
)

// formatVersion begins every command, event, result and chunk.
const formatVersion = 1

// Kind says what a Command does.
type Kind uint8

// The kinds of command.
const (
	// Get reads a register through the log, or as a query.
	Get Kind = 1
	// Set gives it Value.
	Set Kind = 2
	// CompareAndSet gives it Value where it holds Old.
	CompareAndSet Kind = 3
	// Add adds Value to it; a register that is not there counts as 0.
	Add Kind = 4
	// SetFor gives it Value for TTLNs of log time.
	SetFor Kind = 5
)

// Command is one operation on one register. ID is the caller's, and comes back in the event of a change.
type Command struct {
	Kind  Kind
	ID    uint64
	Key   string // 1 to MaxKeyBytes bytes
	Value int64
	Old   int64
	TTLNs int64 // 1 to MaxTTLNs for SetFor, else 0
}

// Encode writes the command.
func (c *Command) Encode() []byte {
	w := codec.Writer{B: make([]byte, 0, 48+len(c.Key))}
	w.U8(formatVersion)
	w.U8(uint8(c.Kind))
	w.U64(c.ID)
	w.String(c.Key)
	w.I64(c.Value)
	w.I64(c.Old)
	w.I64(c.TTLNs)
	return w.B
}

// DecodeCommand reads a command and checks its ranges.
func DecodeCommand(b []byte) (Command, error) {
	r := codec.NewReader(b)
	version := r.U8()
	c := Command{Kind: Kind(r.U8()), ID: r.U64(), Key: r.String(MaxKeyBytes), Value: r.I64(), Old: r.I64(), TTLNs: r.I64()}
	badTTL := c.TTLNs != 0
	if c.Kind == SetFor {
		badTTL = c.TTLNs < 1 || c.TTLNs > MaxTTLNs
	}
	if version != formatVersion || c.Kind < Get || c.Kind > SetFor || c.Key == "" || badTTL {
		r.Fail()
	}
	if err := r.Finish(); err != nil {
		return Command{}, fmt.Errorf("toy command: %w", err)
	}
	return c, nil
}

// Code says how a command ended.
type Code uint8

// The codes.
const (
	// Done: it took effect.
	Done Code = 1
	// Unequal: compare-and-set found another value, or none.
	Unequal Code = 2
	// Full: there are MaxRegisters.
	Full Code = 3
	// Malformed: it does not parse.
	Malformed Code = 4
)

// Result is what a command or question gives: the register's value, after the change if there was one.
type Result struct {
	Code  Code
	Found bool
	Value int64
}

func (r Result) encode() []byte {
	w := codec.Writer{B: make([]byte, 0, 11)}
	w.U8(formatVersion)
	w.U8(uint8(r.Code))
	w.Bool(r.Found)
	w.I64(r.Value)
	return w.B
}

// DecodeResult reads a Result.
func DecodeResult(b []byte) (Result, error) {
	r := codec.NewReader(b)
	version := r.U8()
	result := Result{Code: Code(r.U8()), Found: r.Bool(), Value: r.I64()}
	if version != formatVersion || result.Code < Done || result.Code > Malformed {
		r.Fail()
	}
	if err := r.Finish(); err != nil {
		return Result{}, fmt.Errorf("toy result: %w", err)
	}
	return result, nil
}

// EventKind says what an Event tells.
type EventKind uint8

// The kinds of event.
const (
	// Changed: the command named ID gave Key the Value.
	Changed EventKind = 1
	// Expired: Key vanished by log time.
	Expired EventKind = 2
)

// Event is one change.
type Event struct {
	Kind  EventKind
	ID    uint64
	Key   string
	Value int64
}

func (e Event) encode() []byte {
	w := codec.Writer{B: make([]byte, 0, 24+len(e.Key))}
	w.U8(formatVersion)
	w.U8(uint8(e.Kind))
	w.U64(e.ID)
	w.String(e.Key)
	w.I64(e.Value)
	return w.B
}

// DecodeEvent reads an Event.
func DecodeEvent(b []byte) (Event, error) {
	r := codec.NewReader(b)
	version := r.U8()
	e := Event{Kind: EventKind(r.U8()), ID: r.U64(), Key: r.String(MaxKeyBytes), Value: r.I64()}
	if version != formatVersion || e.Kind < Changed || e.Kind > Expired {
		r.Fail()
	}
	if err := r.Finish(); err != nil {
		return Event{}, fmt.Errorf("toy event: %w", err)
	}
	return e, nil
}

// recordBytes is the least that a register takes in a chunk.
const recordBytes = 1 + 1 + 8 + 8

func chunksOf(registers *btree.Map[string, register]) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		w, going := startChunk(), true
		registers.Scan(func(key string, v register) bool {
			w.String(key)
			w.I64(v.value)
			w.I64(v.dueNs)
			if len(w.B) >= chunkBytes {
				going = yield(w.B)
				w = startChunk()
			}
			return going
		})
		if going && len(w.B) > 1 {
			yield(w.B)
		}
	}
}

func startChunk() codec.Writer { return codec.Writer{B: []byte{formatVersion}} }

// Load adds one chunk of a snapshot. Registers must come in order, across chunks too.
func (m *Machine) Load(chunk []byte) error {
	r := codec.NewReader(chunk)
	if r.U8() != formatVersion {
		r.Fail()
	}
	for r.Len() >= recordBytes {
		key := r.String(MaxKeyBytes)
		v := register{value: r.I64(), dueNs: r.I64()}
		if r.Err() != nil || key <= m.lastKey {
			r.Fail()
			break
		}
		m.lastKey = key
		m.put(key, v)
	}
	if err := r.Finish(); err != nil {
		return fmt.Errorf("toy snapshot chunk: %w", err)
	}
	return nil
}

// Loaded ends the chunks.
func (m *Machine) Loaded() error {
	m.lastKey = ""
	if n := m.registers.Len(); n > MaxRegisters {
		return fmt.Errorf("toy snapshot: %d registers, at most %d", n, MaxRegisters)
	}
	return nil
}
