package api

import (
	"encoding/json"
	"strconv"

	"onevoice/airspace"
	"onevoice/problem"
)

// Sectors is a page of sectors by identifier. Next, where not empty, is the after of the next page.
type Sectors struct {
	Sectors []Sector `json:"sectors"`
	Next    string   `json:"next,omitempty"`
}

// Flights is a page of flights by identifier. Next, where not empty, is the after of the next page.
type Flights struct {
	Flights []Flight `json:"flights"`
	Next    string   `json:"next,omitempty"`
}

// Written answers every PUT and DELETE that took effect. Version is the new version, or the position of the removal.
type Written struct {
	ID      string `json:"id,omitempty"`
	Version string `json:"version"`
	// ServiceTime is service time at the entry.
	ServiceTime Time `json:"service_time"`
	// Windows are those of a flight that was put, computed from the sector set at this very entry.
	Windows []SectorWindow `json:"windows,omitempty"`
	// Rewindowed is how many other flights had their windows changed.
	Rewindowed int `json:"rewindowed"`
	// Staged says that the change touches more flights than one entry may change: it is agreed, and will hold as a whole from a later entry on.
	// GET of the sector says how far it is.
	Staged bool `json:"staged,omitempty"`
}

// ServiceTime is what now means in the airspace, and how fast it runs. Rate 1 is real time. A PUT leaves out service_time to
// change the rate only.
type ServiceTime struct {
	ServiceTime Time        `json:"service_time,omitzero"`
	Rate        json.Number `json:"rate"`
	Version     string      `json:"version,omitempty"`
}

// Hash is the chain hash of the group's log after an index: equal on all servers, or there are two voices.
type Hash struct {
	Group uint32 `json:"group"`
	Index uint64 `json:"index,string"`
	Hash  string `json:"hash"`
	// First and Last are the range of indices whose hash this server holds.
	First uint64 `json:"first,string"`
	Last  uint64 `json:"last,string"`
}

// Event is one change of the agreed state, as the data of a server-sent event whose id is its place, "index.i", and whose
// event is its Kind.
type Event struct {
	Kind        string         `json:"kind"`
	ID          string         `json:"id,omitempty"`
	Version     string         `json:"version"`
	Callsign    string         `json:"callsign,omitempty"`
	ServiceTime Time           `json:"service_time"`
	Windows     []SectorWindow `json:"windows,omitempty"`
	// Left are the sectors that a flight had a window in before the event and has none in after it, Zones those that it may be in, as it
	// was or as it has become.
	Left     []string      `json:"left,omitempty"`
	Zones    []ZoneMention `json:"zones,omitempty"`
	Breach   *ZoneBreach   `json:"breach,omitempty"`   // of breach-found and breach-resolved
	Progress *Progress     `json:"progress,omitempty"` // without Filed
	// Conflict is that of conflict-found, conflict-changed and conflict-resolved, Load the bucket of capacity-warn, capacity-alert and
	// capacity-ok.
	Conflict *Conflict      `json:"conflict,omitempty"`
	Load     *Bucket        `json:"load,omitempty"`
	Control  *ControlChange `json:"control,omitempty"`
}

// Problem is RFC 9457's application/problem+json.
type Problem struct {
	Type   string `json:"type"` // urn:onevoice:problem: and the kind
	Title  string `json:"title"`
	Status int    `json:"status"`
	Detail string `json:"detail,omitempty"`
	// Op, Subject, Field, Value and Allowed are those of problem.Error.
	Op      string `json:"op,omitempty"`
	Subject string `json:"subject,omitempty"`
	Field   string `json:"field,omitempty"`
	Value   string `json:"value,omitempty"`
	Allowed string `json:"allowed,omitempty"`
	// Outcome is problem.Unknown for a write that was done once or not at all, and for a question without an answer.
	Outcome string `json:"outcome,omitempty"`
	// Current is the version that is there, where a precondition did not hold.
	Current string `json:"current,omitempty"`
	// First and Last are the range held, where something outside of it was asked for.
	First string `json:"first,omitempty"`
	Last  string `json:"last,omitempty"`
	// Node says who answers, View the last view it knew, Try whom to ask instead, where Node cannot answer.
	Node string   `json:"node,omitempty"`
	View string   `json:"view,omitempty"`
	Try  []string `json:"try,omitempty"`
}

// URN begins the type of every Problem.
const URN = "urn:onevoice:problem:"

