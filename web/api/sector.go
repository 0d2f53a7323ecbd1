package api

import (
	"errors"
	"slices"
	"strconv"
	"strings"

	"onevoice/airspace"
	"onevoice/cover"
	"onevoice/geo"
)

// Volume is one piece of a sector: an area from a floor up to, not including, a ceiling of the same reference.
type Volume struct {
	// From and To say when the volume of a sector is there, as airspace changes are known ahead of time; without them it always is.
	From    *Time    `json:"from,omitempty"`
	To      *Time    `json:"to,omitempty"`
	Polygon Polygon  `json:"polygon"`
	Floor   Altitude `json:"floor"`
	Ceiling Altitude `json:"ceiling"`
	// Edges of a PUT say what runs between the positions; see Straight. Answers have straight edges.
	Edges string `json:"edges,omitempty"`
}

// What runs between two positions of a ring or path.
const (
	// Straight is straight in longitude and latitude, the shorter way round; it need not be said.
	Straight = "straight"
	// GreatCircle is the shortest way over the sphere. It is cut into straight edges that stay within 1 m of it.
	GreatCircle = "great-circle"
)

func (r *reader) edges() (great bool) { return r.oneOf(Straight+" "+GreatCircle) == GreatCircle }

// Sector is the body of a PUT and of an answer. Version stands in answers only: a PUT that carries one is refused, since
// If-Match says which version is meant.
type Sector struct {
	ID      string   `json:"id"`
	Name    string   `json:"name"`
	Volumes []Volume `json:"volumes"`
	// Separation is left out where the default holds, Capacity where the sector has no thresholds.
	Separation *Separation `json:"separation,omitempty"`
	Capacity   *Capacity   `json:"capacity,omitempty"`
	// Hours are left out of a sector that is always open.
	Hours   *Hours `json:"hours,omitempty"`
	Version string `json:"version,omitempty"`
	// Staged is a change of the sector that is agreed and does not hold yet, or that holds and is being told of; in answers only.
	Staged *Staged `json:"staged,omitempty"`
}

// Staged says how far a change is that touches too many flights for one entry of the log.
type Staged struct {
	Version string `json:"version"`
	// Since is the service time at which it was asked for.
	Since Time `json:"since"`
	// Phase is prepares while nothing of it is to be seen, tells when it holds and events say so for one flight after another, drops when it was
	// given up.
	Phase string `json:"phase"`
	// Done is how many flights the phase has looked at, of about Of.
	Done int `json:"done"`
	Of   int `json:"of"`
}

// ReadSector takes the body of PUT /sectors/{id} and checks its shapes. The id may be left out of the body; given, it must
// be id. Cells are left to the caller. The error is a *problem.Error.
func ReadSector(id string, body []byte) (airspace.Sector, error) {
	r := newReader("put sector", body)
	s := airspace.Sector{ID: id}
	volumes := false
	r.object(func(key []byte) bool {
		switch string(key) {
		case "id":
			r.sameID(id)
		case "name":
			s.Name = r.str(airspace.MaxNameBytes)
		case "volumes":
			volumes = true
			r.array(airspace.MaxVolumes, func(int) { r.datedVolume(&s) })
		case "separation":
			s.Separation = r.separation()
		case "capacity":
			s.Capacity = r.capacity()
		case "hours":
			s.Hours = r.hours()
		default:
			return false
		}
		return true
	})
	r.need("volumes", volumes)
	if s.Name == "" {
		s.Name = id
	}
	return s, r.about(id)
}

// about is finish, with the subject in the problem.
func (r *reader) about(subject string) error {
	err := r.finish()
	if err != nil {
		r.err.Subject = subject
	}
	return err
}

func (r *reader) sameID(id string) {
	const longest = 256
	if s := r.str(longest); s != id {
		r.refuse(s, id+", as in the path, or nothing", "")
	}
}

