package airspace

import (
	"fmt"

	"onevoice/airspace/control"
	"onevoice/codec"
)

// EventKind says what happened. The numbers are part of the stream's format; never reuse one.
type EventKind uint8

// The kinds of event.
const (
	// SectorPut: a sector was made or replaced.
	SectorPut EventKind = 1
	// SectorRemoved: a sector is gone.
	SectorRemoved EventKind = 2
	// FlightPut: a flight was filed or amended; Windows are its windows.
	FlightPut EventKind = 3
	// FlightCancelled: a flight was cancelled.
	FlightCancelled EventKind = 4
	// FlightExpired: a flight has ended and its retention is over; it was removed.
	FlightExpired EventKind = 5
	// FlightRewindowed: a flight has other Windows because a sector or a rule changed; its plan and Version are as before.
	FlightRewindowed EventKind = 6
	// SettingsChanged: the settings changed; ID is empty.
	SettingsChanged EventKind = 7
	// SectorStaged: a change of the sector, or of the rules where ID is empty, was agreed and is being prepared; nothing holds of it yet.
	// SectorPut, SectorRemoved or SettingsChanged says when it does, and after that FlightRewindowed for each flight, entry by entry.
	SectorStaged EventKind = 25
	// SectorSettled: FlightRewindowed has been said for all flights whose windows a staged change made others.
	SectorSettled EventKind = 26
	// SectorDropped: a staged change was given up before it held; Detail is Dropped.
	SectorDropped EventKind = 27
	// ZonePut: a zone was made or replaced. The events of its breaches follow; where it was held against all flights, ZoneChecked does.
	ZonePut EventKind = 8
	// ZoneRemoved: a zone is gone, and its breaches with it.
	ZoneRemoved EventKind = 9
	// ZoneExpired: a zone has ended and the retention is over; it was removed, and its breaches with it.
	ZoneExpired EventKind = 34
	// BreachFound: a flight breaches the zone that ID names, or does so at other times than before. Detail is a *BreachDetail.
	BreachFound EventKind = 35
	// BreachResolved: a flight breaches the zone that ID names no longer. Detail is a *BreachDetail without Windows.
	BreachResolved EventKind = 36
	// ZoneChecked: a zone was held against all flights; its breaches are complete.
	ZoneChecked EventKind = 37
	// ConflictFound: two plans come too close; Detail is the *Conflict, ID its name and Version since when it holds.
	ConflictFound EventKind = 20
	// ConflictChanged: a conflict is another in time, place, distances or sectors; Detail is the *Conflict as it is now.
	ConflictChanged EventKind = 21
	// ConflictResolved: two plans come no longer too close, or one of them is gone; Detail is the *Conflict as it was.
	ConflictResolved EventKind = 22
	// PositionSignedOn: a console has a position. Its Detail is a ControlDetail, as of all events about control.
	PositionSignedOn EventKind = 10
	// PositionSignedOff: a position was given up, or a supervisor has ended it.
	PositionSignedOff EventKind = 11
	// PositionLapsed: a position was not kept in time. What it has is unattended.
	PositionLapsed EventKind = 12
	// SectorControl: a sector has another position, is offered, or is attended or not.
	SectorControl EventKind = 13
	// FlightControl: the control record of a flight has changed.
	FlightControl EventKind = 14
	// CapacityWarn: a sector's load comes to its warning in a bucket of time, and not to its alert; ID is the sector's, Detail the *BucketLoad.
	CapacityWarn EventKind = 23
	// CapacityAlert: a sector's load comes to its alert in a bucket of time; as CapacityWarn.
	CapacityAlert EventKind = 24
	// CapacityOK: a sector's load comes to no threshold in a bucket of time any more; as CapacityWarn. What is over gives no event.
	CapacityOK EventKind = 40
	// FlightProgress: a feed reported on a flight; Windows are its windows now, Detail is its *Mark.
	FlightProgress EventKind = 30
)

