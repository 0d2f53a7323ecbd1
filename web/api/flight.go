package api

import (
	"cmp"
	"slices"
	"strconv"

	"onevoice/airspace"
	"onevoice/cover"
	"onevoice/geo"
)

// Point is one point of a plan: where the aircraft is at an instant. Between points everything changes evenly with time,
// straight in longitude and latitude.
type Point struct {
	Position Position `json:"position"`
	Altitude Altitude `json:"altitude"`
	Time     Time     `json:"time"`
}

// Uncertainty is how far a flight may be from its plan, as half-widths. It has to be stated; each may be 0.
type Uncertainty struct {
	Lateral  Length   `json:"lateral"`
	Vertical Height   `json:"vertical"`
	Time     Duration `json:"time"`
}

// Volume4D is a place where a flight may be from From until before To, wherever in it.
type Volume4D struct {
	Volume
	From Time `json:"from"`
	To   Time `json:"to"`
}

// Flight is the body of a PUT and, with Version and Windows, of an answer. It has a Path with its Uncertainty, or Volumes.
type Flight struct {
	ID          string       `json:"id"`
	Callsign    string       `json:"callsign"`
	From        string       `json:"from"`
	To          string       `json:"to"`
	Path        []Point      `json:"path,omitempty"`
	Volumes     []Volume4D   `json:"volumes,omitempty"`
	Uncertainty *Uncertainty `json:"uncertainty,omitempty"`
	// Legs of a PUT say what runs between the points; see Straight. Answers have straight legs.
	Legs    string         `json:"legs,omitempty"`
	Version string         `json:"version,omitempty"`
	Windows []SectorWindow `json:"windows,omitempty"`
	// Progress is absent until a feed has reported on the plan.
	Progress *Progress `json:"progress,omitempty"`
}

// Begins is the first instant of the plan, its first point or the begin of its earliest volume.
func (f *Flight) Begins() Time {
	if len(f.Path) > 0 {
		return f.Path[0].Time
	}
	return slices.MinFunc(f.Volumes, func(a, b Volume4D) int { return cmp.Compare(a.From, b.From) }).From
}

// Ends is the last instant of the plan, its last point or the end of its latest volume.
func (f *Flight) Ends() Time {
	if n := len(f.Path); n > 0 {
		return f.Path[n-1].Time
	}
	return slices.MaxFunc(f.Volumes, func(a, b Volume4D) int { return cmp.Compare(a.To, b.To) }).To
}

// Window is one visit: the flight may be inside from EntersEarliest until LeavesLatest and at no other time of this visit.
// Where Sure, it surely is inside from EntersLatest until LeavesEarliest.
type Window struct {
	EntersEarliest Time `json:"enters_earliest"`
	EntersLatest   Time `json:"enters_latest"`
	LeavesEarliest Time `json:"leaves_earliest"`
	LeavesLatest   Time `json:"leaves_latest"`
	Sure           bool `json:"sure"`
}

// SectorWindow is one visit to a sector.
type SectorWindow struct {
	Sector string `json:"sector"`
	Window
}

// ReadFlight takes the body of PUT /flights/{id} and checks its path or volumes. The id may be left out of the body; given, it must
// be id. Cells are left to the caller. The error is a *problem.Error.
func ReadFlight(id string, body []byte) (airspace.Flight, error) {
	r := newReader("put flight", body)
	f := airspace.Flight{ID: id}
	var path, volumes, uncertainty, great bool
	r.object(func(key []byte) bool {
		switch string(key) {
		case "legs":
			great = r.edges()
		case "id":
			r.sameID(id)
		case "callsign":
			f.Callsign = r.label()
		case "from":
			f.From = r.label()
		case "to":
			f.To = r.label()
		case "path":
			path = true
			f.Path = make([]geo.Point4D, 0, firstPoints)
			r.array(geo.MaxPathPoints, func(i int) { f.Path = append(f.Path, r.point(f.Path)) })
		case "volumes":
			volumes = true
			r.array(airspace.MaxFlightVolumes, func(int) { f.Volumes = append(f.Volumes, r.volume4D()) })
		case "uncertainty":
			f.Uncertainty, uncertainty = r.uncertainty(), true
		default:
			return false
		}
		return true
	})
	if volumes {
		r.onlyVolumes(&f, path || great)
		return f, r.about(id)
	}
	r.need("path", path)
	r.need("uncertainty", uncertainty)
	r.route(f.Path)
	if great && !r.failed() {
		f.Path = cover.GreatCircle(f.Path)
		r.route(f.Path)
	}
	return f, r.about(id)
}

