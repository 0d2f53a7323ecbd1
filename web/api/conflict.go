package api

import (
	"strconv"
	"strings"

	"onevoice/airspace"
	"onevoice/geo"
)

// Conflicts is a page of conflicts with an instant in [From, To), by their begin. Next, where not empty, is the after of the next page;
// ask for that page with the same from and to.
type Conflicts struct {
	// At is the instant that the question took as now: service time.
	At        Time       `json:"at"`
	From      Time       `json:"from"`
	To        Time       `json:"to"`
	Conflicts []Conflict `json:"conflicts"`
	// Computing says that conflicts of some flights are still being worked out: no conflict here does not mean that there is none.
	Computing bool `json:"computing"`
	// Crowded says that some flights have more conflicts than are kept.
	Crowded bool   `json:"crowded"`
	Next    string `json:"next,omitempty"`
}

// Conflict is a pair of flights whose plans come too close.
type Conflict struct {
	A ConflictFlight `json:"a"`
	B ConflictFlight `json:"b"`
	// Spans are when they are too close, in order.
	Spans []Span `json:"spans"`
	// Closest is the closest point of approach.
	Closest Closest `json:"closest"`
	// Sectors are those that either flight may be in while they are too close.
	Sectors []string `json:"sectors"`
	// Since is the version since when the conflict is as it is.
	Since string `json:"since"`
}

// ConflictFlight is one of the two. Events leave out the callsign.
type ConflictFlight struct {
	Flight   string `json:"flight"`
	Callsign string `json:"callsign,omitempty"`
}

// Span is the instants From <= t < To.
type Span struct {
	From Time `json:"from"`
	To   Time `json:"to"`
}

// Closest is when and where two flights are closest while they are too near in altitude, and how far apart then. Position lies in the middle.
type Closest struct {
	Time     Time     `json:"time"`
	Position Position `json:"position"`
	Lateral  Length   `json:"lateral"`
	Vertical Height   `json:"vertical"`
}

// AppendConflicts appends a page as the JSON of Conflicts.
func AppendConflicts(b []byte, at, from, to Time, page *airspace.Conflicts) []byte {
	b = at.appendJSON(append(b, `{"at":`...))
	b = from.appendJSON(append(b, `,"from":`...))
	b = to.appendJSON(append(b, `,"to":`...))
	b = append(b, `,"conflicts":[`...)
	for i := range page.List {
		e := &page.List[i]
		b = appendConflict(comma(b, i), e.Conflict, e.CallsignA, e.CallsignB)
	}
	b = strconv.AppendBool(append(b, `],"computing":`...), page.Computing)
	b = strconv.AppendBool(append(b, `,"crowded":`...), page.Crowded)
	next := ""
	if c := page.Next; c != nil {
		next = strconv.FormatInt(c.FromNs, 10) + "_" + c.A + "+" + c.B
	}
	return appendNext(b, next)
}

// ParseConflictCursor reads the next of a page of conflicts.
func ParseConflictCursor(s string) (airspace.ConflictCursor, bool) {
	ns, pair, ok := strings.Cut(s, "_")
	a, b, also := strings.Cut(pair, "+")
	at, err := strconv.ParseInt(ns, 10, 64)
	return airspace.ConflictCursor{FromNs: at, A: a, B: b}, ok && also && err == nil && airspace.ValidID(a) && airspace.ValidID(b)
}

func appendConflict(b []byte, c *airspace.Conflict, callsignA, callsignB string) []byte {
	b = appendConflictFlight(append(b, `{"a":`...), c.A, callsignA)
	b = appendConflictFlight(append(b, `,"b":`...), c.B, callsignB)
	b = append(b, `,"spans":[`...)
	for i, s := range c.Spans {
		b = Time(s.FromNs).appendJSON(append(comma(b, i), `{"from":`...))
		b = append(Time(s.ToNs).appendJSON(append(b, `,"to":`...)), '}')
	}
	b = Time(c.AtNs).appendJSON(append(b, `],"closest":{"time":`...))
	b = Position(c.Pos).appendJSON(append(b, `,"position":`...))
	b = Length(c.LateralCm).appendJSON(append(b, `,"lateral":`...))
	b = Height(c.VerticalCm).appendJSON(append(b, `,"vertical":`...))
	b = append(b, `},"sectors":[`...)
	for i, id := range c.Sectors {
		b = appendString(comma(b, i), id)
	}
	b = appendVersion(append(b, `],"since":`...), c.Since)
	return append(b, '}')
}

func appendConflictFlight(b []byte, id, callsign string) []byte {
	b = appendString(append(b, `{"flight":`...), id)
	if callsign != "" {
		b = appendString(append(b, `,"callsign":`...), callsign)
	}
	return append(b, '}')
}

// Separation is what flights must keep while they may be in a sector: less than both at once is a conflict.
type Separation struct {
	Lateral  Length `json:"lateral"`
	Vertical Height `json:"vertical"`
}

func (r *reader) separation() geo.Separation {
	var sep geo.Separation
	var lateral, vertical bool
	r.object(func(key []byte) bool {
		switch string(key) {
		case "lateral":
			sep.LateralCm, lateral = int32(r.length(1, geo.MaxSeparationCm)), true
		case "vertical":
			sep.VerticalCm, vertical = int32(r.height(geo.MaxVerticalCm)), true
		default:
			return false
		}
		return true
	})
	r.need("lateral", lateral)
	r.need("vertical", vertical)
	if !r.failed() && sep.VerticalCm == 0 {
		r.refuseIn("vertical", "0", "more than 0; leave out the separation for the default")
	}
	return sep
}

func appendSeparation(b []byte, sep geo.Separation) []byte {
	b = Length(sep.LateralCm).appendJSON(append(b, `{"lateral":`...))
	return append(Height(sep.VerticalCm).appendJSON(append(b, `,"vertical":`...)), '}')
}
