package airspace

import (
	"fmt"

	"onevoice/codec"
)

// Format is the version of every command, result, event, question, answer and chunk that this build writes. Another one is
// refused as malformed.
const Format = 1

// Command is a change that is asked for. A kind of command is one type in one file: its fields, their encoding, what is wrong with
// it, what it is about, and what it does.
type Command interface {
	// Op is what it asks for, as problems name it.
	Op() string

	kind() commandKind
	precondition() Precondition
	appendBody(w *codec.Writer)
	// check says what is wrong with it, as far as that can be said without the state.
	check(c *checker)
	// find finds what is there under its name.
	find(c *change)
	// apply makes the change, or refuses it and changes nothing. Its precondition holds.
	apply(c *change) Result
}

// commandKind says what a command is. The numbers are part of the log's format; never reuse one.
type commandKind uint8

const (
	kindPutSector    commandKind = 1
	kindRemoveSector commandKind = 2
	kindPutFlight    commandKind = 3
	kindCancelFlight commandKind = 4
	kindSetService   commandKind = 5
	// 6 listed the servers, whom the membership knows.
	kindSetRules       commandKind = 7
	kindPutZone        commandKind = 8
	kindRemoveZone     commandKind = 9
	kindSignOn         commandKind = 10
	kindKeepPosition   commandKind = 11
	kindSignOff        commandKind = 12
	kindControl        commandKind = 13
	kindAtomic         commandKind = 20
	kindCombineSectors commandKind = 28
	kindSplitSector    commandKind = 29
	kindReportProgress commandKind = 21
	kindSetHistory     commandKind = 25
)

// readCommand reads the body of a command of a kind.
func readCommand(r *codec.Reader, kind commandKind, when Precondition) Command {
	switch kind {
	case kindPutSector:
		return PutSector{Sector: readSector(r), If: when}
	case kindRemoveSector:
		return RemoveSector{ID: r.String(maxText), If: when}
	case kindPutFlight:
		return PutFlight{Flight: readFlight(r), By: readMaybeBy(r), If: when}
	case kindCancelFlight:
		return CancelFlight{ID: r.String(maxText), By: readMaybeBy(r), If: when}
	case kindSetService:
		return SetService{AnchorNs: r.I64(), RateMilli: r.I64(), If: when}
	case kindSetHistory:
		return SetHistory{History: readHistory(r), If: when}
	case kindSetRules:
		return SetRules{CrossRefCm: r.I32(), RetainNs: r.I64(), Separation: readSeparation(r), If: when}
	case kindPutZone:
		return PutZone{Zone: readZone(r), If: when}
	case kindRemoveZone:
		return RemoveZone{ID: r.String(maxText), If: when}
	case kindCombineSectors:
		return readCombineSectors(r, when)
	case kindSplitSector:
		return SplitSector{ID: r.String(maxText), AtNs: r.I64(), If: when}
	case kindAtomic:
		return readAtomic(r, when)
	case kindReportProgress:
		return readReportProgress(r, when)
	}
	return readControlCommand(r, kind, when)
}

// Encode gives the bytes of a command, for Machine.Apply. It checks nothing.
func Encode(cmd Command) []byte {
	w := codec.Writer{B: make([]byte, 0, 256)}
	w.U8(Format)
	w.U8(uint8(cmd.kind()))
	appendPrecondition(&w, cmd.precondition())
	cmd.appendBody(&w)
	return w.B
}

// Decode reads what Encode wrote; anything else is refused, with codec.ErrMalformed inside. It checks nothing beyond the
// encoding: Validate and Apply do.
func Decode(b []byte) (Command, error) {
	r := codec.NewReader(b)
	if v := r.U8(); v != Format {
		return nil, fmt.Errorf("airspace command: format %d, this build reads %d: %w", v, Format, codec.ErrMalformed)
	}
	cmd := readCommand(r, commandKind(r.U8()), readPrecondition(r))
	if err := r.Finish(); err != nil {
		return nil, fmt.Errorf("airspace command: %w", err)
	}
	return cmd, nil
}
