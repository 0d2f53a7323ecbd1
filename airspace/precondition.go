package airspace

import (
	"onevoice/codec"
	"onevoice/problem"
)

// Precondition is what must hold for a command to take effect; the zero value asks for nothing. At most one may be set.
type Precondition struct {
	// Match asks that the thing is there in exactly this version (HTTP If-Match); else PreconditionFailed.
	Match *Version
	// Absent asks that the thing is not there (HTTP If-None-Match: *); else Conflict.
	Absent bool
}

// check holds a precondition against the version that is there, nil for nothing.
func (p Precondition) check(op, subject string, current *Version) *problem.Error {
	now := "nothing is there"
	if current != nil {
		now = "it is at version " + current.String()
	}
	if p.Match != nil && (current == nil || *current != *p.Match) {
		return &problem.Error{Kind: problem.PreconditionFailed, Op: op, Subject: subject, Detail: "version " + p.Match.String() + " was expected, but " + now}
	}
	if p.Absent && current != nil {
		return &problem.Error{Kind: problem.Conflict, Op: op, Subject: subject, Detail: "it was expected to be new, but " + now}
	}
	return nil
}

// precondition refuses one that asks for two things.
func (c *checker) precondition(p Precondition) {
	if p.Match != nil && p.Absent {
		c.fail(problem.Invalid, "precondition", "both a version and absent", "one of them")
	}
}

// existing refuses a precondition of absence, for a command about something that is there.
func (c *checker) existing(p Precondition) {
	if p.Absent {
		c.fail(problem.Invalid, "precondition", "absent", "a version, or none")
	}
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