// datedVolume takes one more volume of a sector.
func (r *reader) datedVolume(s *airspace.Sector) {
	at := airspace.Always()
	s.Volumes = append(s.Volumes, r.volumeAnd(func(key []byte) bool {
		switch string(key) {
		case "from":
			at.FromNs = int64(r.time())
		case "to":
			at.ToNs = int64(r.time())
		default:
			return false
		}
		return true
	}))
	s.Effective = effective(s.Effective, len(s.Volumes), at)
}

// volumeAnd takes a volume among whose fields are others.
func (r *reader) volumeAnd(other func(key []byte) bool) geo.Polygon {
	var p Polygon
	var floor, ceiling Altitude
	var area, low, high, great bool
	r.object(func(key []byte) bool {
		switch string(key) {
		case "edges":
			great = r.edges()
		case "polygon":
			p, area = r.polygon(), true
		case "floor":
			floor, low = r.altitude(false), true
		case "ceiling":
			ceiling, high = r.altitude(true), true
		default:
			return other(key)
		}
		return true
	})
	r.need("polygon", area)
	r.need("floor", low)
	r.need("ceiling", high)
	return r.shape(p, great, floor, ceiling)
}

// shape makes and checks a geo.Polygon.
func (r *reader) shape(p Polygon, great bool, floor, ceiling Altitude) geo.Polygon {
	volume := geo.Polygon{Band: geo.Band{Floor: geo.Altitude(floor), Ceiling: geo.Altitude(ceiling)}}
	for _, closed := range p {
		ring := open(closed)
		if great && !r.failed() {
			ring = cover.DensifyRing(ring)
		}
		volume.Rings = append(volume.Rings, ring)
	}
	r.band(floor, ceiling)
	if r.failed() {
		return volume
	}
	if err := volume.Validate(); err != nil {
		r.refuseGeo("polygon.", err)
	}
	return volume
}

func (r *reader) band(floor, ceiling Altitude) {
	switch {
	case r.failed(), ceiling.Cm == geo.UnlimitedCm:
	case ceiling.Ref != floor.Ref:
		r.refuseIn("ceiling", ceiling.String(), "the floor's reference, "+floor.Ref.String())
	case ceiling.Cm <= floor.Cm:
		r.refuseIn("ceiling", ceiling.String(), "above the floor, "+floor.String())
	}
}

// open gives a ring without the last position, which repeats the first. Neighbours that are the same to 1e-7 degree are one.
func open(closed []Position) geo.Ring {
	ring := make(geo.Ring, 0, len(closed))
	for _, p := range closed[:max(len(closed)-1, 0)] {
		ring = append(ring, geo.LatLon(p))
	}
	ring = slices.Compact(ring)
	for len(ring) > 1 && ring[0] == ring[len(ring)-1] {
		ring = ring[:len(ring)-1]
	}
	return ring
}

// refuseGeo says what geo found wrong below a prefix, in the words of these bodies.
func (r *reader) refuseGeo(prefix string, err error) {
	words := strings.NewReplacer("rings", "coordinates", "points[", "path[", "].at", "].time", "].alt.ref", "].altitude.ref", "].lon", "]", "].lat", "]")
	var wrong *geo.FieldError
	if !errors.As(err, &wrong) {
		r.refuse(err.Error(), "", "")
		return
	}
	field, _, _ := strings.Cut(words.Replace(wrong.Field), " ")
	r.refuseIn(prefix+field, words.Replace(wrong.Value), wrong.Allowed)
}

// FromSector gives a record as a body. The record is not changed.
func FromSector(s *airspace.SectorRecord) Sector {
	out := Sector{ID: s.ID, Name: s.Name, Volumes: make([]Volume, len(s.Volumes))}
	if s.Version != (airspace.Version{}) {
		out.Version = s.Version.String()
	}
	for i := range s.Volumes {
		out.Volumes[i] = FromVolume(&s.Volumes[i])
		if len(s.Effective) > 0 {
			out.Volumes[i].From, out.Volumes[i].To = dates(s.Effective[i])
		}
	}
	if sep := s.Separation; sep != (geo.Separation{}) {
		out.Separation = &Separation{Length(sep.LateralCm), Height(sep.VerticalCm)}
	}
	if s.Capacity != (airspace.Capacity{}) {
		out.Capacity = new(Capacity(s.Capacity))
	}
	out.Hours = fromHours(&s.Hours)
	return out
}

