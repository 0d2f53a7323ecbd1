package control

import (
	"fmt"

	"onevoice/fence"
)

// Version is the position in the log of the command that changed a thing last, or of the entry at which time did.
type Version struct {
	Index uint64
	Sub   uint32
}

// Position is a working place that somebody has signed on, or that still has what it had.
type Position struct {
	ID string
	// Holder is the console that may act for it; zero where nobody has signed it on.
	Holder fence.Holder
	// Owner says for people who that is.
	Owner string
	// LeaseMs is how long it stands that is not kept, in milliseconds of log time.
	LeaseMs int64
	// EndsNs is the log time at which it lapses unless it is kept.
	EndsNs int64
	// Version is when it was signed on, or when that ended.
	Version Version
}

// Attended says whether somebody has signed it on.
func (p *Position) Attended() bool { return p != nil && p.Holder != fence.Holder{} }

// Thing is what a record is about.
type Thing uint8

// The things. The numbers are part of the formats.
const (
	Flight Thing = 1
	Sector Thing = 2
)

// String is the thing's word.
func (t Thing) String() string {
	if t == Sector {
		return "sector"
	}
	return "flight"
}

// State is the state of a record.
type State uint8

// The states. The numbers are part of the formats. A sector is uncontrolled, controlled or in handoff.
const (
	// PreActive: the flight is planned, and nobody has acted on it.
	PreActive State = 1
	// Coordinated: whom the record is addressed to will assume it.
	Coordinated State = 2
	// Handoff: its position controls it, and offers it to whom it is addressed to.
	Handoff State = 3
	// Controlled: its position controls it.
	Controlled State = 4
	// Finished: its last controller is done with it.
	Finished State = 5
	// Uncontrolled: nobody controls it, and any position may assume it.
	Uncontrolled State = 6
)

// String is the state's word in tables and JSON.
func (s State) String() string {
	switch s {
	case PreActive:
		return "pre-active"
	case Coordinated:
		return "coordinated"
	case Handoff:
		return "handoff"
	case Controlled:
		return "controlled"
	case Finished:
		return "finished"
	case Uncontrolled:
		return "uncontrolled"
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// Target is to whom something is addressed: a position, or a sector and so whoever works it when it is accepted. At most one is set.
type Target struct{ Position, Sector string }

// Record is who controls a flight or works a sector. It is immutable and shared by all states: never change it.
type Record struct {
	Thing Thing
	ID    string
	State State
	// Position is who controls it: in Controlled and Handoff always, else empty. It need not be attended.
	Position string
	// To is to whom it is addressed, in Handoff and Coordinated.
	To Target
	// TimeoutMs is how long the offer stands in Handoff, and EndsNs the log time until which.
	TimeoutMs, EndsNs int64
	// Version is the last act; zero where there was none.
	Version Version
}

// Act is what is done with a position, a flight or a sector.
type Act uint8

// The acts. The numbers are part of the formats.
const (
	// Coordinate: say to whom a flight that nobody controls will come.
	Coordinate Act = 1
	// Assume: take what nobody controls, or what is coordinated to oneself.
	Assume Act = 2
	// Propose: offer to another. It stays one's own until accepted.
	Propose Act = 3
	// Accept: take what is offered.
	Accept Act = 4
	// Refuse: leave what is offered with who offers it, or what is coordinated to nobody.
	Refuse Act = 5
	// Recall: take an offer back.
	Recall Act = 6
	// Release: give up without anybody to take it.
	Release Act = 7
	// Finish: be done with a flight.
	Finish Act = 8
	// Take: take from a position that is not attended; by force, for a position from anybody.
	Take Act = 9
	// TimeOut: an offer was not accepted in time. Time does it.
	TimeOut Act = 10
	// SignOn: a console has a position.
	SignOn Act = 11
	// SignOff: it has given the position up, or a supervisor has ended it.
	SignOff Act = 12
	// Lapse: it did not keep the position in time. Time does it.
	Lapse Act = 13
	// Leave: the sector's position is not attended any more. It follows SignOff and Lapse.
	Leave Act = 14
	// Attend: the sector's position is attended again. It follows SignOn.
	Attend Act = 15
)

// Acts lists the acts that a request may name, in the order of their numbers.
func Acts() []Act {
	return []Act{Coordinate, Assume, Propose, Accept, Refuse, Recall, Release, Finish, Take}
}

// String is the act's word on streams and in requests.
func (a Act) String() string {
	words := [...]string{
		Coordinate: "coordinate", Assume: "assume", Propose: "propose", Accept: "accept", Refuse: "refuse", Recall: "recall", Release: "release",
		Finish: "finish", Take: "take", TimeOut: "time-out", SignOn: "sign-on", SignOff: "sign-off", Lapse: "lapse", Leave: "leave", Attend: "attend",
	}
	if a == 0 || int(a) >= len(words) {
		return fmt.Sprintf("Act(%d)", uint8(a))
	}
	return words[a]
}

// By is who acts: a position, and the console that says that it has it.
type By struct {
	Position string
	Holder   fence.Holder
}

// Request is an act on a flight or sector.
type Request struct {
	Act Act
	// By is who asks; zero where a supervisor does, by force.
	By By
	// To is whom it is for: of Coordinate and Propose, and the position of a Take by force.
	To Target
	// TimeoutMs is how long an offer stands; DefaultTimeoutMs where 0.
	TimeoutMs int64
	// Force lets Take and Release go over the head of whoever controls it. The rim gives it to supervisors only.
	Force bool
	// Match, where not nil, is the version that the record must have; a zero one asks that there was no act yet.
	Match *Version
}

// Event is a change, with what came of it. One of Position and Record is not nil.
type Event struct {
	Act Act
	// By is the position that acted, empty where time or a supervisor did.
	By string
	// Was is who had the flight or sector before, empty for nobody.
	Was string
	// Attended says whether the position that has it now is attended.
	Attended bool
	Position *Position
	Record   *Record
}

// Emit hands out one event. What it points to never changes.
type Emit func(Event)
