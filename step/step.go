// Package step is the seam between what decides and what does: a machine takes inputs and says what it wants done.
// It is quiet: types only. Two drivers exist, host (real sockets, disk and clock) and lab/sim (a simulated world).
//
// Duties of a driver, in order:
//  1. Call Step from one goroutine at a time, with one or more inputs (or none: see 6) in the order they came, and a Reset Out.
//  2. Start Out.Writes in order. When a Write is durable (Sync) or at least ordered before every later write (not Sync),
//     give the machine Done with its Token. Completions come in the order of the writes. A failed write halts the machine.
//  3. Send Out.Sends, and each of Out.Casts to every client that is connected; they may be lost, delayed, doubled or reordered
//     between two addresses. Nothing in Sends depends on a write of the same Out: a machine holds back what must wait and sends
//     it after Done.
//  4. Run Out.Evals on any goroutine; send what they return to their address.
//  5. Give a Tick every TickNs, at most one at a time however late: missed ticks are not made up.
//  6. After Out.Again call Step once more without waiting, with what has come meanwhile or with nothing; a driver whose time
//     is its own may leave it to the next input or Tick.
//  7. On Halt stop calling the machine and say why.
package step

import "iter"

// TickNs is the time between two ticks, in nanoseconds of the driver's clock.
const TickNs = 10_000_000

// Now is the time given with a step.
type Now struct {
	// MonoNs is this machine's own monotonic clock, nanoseconds from an arbitrary start; it never goes back.
	MonoNs int64
	// WallNs is the wall clock in nanoseconds UTC since 1970; it may jump. Only a leader's stamp uses it.
	WallNs int64
}

// Address names a party that frames come from and go to: servers by their voter number (1 to MaxServer), connections of
// clients by numbers the driver gives above it.
type Address uint64

// MaxServer is the highest address of a server.
const MaxServer Address = 1 << 16

// Token names one pending write, read or save of one machine.
type Token uint64

// Kind says what an Input is.
type Kind uint8

// The kinds of input.
const (
	// Tick says that TickNs have passed.
	Tick Kind = iota + 1
	// Frame brings Bytes from From.
	Frame
	// Gone says that the connection of client address From is closed; for a server: that it was found broken.
	Gone
	// Done ends the Write, Read or Save named Token. Bytes is what a Read found (nil: no such key).
	Done
	// Refused says that the machine of server From answers that nobody listens at that server's address.
	Refused
)

// Input is one thing that happened.
type Input struct {
	Kind  Kind
	From  Address
	Token Token
	Bytes []byte
	Err   error
}

// OpKind says what an Op does.
type OpKind uint8

// The kinds of storage operation.
const (
	// Set gives Key the Value.
	Set OpKind = iota + 1
	// Delete removes Key.
	Delete
	// DeleteRange removes the keys from Key up to, not including, Value.
	DeleteRange
)

// Op is one change to the ordered key-value store that a machine owns.
type Op struct {
	Kind  OpKind
	Key   []byte
	Value []byte
}

// Write is a batch of changes, all or none of which survive a crash.
type Write struct {
	Token Token
	Ops   []Op
	// Sync asks for durability before Done.
	Sync bool
}

// Read asks for the value of one key, as of all writes started before.
type Read struct {
	Token Token
	Key   []byte
}

// Save writes the chunks of an immutable state under Prefix followed by the chunk's number (uint64, big-endian, from 0),
// durable before Done. The driver may produce them on another goroutine, while the machine goes on; a save has no place in the
// order of the writes. A chunk is the driver's until it takes the next one, which may lie in the same memory.
type Save struct {
	Token  Token
	Prefix []byte
	Chunks iter.Seq[[]byte]
}

// Send is one frame to one address.
type Send struct {
	To    Address
	Bytes []byte
}

// Eval is a pure function over immutable state whose result is a frame for To.
type Eval struct {
	To  Address
	Run func() []byte
}

// Fact is something that happened inside a machine, for logs, metrics and coverage tables; nothing decides by it.
type Fact struct {
	// Name is a short fixed word such as "leader" or "snapshot-saved".
	Name string
	// Group is the group it concerns, 0 for none.
	Group uint32
	// Value is a number that goes with it, such as an index or a peer.
	Value uint64
	// Text is for people; may be empty.
	Text string
}

// Out is what a machine wants done. It is reused between calls: the driver takes what it needs before the next Step, and
// the byte slices in it belong to the driver from then on.
type Out struct {
	Writes []Write
	Reads  []Read
	Saves  []Save
	Sends  []Send
	// Casts are frames for every client's connection; nobody changes them any more.
	Casts [][]byte
	Evals []Eval
	Facts []Fact
	// Again says that there is more to do, which was left so that this step did not take too long: see the duties of a driver.
	Again bool
	// Halt, when not nil, stops this machine: a broken invariant, with its evidence.
	Halt error
}

// Reset empties o and keeps its memory.
func (o *Out) Reset() {
	clear(o.Writes)
	clear(o.Reads)
	clear(o.Saves)
	clear(o.Sends)
	clear(o.Casts)
	clear(o.Evals)
	clear(o.Facts)
	o.Writes, o.Reads, o.Saves = o.Writes[:0], o.Reads[:0], o.Saves[:0]
	o.Sends, o.Casts, o.Evals, o.Facts, o.Again, o.Halt = o.Sends[:0], o.Casts[:0], o.Evals[:0], o.Facts[:0], false, nil
}

// Machine is what both drivers drive. Step takes the inputs in order and adds to out what follows from all of them
// together, so that one burst becomes one write and one message to each peer.
type Machine interface {
	Step(now Now, in []Input, out *Out)
}