// Kind is the kind of a problem by its type; problem.Internal for a type that is not ours.
func (p *Problem) Kind() problem.Kind {
	for k := problem.Invalid; k <= problem.Unauthenticated; k++ {
		if p.Type == URN+k.String() {
			return k
		}
	}
	return problem.Internal
}

// Err is the problem as an error.
func (p *Problem) Err() *problem.Error {
	return &problem.Error{Kind: p.Kind(), Op: p.Op, Subject: p.Subject, Field: p.Field, Value: p.Value, Allowed: p.Allowed, Detail: p.Detail}
}

// AppendSectors appends a page as the JSON of Sectors.
func AppendSectors(b []byte, page []*airspace.SectorRecord, next string) []byte {
	b = append(b, `{"sectors":[`...)
	for i, s := range page {
		b = AppendSector(comma(b, i), s)
	}
	return appendNext(append(b, ']'), next)
}

// AppendFlights appends a page as the JSON of Flights.
func AppendFlights(b []byte, page []*airspace.FlightRecord, next string) []byte {
	b = append(b, `{"flights":[`...)
	for i, f := range page {
		b = AppendFlight(comma(b, i), f)
	}
	return appendNext(append(b, ']'), next)
}

// AppendWritten appends a result without a problem as the JSON of Written.
func AppendWritten(b []byte, id string, r *airspace.Result) []byte {
	b = append(b, '{')
	if id != "" {
		b = append(appendString(append(b, `"id":`...), id), ',')
	}
	b = appendVersion(append(b, `"version":`...), r.Version)
	b = Time(r.ServiceNs).appendJSON(append(b, `,"service_time":`...))
	if len(r.Windows) > 0 {
		b = appendWindows(append(b, `,"windows":`...), r.Windows)
	}
	b = strconv.AppendInt(append(b, `,"rewindowed":`...), int64(r.Rewindowed), 10)
	if r.Staged {
		b = append(b, `,"staged":true`...)
	}
	return append(b, '}')
}

// AppendEvent appends an event as the JSON of Event.
func AppendEvent(b []byte, e *airspace.Event) []byte {
	b = appendString(append(b, `{"kind":`...), e.Kind.String())
	if e.ID != "" {
		b = appendString(append(b, `,"id":`...), e.ID)
	}
	b = appendVersion(append(b, `,"version":`...), e.Version)
	if e.Callsign != "" {
		b = appendString(append(b, `,"callsign":`...), e.Callsign)
	}
	b = Time(e.ServiceNs).appendJSON(append(b, `,"service_time":`...))
	if len(e.Windows) > 0 {
		b = appendWindows(append(b, `,"windows":`...), e.Windows)
	}
	b = appendMoved(b, e)
	switch d := e.Detail.(type) {
	case *airspace.Mark:
		b = append(appendMark(append(b, `,"progress":`...), d), '}')
	case *airspace.Conflict:
		b = appendConflict(append(b, `,"conflict":`...), d, "", "")
	case *airspace.BucketLoad:
		b = appendBucket(append(b, `,"load":`...), d.FromNs, &d.Bucket)
	case airspace.ControlDetail:
		b = append(append(b, `,"control":`...), asJSON(fromChange(&d.Event))...)
	}
	return append(b, '}')
}

// AppendServiceTime appends service time and rate as the JSON of ServiceTime.
func AppendServiceTime(b []byte, now Time, s *airspace.Settings) []byte {
	b = now.appendJSON(append(b, `{"service_time":`...))
	b = appendScaled(append(b, `,"rate":`...), s.RateMilli, ratePlaces)
	return append(appendVersion(append(b, `,"version":`...), s.Version), '}')
}

const (
	ratePlaces  = 3
	allowedRate = "from 0.001 to 1000"
)

// ReadServiceTime takes the body of PUT /settings/service-time. The error is a *problem.Error.
func ReadServiceTime(body []byte, when airspace.Precondition) (airspace.Command, error) {
	r := newReader("set service time", body)
	s := airspace.SetService{If: when}
	r.object(func(key []byte) bool {
		switch string(key) {
		case "service_time":
			s.AnchorNs = int64(r.time())
		case "rate":
			s.RateMilli = r.number(ratePlaces, airspace.MinRateMilli, airspace.MaxRateMilli, allowedRate)
		default:
			return false
		}
		return true
	})
	r.need("rate", s.RateMilli != 0)
	return s, r.finish()
}
