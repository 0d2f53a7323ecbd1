package lease

import (
	"fmt"

	"onevoice/codec"
	"onevoice/fence"
	"onevoice/problem"
)

// formatVersion begins every command, result, event, question, answer and chunk.
const formatVersion = 1

// The kinds of this package, of whatever it is: the byte after the version tells it from what else the oracle's group holds.
const firstKind, lastKind = 96, 127

// Ours says whether a command, question, event or chunk is of this package.
func Ours(b []byte) bool { return len(b) >= 2 && b[1] >= firstKind && b[1] <= lastKind }

// kind says what a command does. The numbers are part of the format.
type kind uint8

const (
	kindGrant   kind = 96
	kindKeep    kind = 97
	kindRelease kind = 98
	kindRevoke  kind = 99
)

// Command is one of Grant, Keep, Release and Revoke.
type Command interface {
	kind() kind
	append(w *codec.Writer)
}

// Grant asks for a name. Who holds it already gets the same token again, and the lease lasts anew.
type Grant struct {
	Name           string
	Holder         fence.Holder
	TTLMs, DelayMs int64
	Owner          string
}

// Keep lets a lease last its whole time again. Who does not hold the name any more is refused as problem.Expired.
type Keep struct {
	Name   string
	Holder fence.Holder
}

// Release frees a name at once, without lock-delay: the holder says by it that nothing of it is under way.
type Release struct {
	Name   string
	Holder fence.Holder
}

// Revoke ends a lease for its holder: it is not kept any more. The name is free when the lease would have lapsed, and its lock-delay is
// over, so that a holder that does not hear of it has stopped by then.
type Revoke struct {
	Name string
	Seq  uint64 // of the token, so that no later holder is meant
}

func (Grant) kind() kind   { return kindGrant }
func (Keep) kind() kind    { return kindKeep }
func (Release) kind() kind { return kindRelease }
func (Revoke) kind() kind  { return kindRevoke }

func (c Grant) append(w *codec.Writer) {
	w.String(c.Name)
	w.Raw(c.Holder[:])
	w.I64(c.TTLMs)
	w.I64(c.DelayMs)
	w.String(c.Owner)
}

func (c Keep) append(w *codec.Writer) {
	w.String(c.Name)
	w.Raw(c.Holder[:])
}

func (c Release) append(w *codec.Writer) {
	w.String(c.Name)
	w.Raw(c.Holder[:])
}

func (c Revoke) append(w *codec.Writer) {
	w.String(c.Name)
	w.U64(c.Seq)
}

// Encode writes a command.
func Encode(c Command) []byte {
	w := codec.Writer{B: []byte{formatVersion, byte(c.kind())}}
	c.append(&w)
	return w.B
}

// maxTextBytes bounds texts as they are read, above what is allowed: a text that is too long is refused in words.
const maxTextBytes = 1024

// Decode reads a command. Any bytes give a command or an error.
func Decode(b []byte) (Command, error) {
	r := codec.NewReader(b)
	if v := r.U8(); r.Err() == nil && v != formatVersion {
		return nil, fmt.Errorf("lease command of version %d, this build knows %d", v, formatVersion)
	}
	var c Command
	switch kind(r.U8()) {
	case kindGrant:
		c = Grant{Name: r.String(maxTextBytes), Holder: readHolder(r), TTLMs: r.I64(), DelayMs: r.I64(), Owner: r.String(maxTextBytes)}
	case kindKeep:
		c = Keep{Name: r.String(maxTextBytes), Holder: readHolder(r)}
	case kindRelease:
		c = Release{Name: r.String(maxTextBytes), Holder: readHolder(r)}
	case kindRevoke:
		c = Revoke{Name: r.String(maxTextBytes), Seq: r.U64()}
	default:
		r.Fail()
	}
	return c, r.Finish()
}

func readHolder(r *codec.Reader) (h fence.Holder) {
	copy(h[:], r.Raw(len(h)))
	return h
}

// Result is what came of a command.
type Result struct {
	// Problem is why it was refused; nil where it was done.
	Problem *problem.Error
	// Lease is the lease as the command leaves it, or, where a Release has ended it, as it was. Where another holder stands in the
	// way of a Grant, it is that one's; where there is none, its Name is empty.
	Lease Lease
	// NowNs is the log time at which the command ran: EndsNs counts from there.
	NowNs int64
}

// Encode writes a result.
func (r *Result) Encode() []byte {
	w := codec.Writer{B: []byte{formatVersion}}
	w.I64(r.NowNs)
	w.Bool(r.Lease.Name != "")
	if r.Lease.Name != "" {
		r.Lease.append(&w)
	}
	problem.AppendMaybe(&w, r.Problem)
	return w.B
}

// DecodeResult reads a Result.
func DecodeResult(b []byte) (Result, error) {
	r := codec.NewReader(b)
	if v := r.U8(); r.Err() == nil && v != formatVersion {
		return Result{}, fmt.Errorf("lease result of version %d, this build knows %d", v, formatVersion)
	}
	out := Result{NowNs: r.I64()}
	if r.Bool() {
		out.Lease = readLease(r)
	}
	out.Problem = problem.ReadMaybe(r)
	return out, r.Finish()
}

// EventKind says what has happened to a name.
type EventKind uint8

// The kinds of event. The numbers are part of the format. That a lease was kept is no event.
const (
	// Granted: the lease's holder has the name.
	Granted EventKind = 96
	// Released: the holder has given it back; it is free.
	Released EventKind = 97
	// WasRevoked: the lease ends for its holder, and is not kept any more.
	WasRevoked EventKind = 98
	// HasLapsed: the lease was not kept in time; the lock-delay begins.
	HasLapsed EventKind = 99
	// Freed: the lock-delay is over, and the name is free.
	Freed EventKind = 100
)

// Event tells what has happened to a name, with its lease.
type Event struct {
	Kind  EventKind
	Lease Lease
}

func (e *Event) encode() []byte {
	w := codec.Writer{B: []byte{formatVersion, byte(e.Kind)}}
	e.Lease.append(&w)
	return w.B
}

// DecodeEvent reads an Event.
func DecodeEvent(b []byte) (Event, error) {
	r := codec.NewReader(b)
	version := r.U8()
	e := Event{Kind: EventKind(r.U8()), Lease: readLease(r)}
	if version != formatVersion || e.Kind < Granted || e.Kind > Freed {
		r.Fail()
	}
	return e, r.Finish()
}
