package members

import (
	"crypto/sha256"
	"fmt"

	"onevoice/codec"
	"onevoice/problem"
)

// formatVersion begins every command, result, event, question and chunk.
const formatVersion = 1

// kind says what a command does. The numbers are part of the format.
type kind uint8

const (
	kindInvite     kind = 1
	kindJoin       kind = 2
	kindPromote    kind = 3
	kindRemove     kind = 4
	kindReplace    kind = 5
	kindSetAddress kind = 6
	kindReached    kind = 7
	kindClaim      kind = 8
	kindWithdraw   kind = 9
)

// Command is one of Invite, Join, Promote, Remove, Replace, SetAddress, Reached, Claim and Withdraw.
type Command interface {
	kind() kind
	append(w *codec.Writer)
}

// Invite makes an invitation. Its result is the invitation's number.
type Invite struct {
	Hash         [32]byte // see Proof
	Name         string   // that the server must have; empty for any
	Organisation string
	Replaces     uint64 // the voter whose place it takes; 0 for none
	TTLNs        int64
}

// Join makes a server a learner, or, where its invitation replaces a voter, begins to put it in that one's place. Its result is the
// server's number. Repeated by the same disk it gives the same number.
type Join struct {
	Invitation uint64
	Proof      [32]byte // see Proof
	Store      [16]byte
	Name       string
	HTTP, Peer string
}

// Promote makes a learner a voter. A removal under way is taken back by promoting who was to go.
type Promote struct{ Server uint64 }

// Remove takes a server out of every group. An addition or promotion under way is taken back by it, and with it who was to be
// replaced stays.
type Remove struct{ Server uint64 }

// Replace makes a learner a voter in the place of another, in one wish: the old one goes when the new one votes.
type Replace struct{ Old, New uint64 }

// SetAddress changes where a server is found.
type SetAddress struct {
	Server     uint64
	HTTP, Peer string
}

// Reached notes that a group has reached a change. Any server may say so: it has seen it in the group's applied state.
type Reached struct {
	Group  uint32
	Change uint64
}

// Claim notes the disk of a first voter, once.
type Claim struct {
	Server uint64
	Store  [16]byte
}

// Withdraw ends an invitation that nobody has used.
type Withdraw struct{ Invitation uint64 }

// Proof is what a joining server shows: the SHA-256 of the invitation's secret. Invite holds the SHA-256 of the proof, so that
// neither the log nor a snapshot holds what lets anybody join, and the secret itself never leaves the rim.
func Proof(secret []byte) [32]byte { return sha256.Sum256(secret) }

// HashOf is what Invite holds of a proof.
func HashOf(proof [32]byte) [32]byte { return sha256.Sum256(proof[:]) }

func (Invite) kind() kind     { return kindInvite }
func (Join) kind() kind       { return kindJoin }
func (Promote) kind() kind    { return kindPromote }
func (Remove) kind() kind     { return kindRemove }
func (Replace) kind() kind    { return kindReplace }
func (SetAddress) kind() kind { return kindSetAddress }
func (Reached) kind() kind    { return kindReached }
func (Claim) kind() kind      { return kindClaim }
func (Withdraw) kind() kind   { return kindWithdraw }

func (c Invite) append(w *codec.Writer) {
	w.Raw(c.Hash[:])
	w.String(c.Name)
	w.String(c.Organisation)
	w.U64(c.Replaces)
	w.I64(c.TTLNs)
}

func (c Join) append(w *codec.Writer) {
	w.U64(c.Invitation)
	w.Raw(c.Proof[:])
	w.Raw(c.Store[:])
	w.String(c.Name)
	w.String(c.HTTP)
	w.String(c.Peer)
}

func (c Promote) append(w *codec.Writer) { w.U64(c.Server) }
func (c Remove) append(w *codec.Writer)  { w.U64(c.Server) }

func (c Replace) append(w *codec.Writer) {
	w.U64(c.Old)
	w.U64(c.New)
}

func (c SetAddress) append(w *codec.Writer) {
	w.U64(c.Server)
	w.String(c.HTTP)
	w.String(c.Peer)
}

func (c Reached) append(w *codec.Writer) {
	w.U32(c.Group)
	w.U64(c.Change)
}

func (c Claim) append(w *codec.Writer) {
	w.U64(c.Server)
	w.Raw(c.Store[:])
}

