package airspace

import (
	"fmt"

	"onevoice/airspace/control"
	"onevoice/codec"
	"onevoice/problem"
)

// Result is what a command came to. It is kept in the replicated state for retries.
type Result struct {
	// Problem is nil where the command took effect. Otherwise nothing changed.
	Problem *problem.Error
	// Version is the new version of what was put or set, or the position of the command that removed it.
	Version Version
	// ServiceNs is service time at the entry.
	ServiceNs int64
	// Windows are the sector windows of a flight that was put.
	Windows []SectorWindow
	// Rewindowed is how many other flights had their windows changed.
	Rewindowed int
	// Staged says that the change touches more flights than one entry may change: it is agreed, is being prepared, and will hold from one
	// later entry on, as a whole, under Version. Until then all is as before. See State.Stagings.
	Staged bool
	// Current is the version that is there, where a Precondition did not hold; nil where nothing is there.
	Current *Version
	// Parts are what the commands of an Atomic came to, in their order; their Version is that of the whole, and their ServiceNs 0.
	Parts []Result
	// Position is the position that a console has by SignOn or KeepPosition.
	Position *control.Position
	// Control is the record that an act leaves, or, where it was refused, that stands.
	Control *control.Record
}

func encodeResult(res *Result) []byte {
	w := codec.Writer{B: make([]byte, 0, 64+56*len(res.Windows))}
	w.U8(Format)
	appendOutcome(&w, res)
	w.Uvarint(uint64(len(res.Parts)))
	for i := range res.Parts {
		appendOutcome(&w, &res.Parts[i])
	}
	return w.B
}

// appendOutcome writes what every command comes to.
func appendOutcome(w *codec.Writer, res *Result) {
	appendProblem(w, res.Problem)
	appendVersion(w, res.Version)
	w.I64(res.ServiceNs)
	appendWindows(w, res.Windows)
	w.Uvarint(uint64(res.Rewindowed))
	w.Bool(res.Staged)
	w.Bool(res.Current != nil)
	if res.Current != nil {
		appendVersion(w, *res.Current)
	}
	w.Bool(res.Position != nil)
	if res.Position != nil {
		res.Position.Append(w)
	}
	w.Bool(res.Control != nil)
	if res.Control != nil {
		res.Control.Append(w)
	}
}

func readOutcome(r *codec.Reader) Result {
	res := Result{Problem: readProblem(r), Version: readVersion(r), ServiceNs: r.I64(), Windows: readWindows(r)}
	n := r.Uvarint()
	if n > MaxStepFlights {
		r.Fail()
	}
	res.Rewindowed, res.Staged = int(n), r.Bool()
	if r.Bool() {
		res.Current = new(readVersion(r))
	}
	if r.Bool() {
		res.Position = new(control.ReadPosition(r))
	}
	if r.Bool() {
		res.Control = new(control.ReadRecord(r))
	}
	return res
}

// DecodeResult reads what Machine.Apply returns.
func DecodeResult(b []byte) (Result, error) {
	r := codec.NewReader(b)
	if v := r.U8(); v != Format {
		return Result{}, fmt.Errorf("airspace result: format %d, this build reads %d: %w", v, Format, codec.ErrMalformed)
	}
	res := readOutcome(r)
	for range r.Count(MaxAtomic, leastOutcome) {
		res.Parts = append(res.Parts, readOutcome(r))
	}
	if err := r.Finish(); err != nil {
		return Result{}, fmt.Errorf("airspace result: %w", err)
	}
	return res, nil
}

// leastOutcome is the size of the shortest outcome.
const leastOutcome = 16

func appendProblem(w *codec.Writer, p *problem.Error) {
	w.Bool(p != nil)
	if p != nil {
		p.Append(w)
	}
}

func readProblem(r *codec.Reader) *problem.Error {
	if !r.Bool() {
		return nil
	}
	return problem.Read(r)
}
