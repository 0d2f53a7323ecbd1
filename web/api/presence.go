package api

import (
	"strconv"
	"strings"

	"onevoice/airspace"
	"onevoice/cover"
	"onevoice/geo"
	"onevoice/problem"
)

// Presence is one visit of a flight to the sector or volume that was asked about.
type Presence struct {
	Flight   string `json:"flight"`
	Callsign string `json:"callsign"`
	From     string `json:"from"`
	To       string `json:"to"`
	Version  string `json:"version"`
	// Control is the state of its control record, Position who controls it, absent for nobody, and Attended whether a console has signed that on.
	// In an answer of the past all three are absent: that is not held.
	Control  string `json:"control,omitempty"`
	Position string `json:"position,omitempty"`
	Attended bool   `json:"attended,omitempty"`
	Window
}

// Presences answers which flights may be in a sector or volume, and when: the visits that may meet [From, To), sorted by
// earliest entry, then flight. Next, where it is not empty, is the after of the next page; ask for that page with the same
// from and to.
type Presences struct {
	Sector string `json:"sector,omitempty"`
	// At is the instant that the question took as now, service time unless the question named one.
	At      Time       `json:"at"`
	From    Time       `json:"from"`
	To      Time       `json:"to"`
	Flights []Presence `json:"flights"`
	// Closed says that the sector is not open at any instant of [From, To): nobody is looked for, which is not to say that nobody flies there.
	Closed bool   `json:"closed,omitempty"`
	Next   string `json:"next,omitempty"`
}

// Page is a page of visits as the state gives it.
type Page struct {
	Sector       string // empty for a volume
	At, From, To Time
	Visits       []airspace.Occupant
	State        *airspace.State // of which they are
	Next         string
	Closed       bool
}

// AppendPage appends a page as the JSON of Presences.
func AppendPage(b []byte, p *Page) []byte {
	b = append(b, '{')
	if p.Sector != "" {
		b = append(appendString(append(b, `"sector":`...), p.Sector), ',')
	}
	b = p.At.appendJSON(append(b, `"at":`...))
	b = p.From.appendJSON(append(b, `,"from":`...))
	b = p.To.appendJSON(append(b, `,"to":`...))
	b = append(b, `,"flights":[`...)
	for i := range p.Visits {
		b = appendPresence(comma(b, i), p.State, &p.Visits[i])
	}
	b = append(b, ']')
	if p.Closed {
		b = append(b, `,"closed":true`...)
	}
	return appendNext(b, p.Next)
}

func appendPresence(b []byte, s *airspace.State, v *airspace.Occupant) []byte {
	f := v.Flight
	b = appendString(append(b, `{"flight":`...), f.ID)
	b = appendString(append(b, `,"callsign":`...), f.Callsign)
	b = appendString(append(b, `,"from":`...), f.From)
	b = appendString(append(b, `,"to":`...), f.To)
	b = appendVersion(append(b, `,"version":`...), f.Version)
	b = appendController(b, s, f.ID)
	return append(appendWindow(append(b, ','), v.Window), '}')
}

func appendController(b []byte, s *airspace.State, flight string) []byte {
	state, position, attended := s.Controller(flight)
	if state == 0 {
		return b
	}
	b = appendString(append(b, `,"control":`...), state.String())
	if position != "" {
		b = appendString(append(b, `,"position":`...), position)
	}
	if attended {
		b = append(b, `,"attended":true`...)
	}
	return b
}

// appendNext ends a list with the place of its next page, if any.
func appendNext(b []byte, next string) []byte {
	if next != "" {
		b = appendString(append(b, `,"next":`...), next)
	}
	return append(b, '}')
}

// Cursor spells the place after a visit, for the after of the next page.
func Cursor(v airspace.Occupant) string {
	return strconv.FormatInt(v.Window.EnterMinNs, 10) + "_" + v.Flight.ID
}

// ParseCursor reads what Cursor gives.
func ParseCursor(s string) (airspace.Cursor, bool) {
	ns, flight, ok := strings.Cut(s, "_")
	at, err := strconv.ParseInt(ns, 10, 64)
	return airspace.Cursor{EnterNs: at, Flight: flight}, ok && err == nil && airspace.ValidID(flight)
}

// Question is the body of POST /volumes:query as it was read: a polygon or a circle, a band, and a time from (default: now) to (default:
// one hour later). A circle has become a polygon that holds all of it and nothing more than 1 m
// further out. From and To are nil where they were left out.
type Question struct {
	Volume   geo.Polygon
	From, To *Time
}

// ReadQuestion takes the body of POST /volumes:query. The error is a *problem.Error.
func ReadQuestion(body []byte) (Question, error) {
	r := newReader("query flights", body)
	var q Question
	volume := false
	r.object(func(key []byte) bool {
		switch string(key) {
		case "volume":
			volume = true
			r.area(&q)
		case "from":
			q.From = new(r.time())
		case "to":
			q.To = new(r.time())
		default:
			return false
		}
		return true
	})
	r.need("volume", volume)
	if !r.failed() && q.From != nil && q.To != nil && *q.To <= *q.From {
		r.refuseIn("to", q.To.String(), "after from, "+q.From.String())
	}
	return q, r.finish()
}

func (r *reader) area(q *Question) {
	var p Polygon
	var circle *Circle
	var floor, ceiling Altitude
	var low, high, great bool
	r.object(func(key []byte) bool {
		switch string(key) {
		case "edges":
			great = r.edges()
		case "polygon":
			p = r.polygon()
		case "circle":
			circle = new(r.circle())
		case "floor":
			floor, low = r.altitude(false), true
		case "ceiling":
			ceiling, high = r.altitude(true), true
		default:
			return false
		}
		return true
	})
	r.need("floor", low)
	r.need("ceiling", high)
	switch both := p != nil && circle != nil; {
	case r.failed():
	case both:
		r.refuse("both a polygon and a circle", "a polygon or a circle", "")
	case p == nil && circle == nil:
		r.refuse("neither a polygon nor a circle", "a polygon or a circle", "")
	case p != nil:
		q.Volume = r.shape(p, great, floor, ceiling)
	case great:
		r.refuseIn("edges", GreatCircle, "only with a polygon")
	default:
		r.band(floor, ceiling)
		q.Volume = r.round(circle, geo.Band{Floor: geo.Altitude(floor), Ceiling: geo.Altitude(ceiling)})
	}
}

// round makes a polygon of a circle, at the field of the volume.
func (r *reader) round(c *Circle, band geo.Band) geo.Polygon {
	if r.failed() {
		return geo.Polygon{}
	}
	p, err := cover.Circle(geo.LatLon(c.Center), int64(c.Radius), band)
	if err != nil {
		r.refuseGeo("circle.", err)
	}
	return p
}

// invalid is a problem.Error of kind Invalid.
func invalid(op, field, value, allowed string) error {
	return &problem.Error{Kind: problem.Invalid, Op: op, Field: field, Value: problem.Clip(value), Allowed: allowed}
}