// word is the kind's word on streams, empty for a number that is none.
func (k EventKind) word() string {
	switch k {
	case SectorPut:
		return "sector-put"
	case SectorRemoved:
		return "sector-removed"
	case FlightPut:
		return "flight-put"
	case FlightCancelled:
		return "flight-cancelled"
	case FlightExpired:
		return "flight-expired"
	case FlightRewindowed:
		return "flight-rewindowed"
	case SettingsChanged:
		return "settings"
	case SectorStaged:
		return "sector-staged"
	case SectorSettled:
		return "sector-settled"
	case SectorDropped:
		return "sector-dropped"
	case ConflictFound:
		return "conflict-found"
	case ConflictChanged:
		return "conflict-changed"
	case ConflictResolved:
		return "conflict-resolved"
	case PositionSignedOn:
		return "position-signed-on"
	case PositionSignedOff:
		return "position-signed-off"
	case PositionLapsed:
		return "position-lapsed"
	case SectorControl:
		return "sector-control"
	case FlightControl:
		return "flight-control"
	case CapacityWarn:
		return "capacity-warn"
	case CapacityAlert:
		return "capacity-alert"
	case CapacityOK:
		return "capacity-ok"
	case FlightProgress:
		return "flight-progress"
	}
	return k.zoneWord()
}

// zoneWord is word for what happens to zones.
func (k EventKind) zoneWord() string {
	switch k {
	case ZonePut:
		return "zone-put"
	case ZoneRemoved:
		return "zone-removed"
	case ZoneExpired:
		return "zone-expired"
	case BreachFound:
		return "breach-found"
	case BreachResolved:
		return "breach-resolved"
	case ZoneChecked:
		return "zone-checked"
	}
	return ""
}

// String is the kind's word on streams, as "flight-put".
func (k EventKind) String() string {
	if word := k.word(); word != "" {
		return word
	}
	return fmt.Sprintf("EventKind(%d)", uint8(k))
}

// Event is one change of the state. Every change gives one, so that who follows them from a state knows the next.
type Event struct {
	Kind EventKind
	// ID is the sector's or flight's.
	ID string
	// Version is the one that the thing now has, or had when it was removed.
	Version Version
	// Callsign is the flight's.
	Callsign string
	// Windows are the flight's, all of them, for FlightPut, FlightRewindowed and FlightProgress.
	Windows []SectorWindow
	// Left are the sectors, sorted, that a flight had a window in before and has none in after it.
	Left []string
	// Zones are those that a flight may be in, as it was or as it has become, by name.
	Zones []ZoneMention
	// Extents hold where and when a flight may be, as it was and as it has become.
	Extents []Extent
	// ServiceNs is service time at the entry.
	ServiceNs int64
	// Detail is what a kind of event tells beyond that; the kind's comment names its type, nil where it names none.
	Detail Detail
}

// Detail is what events of one kind tell beyond what all tell.
type Detail interface {
	appendTo(w *codec.Writer)
}

// readDetail reads the detail of an event of a kind, nil for those that have none.
func readDetail(r *codec.Reader, kind EventKind) Detail {
	switch kind {
	case SectorDropped:
		return Dropped{readProblem(r)}
	case ConflictFound, ConflictChanged, ConflictResolved:
		return readConflict(r)
	case PositionSignedOn, PositionSignedOff, PositionLapsed, SectorControl, FlightControl:
		return ControlDetail{control.ReadEvent(r)}
	case CapacityWarn, CapacityAlert, CapacityOK:
		return readBucketLoad(r)
	case FlightProgress:
		return new(readMark(r))
	case BreachFound, BreachResolved:
		return readBreachDetail(r)
	}
	return nil
}

func encodeEvent(e *Event) []byte {
	w := codec.Writer{B: make([]byte, 0, 64+56*len(e.Windows))}
	w.U8(Format)
	w.U8(uint8(e.Kind))
	w.String(e.ID)
	appendVersion(&w, e.Version)
	w.String(e.Callsign)
	w.I64(e.ServiceNs)
	appendWindows(&w, e.Windows)
	if e.Kind.ofFlight() {
		appendMoved(&w, e)
	}
	if e.Detail != nil {
		e.Detail.appendTo(&w)
	}
	return w.B
}

// DecodeEvent reads an event as the machine emitted it.
func DecodeEvent(b []byte) (Event, error) {
	r := codec.NewReader(b)
	if v := r.U8(); v != Format {
		return Event{}, fmt.Errorf("airspace event: format %d, this build reads %d: %w", v, Format, codec.ErrMalformed)
	}
	e := Event{Kind: EventKind(r.U8()), ID: r.String(maxText), Version: readVersion(r), Callsign: r.String(maxText), ServiceNs: r.I64(), Windows: readWindows(r)}
	if e.Kind.word() == "" {
		r.Fail()
	}
	if e.Kind.ofFlight() {
		readMoved(r, &e)
	}
	e.Detail = readDetail(r, e.Kind)
	if err := r.Finish(); err != nil {
		return Event{}, fmt.Errorf("airspace event: %w", err)
	}
	return e, nil
}