// FromVolume gives a volume as a body, with its rings closed.
func FromVolume(p *geo.Polygon) Volume {
	v := Volume{Floor: Altitude(p.Band.Floor), Ceiling: Altitude(p.Band.Ceiling), Polygon: make(Polygon, len(p.Rings))}
	for i, ring := range p.Rings {
		closed := make([]Position, 0, len(ring)+1)
		for _, at := range ring {
			closed = append(closed, Position(at))
		}
		v.Polygon[i] = append(closed, closed[0])
	}
	return v
}

// AppendSector appends the record as the JSON of a Sector.
func AppendSector(b []byte, s *airspace.SectorRecord) []byte {
	b = appendString(append(b, `{"id":`...), s.ID)
	b = appendString(append(b, `,"name":`...), s.Name)
	b = append(b, `,"volumes":[`...)
	for i := range s.Volumes {
		b = append(comma(b, i), '{')
		if len(s.Effective) > 0 {
			from, to := dates(s.Effective[i])
			b = appendSpan(b, from, to)
		}
		b = append(appendVolume(b, &s.Volumes[i]), '}')
	}
	b = append(b, ']')
	if s.Separation != (geo.Separation{}) {
		b = appendSeparation(append(b, `,"separation":`...), s.Separation)
	}
	if s.Capacity != (airspace.Capacity{}) {
		b = appendCapacity(append(b, `,"capacity":`...), s.Capacity)
	}
	if h := fromHours(&s.Hours); h != nil {
		b = appendHours(append(b, `,"hours":`...), h)
	}
	b = append(b, `,"version":`...)
	return append(appendVersion(b, s.Version), '}')
}

// AppendSectorStaged is AppendSector of one that is being changed.
func AppendSectorStaged(b []byte, s *airspace.SectorRecord, st *airspace.Staging) []byte {
	b = AppendSector(b, s)
	b = appendVersion(append(b[:len(b)-1], `,"staged":{"version":`...), st.Version)
	b = Time(st.SinceNs).appendJSON(append(b, `,"since":`...))
	b = appendString(append(b, `,"phase":`...), st.Phase.String())
	b = strconv.AppendInt(append(b, `,"done":`...), int64(st.Done), 10)
	b = strconv.AppendInt(append(b, `,"of":`...), int64(st.Of), 10)
	return append(b, '}', '}')
}

// appendVolume appends the fields of a Volume, without braces.
func appendVolume(b []byte, p *geo.Polygon) []byte {
	v := FromVolume(p)
	b = v.Polygon.appendJSON(append(b, `"polygon":`...))
	b = v.Floor.appendJSON(append(b, `,"floor":`...))
	return v.Ceiling.appendJSON(append(b, `,"ceiling":`...))
}

func appendVersion(b []byte, v airspace.Version) []byte {
	return append(v.Append(append(b, '"')), '"')
}

// String is an altitude for people, as "FL245", "5000 ft AMSL" or "unlimited".
func (a Altitude) String() string {
	if a.Cm == geo.UnlimitedCm {
		return "unlimited"
	}
	ref := a.Ref.String()
	if a.Ref == geo.RefSTD && a.Cm%flightLevelCm == 0 {
		return "FL" + string(appendLevel(nil, a.Cm/flightLevelCm))
	}
	if ft, ok := unitNamed("ft").out(int64(a.Cm)); ok {
		return string(appendScaled(nil, ft, 0)) + " ft " + ref
	}
	return string(appendScaled(nil, int64(a.Cm), 2)) + " m " + ref
}

// appendLevel writes a flight level with at least three digits.
func appendLevel(b []byte, level int32) []byte {
	if level >= 0 && level < 100 {
		b = append(b, '0')
	}
	if level >= 0 && level < 10 {
		b = append(b, '0')
	}
	return appendScaled(b, int64(level), 0)
}
