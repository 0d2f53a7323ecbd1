package airspace

import (
	"fmt"

	"onevoice/codec"
)

// Format is the version of every command, result, event, question, answer and chunk that this build writes. Another one is
// refused as malformed.
const Format = 1

// Command is one of PutSector, RemoveSector, PutFlight, CancelFlight, SetService, SetRules.
type Command interface {
	kind() commandKind
	appendBody(w *codec.Writer)
	precondition() Precondition
}

// commandKind says what a command is. The numbers are part of the log's format; never reuse one.
type commandKind uint8

const (
	kindPutSector commandKind = iota + 1
	kindRemoveSector
	kindPutFlight
	kindCancelFlight
	kindSetService
	_ // listed the servers, whom the membership knows
	kindSetRules
)

// PutSector makes or replaces a sector. The windows of the flights it touches, as it was and as it becomes, are computed
// anew in the same entry; it is Refused where those are more than MaxRewindow.
type PutSector struct {
	Sector Sector
	If     Precondition
}

// RemoveSector removes a sector and its windows; NotFound where there is none. It is Refused as PutSector is.
type RemoveSector struct {
	ID string
	If Precondition
}

// PutFlight files or amends a flight. It is Refused where the flight has already expired in service time.
type PutFlight struct {
	Flight Flight
	If     Precondition
}

// CancelFlight removes a flight; NotFound where there is none.
type CancelFlight struct {
	ID string
	If Precondition
}

// SetService sets service time to AnchorNs at this entry, and how fast it runs from there. It is Refused where service
// time would go back. AnchorNs 0 leaves the time and changes only the rate.
type SetService struct {
	AnchorNs  int64
	RateMilli int64
	If        Precondition
}

// SetRules sets CrossRefCm and RetainNs. All windows are computed anew where CrossRefCm changes; it is Refused where more
// than MaxRewindow flights are held then.
type SetRules struct {
	CrossRefCm int32
	RetainNs   int64
	If         Precondition
}

func (PutSector) kind() commandKind    { return kindPutSector }
func (RemoveSector) kind() commandKind { return kindRemoveSector }
func (PutFlight) kind() commandKind    { return kindPutFlight }
func (CancelFlight) kind() commandKind { return kindCancelFlight }
func (SetService) kind() commandKind   { return kindSetService }
func (SetRules) kind() commandKind     { return kindSetRules }

func (c PutSector) precondition() Precondition    { return c.If }
func (c RemoveSector) precondition() Precondition { return c.If }
func (c PutFlight) precondition() Precondition    { return c.If }
func (c CancelFlight) precondition() Precondition { return c.If }
func (c SetService) precondition() Precondition   { return c.If }
func (c SetRules) precondition() Precondition     { return c.If }

func (c PutSector) appendBody(w *codec.Writer)    { appendSector(w, &c.Sector) }
func (c RemoveSector) appendBody(w *codec.Writer) { w.String(c.ID) }
func (c PutFlight) appendBody(w *codec.Writer)    { appendFlight(w, &c.Flight) }
func (c CancelFlight) appendBody(w *codec.Writer) { w.String(c.ID) }
func (c SetService) appendBody(w *codec.Writer) {
	w.I64(c.AnchorNs)
	w.I64(c.RateMilli)
}
func (c SetRules) appendBody(w *codec.Writer) {
	w.I32(c.CrossRefCm)
	w.I64(c.RetainNs)
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

func readCommand(r *codec.Reader, kind commandKind, when Precondition) Command {
	switch kind {
	case kindPutSector:
		return PutSector{Sector: readSector(r), If: when}
	case kindRemoveSector:
		return RemoveSector{ID: r.String(maxText), If: when}
	case kindPutFlight:
		return PutFlight{Flight: readFlight(r), If: when}
	case kindCancelFlight:
		return CancelFlight{ID: r.String(maxText), If: when}
	case kindSetService:
		return SetService{AnchorNs: r.I64(), RateMilli: r.I64(), If: when}
	case kindSetRules:
		return SetRules{CrossRefCm: r.I32(), RetainNs: r.I64(), If: when}
	}
	r.Fail()
	return nil
}

const (
	whenMatch  = 1
	whenAbsent = 2
)

func appendPrecondition(w *codec.Writer, p Precondition) {
	flags := uint8(0)
	if p.Match != nil {
		flags |= whenMatch
	}
	if p.Absent {
		flags |= whenAbsent
	}
	w.U8(flags)
	if p.Match != nil {
		appendVersion(w, *p.Match)
	}
}

func readPrecondition(r *codec.Reader) Precondition {
	var p Precondition
	flags := r.U8()
	if flags > whenMatch|whenAbsent {
		r.Fail()
	}
	if flags&whenMatch != 0 {
		p.Match = new(readVersion(r))
	}
	p.Absent = flags&whenAbsent != 0
	return p
}