// onlyVolumes refuses what does not go with volumes.
func (r *reader) onlyVolumes(f *airspace.Flight, path bool) {
	switch {
	case r.failed():
	case path:
		r.refuseIn("volumes", "beside a path", "a path or volumes")
	case len(f.Volumes) == 0:
		r.refuseIn("volumes", "none", "1 to "+strconv.Itoa(airspace.MaxFlightVolumes))
	case f.Uncertainty != geo.Uncertainty{}:
		r.refuseIn("uncertainty", "not 0", "none with volumes, which hold all places where the flight may be")
	}
}

// volume4D takes a volume with its time.
func (r *reader) volume4D() airspace.Volume4D {
	var v airspace.Volume4D
	var from, to bool
	v.Area = r.volumeAnd(func(key []byte) bool {
		switch string(key) {
		case "from":
			v.FromNs, from = int64(r.time()), true
		case "to":
			v.ToNs, to = int64(r.time()), true
		default:
			return false
		}
		return true
	})
	r.need("from", from)
	r.need("to", to)
	if !r.failed() && v.ToNs <= v.FromNs {
		r.refuseIn("to", Time(v.ToNs).String(), "after from, "+Time(v.FromNs).String())
	}
	return v
}

// firstPoints is room for a filed plan; one that was cut from tracks grows beyond it.
const firstPoints = 16

// label takes a callsign or the name of an aerodrome: printable ASCII, which may be empty.
func (r *reader) label() string {
	s := r.str(airspace.MaxLabelBytes)
	for _, c := range []byte(s) {
		if c < ' ' || c > '~' {
			r.refuse(strconv.Quote(s), "printable ASCII", "")
			return ""
		}
	}
	return s
}

// point takes a point of a path and holds it against the one before it.
func (r *reader) point(before []geo.Point4D) geo.Point4D {
	var p Point
	var position, altitude, at bool
	r.object(func(key []byte) bool {
		switch string(key) {
		case "position":
			p.Position, position = r.position(), true
		case "altitude":
			p.Altitude, altitude = r.altitude(false), true
		case "time":
			p.Time, at = r.time(), true
		default:
			return false
		}
		return true
	})
	r.need("position", position)
	r.need("altitude", altitude)
	r.need("time", at)
	if n := len(before); n > 0 && !r.failed() && int64(p.Time) <= before[n-1].AtNs {
		r.refuseIn("time", p.Time.String(), "after the point before it, "+Time(before[n-1].AtNs).String())
	}
	return geo.Point4D{Pos: geo.LatLon(p.Position), Alt: geo.Altitude(p.Altitude), AtNs: int64(p.Time)}
}

// route checks a path as a whole.
func (r *reader) route(path []geo.Point4D) {
	if r.failed() {
		return
	}
	if n := len(path); n < 2 || n > geo.MaxPathPoints {
		r.refuseIn("path", strconv.Itoa(n)+" points", "2 to "+strconv.Itoa(geo.MaxPathPoints)+" points")
		return
	}
	if err := geo.ValidatePath(path); err != nil {
		r.refuseGeo("", err)
	}
}

func (r *reader) uncertainty() geo.Uncertainty {
	var u Uncertainty
	var lateral, vertical, at bool
	r.object(func(key []byte) bool {
		switch string(key) {
		case "lateral":
			u.Lateral, lateral = r.length(0, geo.MaxLateralCm), true
		case "vertical":
			u.Vertical, vertical = r.height(geo.MaxVerticalCm), true
		case "time":
			u.Time, at = r.duration(geo.MaxTimeNs), true
		default:
			return false
		}
		return true
	})
	r.need("lateral", lateral)
	r.need("vertical", vertical)
	r.need("time", at)
	return geo.Uncertainty{LateralCm: int32(u.Lateral), VerticalCm: int32(u.Vertical), TimeNs: int64(u.Time)}
}

// FromFlight gives a record as a body. The record is not changed.
func FromFlight(f *airspace.FlightRecord) Flight {
	out := Flight{ID: f.ID, Callsign: f.Callsign, From: f.From, To: f.To, Path: fromPath(f.Path), Windows: FromWindows(f.Windows), Progress: fromProgress(f.Progress)}
	if f.Version != (airspace.Version{}) {
		out.Version = f.Version.String()
	}
	for i := range f.Volumes {
		v := &f.Volumes[i]
		out.Volumes = append(out.Volumes, Volume4D{FromVolume(&v.Area), Time(v.FromNs), Time(v.ToNs)})
	}
	if u := f.Uncertainty; len(f.Path) > 0 {
		out.Uncertainty = &Uncertainty{Length(u.LateralCm), Height(u.VerticalCm), Duration(u.TimeNs)}
	}
	return out
}