func (c Withdraw) append(w *codec.Writer) { w.U64(c.Invitation) }

// Encode writes a command.
func Encode(c Command) []byte {
	w := codec.Writer{B: []byte{formatVersion, byte(c.kind())}}
	c.append(&w)
	return w.B
}

// Decode reads a command. Any bytes give a command or an error.
func Decode(b []byte) (Command, error) {
	r := codec.NewReader(b)
	if v := r.U8(); r.Err() == nil && v != formatVersion {
		return nil, fmt.Errorf("members command of version %d, this build knows %d", v, formatVersion)
	}
	c := decode(kind(r.U8()), r)
	if c == nil {
		r.Fail()
	}
	return c, r.Finish()
}

func decode(k kind, r *codec.Reader) Command {
	switch k {
	case kindInvite:
		return Invite{
			Hash: [32]byte(raw(r, 32)), Name: r.String(MaxNameBytes), Organisation: r.String(MaxOrganisationBytes),
			Replaces: r.U64(), TTLNs: r.I64(),
		}
	case kindJoin:
		return Join{
			Invitation: r.U64(), Proof: [32]byte(raw(r, 32)), Store: [16]byte(raw(r, 16)), Name: r.String(MaxNameBytes),
			HTTP: r.String(MaxAddressBytes), Peer: r.String(MaxAddressBytes),
		}
	case kindPromote:
		return Promote{r.U64()}
	case kindRemove:
		return Remove{r.U64()}
	case kindReplace:
		return Replace{Old: r.U64(), New: r.U64()}
	case kindSetAddress:
		return SetAddress{Server: r.U64(), HTTP: r.String(MaxAddressBytes), Peer: r.String(MaxAddressBytes)}
	case kindReached:
		return Reached{Group: r.U32(), Change: r.U64()}
	case kindClaim:
		return Claim{Server: r.U64(), Store: [16]byte(raw(r, 16))}
	case kindWithdraw:
		return Withdraw{r.U64()}
	}
	return nil
}

// raw takes n bytes, zeros where there are not so many.
func raw(r *codec.Reader, n int) []byte {
	if b := r.Raw(n); b != nil {
		return b
	}
	return make([]byte, n)
}

// Result is what a command gives: a problem, or a number and the change under which it stands.
type Result struct {
	Problem *problem.Error
	// Number is the server's that the command is about, or the invitation's.
	Number uint64
	// Change is the newest change of the wish after the command.
	Change uint64
}

// Encode writes a result.
func (r Result) Encode() []byte {
	w := codec.Writer{B: []byte{formatVersion}}
	if problem.AppendMaybe(&w, r.Problem); r.Problem == nil {
		w.U64(r.Number)
		w.U64(r.Change)
	}
	return w.B
}

// DecodeResult reads a Result.
func DecodeResult(b []byte) (Result, error) {
	r := codec.NewReader(b)
	var result Result
	if r.U8() != formatVersion {
		r.Fail()
	}
	if result.Problem = problem.ReadMaybe(r); result.Problem == nil {
		result.Number, result.Change = r.U64(), r.U64()
	}
	return result, r.Finish()
}

// Event tells that a command has changed the membership: the invitation or server of that number, and the newest change then.
type Event struct {
	Kind           EventKind
	Number, Change uint64
}

// EventKind says what has changed.
type EventKind uint8

// The kinds of event. The numbers are part of the format.
const (
	// WishChanged: a server shall be something else than before.
	WishChanged EventKind = 1
	// ServerChanged: a server's address or disk is known otherwise than before.
	ServerChanged EventKind = 2
	// GroupReached: the group of that number has reached the change.
	GroupReached EventKind = 3
	// InvitationChanged: an invitation was made, used, withdrawn, or has expired.
	InvitationChanged EventKind = 4
)

func (e Event) encode() []byte {
	w := codec.Writer{B: []byte{formatVersion, byte(e.Kind)}}
	w.U64(e.Number)
	w.U64(e.Change)
	return w.B
}

// DecodeEvent reads an Event.
func DecodeEvent(b []byte) (Event, error) {
	r := codec.NewReader(b)
	version := r.U8()
	e := Event{Kind: EventKind(r.U8()), Number: r.U64(), Change: r.U64()}
	if version != formatVersion || e.Kind < WishChanged || e.Kind > InvitationChanged {
		r.Fail()
	}
	return e, r.Finish()
}