func fromPath(path []geo.Point4D) []Point {
	var out []Point
	for _, p := range path {
		out = append(out, Point{Position(p.Pos), Altitude(p.Alt), Time(p.AtNs)})
	}
	return out
}

// FromWindows gives sector windows as they stand in answers.
func FromWindows(windows []airspace.SectorWindow) []SectorWindow {
	var out []SectorWindow
	for _, w := range windows {
		out = append(out, SectorWindow{w.Sector, FromWindow(w.Window)})
	}
	return out
}

// FromWindow gives a window as it stands in answers.
func FromWindow(w geo.Window) Window {
	return Window{Time(w.EnterMinNs), Time(w.EnterMaxNs), Time(w.LeaveMinNs), Time(w.LeaveMaxNs), w.Sure()}
}

// AppendFlight appends the record as the JSON of a Flight. Of a plan that has no version yet it makes the body of a PUT.
func AppendFlight(b []byte, f *airspace.FlightRecord) []byte {
	b = appendNames(b, f)
	if len(f.Volumes) > 0 {
		b = appendVolumes(append(b, `,"volumes":`...), f.Volumes)
	} else {
		b = appendPath(append(b, `,"path":`...), f)
	}
	if f.Version != (airspace.Version{}) {
		b = appendVersion(append(b, `,"version":`...), f.Version)
	}
	if len(f.Windows) > 0 {
		b = appendWindows(append(b, `,"windows":`...), f.Windows)
	}
	if f.Progress != nil {
		b = appendProgress(append(b, `,"progress":`...), f.Progress)
	}
	return append(b, '}')
}

// appendPath appends a path and its uncertainty.
func appendPath(b []byte, f *airspace.FlightRecord) []byte {
	b = append(b, '[')
	for i, p := range f.Path {
		b = Position(p.Pos).appendJSON(append(comma(b, i), `{"position":`...))
		b = Altitude(p.Alt).appendJSON(append(b, `,"altitude":`...))
		b = Time(p.AtNs).appendJSON(append(b, `,"time":`...))
		b = append(b, '}')
	}
	u := f.Uncertainty
	b = Length(u.LateralCm).appendJSON(append(b, `],"uncertainty":{"lateral":`...))
	b = Height(u.VerticalCm).appendJSON(append(b, `,"vertical":`...))
	b = Duration(u.TimeNs).appendJSON(append(b, `,"time":`...))
	return append(b, '}')
}

func appendVolumes(b []byte, volumes []airspace.Volume4D) []byte {
	b = append(b, '[')
	for i := range volumes {
		v := &volumes[i]
		b = appendVolume(append(comma(b, i), '{'), &v.Area)
		b = Time(v.FromNs).appendJSON(append(b, `,"from":`...))
		b = Time(v.ToNs).appendJSON(append(b, `,"to":`...))
		b = append(b, '}')
	}
	return append(b, ']')
}

// appendNames begins an object with what names a flight.
func appendNames(b []byte, f *airspace.FlightRecord) []byte {
	b = appendString(append(b, `{"id":`...), f.ID)
	b = appendString(append(b, `,"callsign":`...), f.Callsign)
	b = appendString(append(b, `,"from":`...), f.From)
	return appendString(append(b, `,"to":`...), f.To)
}

func appendWindows(b []byte, windows []airspace.SectorWindow) []byte {
	b = append(b, '[')
	for i, w := range windows {
		b = appendString(append(comma(b, i), `{"sector":`...), w.Sector)
		b = append(appendWindow(append(b, ','), w.Window), '}')
	}
	return append(b, ']')
}

// appendWindow appends the fields of a Window, without braces.
func appendWindow(b []byte, w geo.Window) []byte {
	b = Time(w.EnterMinNs).appendJSON(append(b, `"enters_earliest":`...))
	b = Time(w.EnterMaxNs).appendJSON(append(b, `,"enters_latest":`...))
	b = Time(w.LeaveMinNs).appendJSON(append(b, `,"leaves_earliest":`...))
	b = Time(w.LeaveMaxNs).appendJSON(append(b, `,"leaves_latest":`...))
	return strconv.AppendBool(append(b, `,"sure":`...), w.Sure())
}
