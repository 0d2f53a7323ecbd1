// Package geojson writes what the service answers as GeoJSON (RFC 7946), for maps and for other programs, and reads zones from it.
// It is quiet: it turns values of web/api into features and back.
//
// A feature is one volume, path or point; its properties say what it belongs to. Positions are as the service has them: edges go the shorter way
// round, so a shape across the antimeridian is one shape here and is not cut in two, as the RFC would like it.
package geojson

import (
	"encoding/json"
	"fmt"
	"io"

	"onevoice/geo"
	"onevoice/web/api"
)

// Feature is one feature. ID is unique among the features of one kind.
type Feature struct {
	Type       string     `json:"type"` // Feature
	ID         string     `json:"id,omitempty"`
	Geometry   any        `json:"geometry"`
	Properties Properties `json:"properties"`
}

// Properties are what a feature says beside its shape; what it has nothing to say about is left out.
type Properties struct {
	Sector string `json:"sector,omitempty"`
	Zone   string `json:"zone,omitempty"`
	Flight string `json:"flight,omitempty"`
	Name   string `json:"name,omitempty"`
	// Of a zone.
	Kind    string         `json:"kind,omitempty"`
	Owner   string         `json:"owner,omitempty"`
	Remarks string         `json:"remarks,omitempty"`
	Limit   *api.ZoneLimit `json:"limit,omitempty"`
	// Of a volume. FLMin and FLMax are its heights where they are whole flight levels, 999 for no ceiling, as files of sectors have them.
	Floor   *api.Altitude `json:"floor,omitempty"`
	Ceiling *api.Altitude `json:"ceiling,omitempty"`
	FLMin   *int          `json:"fl_min,omitempty"`
	FLMax   *int          `json:"fl_max,omitempty"`
	// When a volume is there or a path is flown, from its first point to its last.
	From *api.Time `json:"from,omitempty"`
	To   *api.Time `json:"to,omitempty"`
	// Of a flight. Times are those of the positions of a path, in order, and Windows the sectors that it may be in.
	Callsign    string             `json:"callsign,omitempty"`
	Origin      string             `json:"origin,omitempty"`
	Destination string             `json:"destination,omitempty"`
	Times       []api.Time         `json:"times,omitempty"`
	Altitudes   []api.Altitude     `json:"altitudes,omitempty"`
	Windows     []api.SectorWindow `json:"windows,omitempty"`
	// Of a conflict: its flights, and how far apart they are at the point, which is their closest.
	A        string      `json:"a,omitempty"`
	B        string      `json:"b,omitempty"`
	Time     *api.Time   `json:"time,omitempty"`
	Lateral  *api.Length `json:"lateral,omitempty"`
	Vertical *api.Height `json:"vertical,omitempty"`
	Sectors  []string    `json:"sectors,omitempty"`

	Version string `json:"version,omitempty"`
}

// shape is a geometry that is no polygon.
type shape struct {
	Type        string `json:"type"`
	Coordinates any    `json:"coordinates"`
}

// flightLevelCm is a flight level in centimetres.
const flightLevelCm = 3048

// OfSector gives the volumes of a sector.
func OfSector(s *api.Sector) []Feature {
	list := make([]Feature, len(s.Volumes))
	for i := range s.Volumes {
		v := &s.Volumes[i]
		list[i] = volume(numbered(s.ID, i), v, Properties{Sector: s.ID, Name: s.Name, From: v.From, To: v.To, Version: s.Version})
	}
	return list
}

// OfZone gives the volumes of a zone.
func OfZone(z *api.Zone) []Feature {
	list := make([]Feature, len(z.Volumes))
	for i := range z.Volumes {
		v := &z.Volumes[i]
		list[i] = volume(numbered(z.ID, i), &v.Volume, Properties{Zone: z.ID, Name: z.Name, Kind: z.Kind, Owner: z.Owner, Remarks: z.Remarks,
			Limit: z.Limit, From: &v.From, To: &v.To, Version: z.Version})
	}
	return list
}

// OfFlight gives the path of a flight, or its volumes.
func OfFlight(f *api.Flight) []Feature {
	p := Properties{Flight: f.ID, Callsign: f.Callsign, Origin: f.From, Destination: f.To, Windows: f.Windows, Version: f.Version}
	if len(f.Path) == 0 {
		list := make([]Feature, len(f.Volumes))
		for i := range f.Volumes {
			v := &f.Volumes[i]
			p.From, p.To = &v.From, &v.To
			list[i] = volume(numbered(f.ID, i), &v.Volume, p)
		}
		return list
	}
	line := make([]api.Position, len(f.Path))
	for i, at := range f.Path {
		line[i] = at.Position
		p.Times, p.Altitudes = append(p.Times, at.Time), append(p.Altitudes, at.Altitude)
	}
	from, to := f.Begins(), f.Ends()
	p.From, p.To = &from, &to
	return []Feature{{"Feature", f.ID, shape{"LineString", line}, p}}
}

// OfConflict gives the closest point of two flights.
func OfConflict(c *api.Conflict) []Feature {
	at := &c.Closest
	return []Feature{{"Feature", c.A.Flight + "+" + c.B.Flight, shape{"Point", at.Position}, Properties{A: c.A.Flight, B: c.B.Flight,
		From: &c.Spans[0].From, To: &c.Spans[len(c.Spans)-1].To, Time: &at.Time, Lateral: &at.Lateral, Vertical: &at.Vertical, Sectors: c.Sectors, Version: c.Since}}}
}

// numbered names the volume i of a thing.
func numbered(id string, i int) string { return fmt.Sprintf("%s/%d", id, i+1) }

func volume(id string, v *api.Volume, p Properties) Feature {
	p.Floor, p.Ceiling = &v.Floor, &v.Ceiling
	p.FLMin, p.FLMax = level(v.Floor), level(v.Ceiling)
	return Feature{"Feature", id, v.Polygon, p}
}

// level is an altitude as a flight level, nil where it is none.
func level(a api.Altitude) *int {
	n := int(a.Cm) / flightLevelCm
	switch {
	case a.Cm == geo.UnlimitedCm:
		n = 999
	case a.Ref != geo.RefSTD || a.Cm%flightLevelCm != 0 || n < 0 || n > 998:
		return nil
	}
	return &n
}

// Collection writes features as one FeatureCollection, as they come.
type Collection struct {
	to    io.Writer
	count int
}

// Begin begins a collection.
func Begin(to io.Writer) (*Collection, error) {
	_, err := io.WriteString(to, `{"type":"FeatureCollection","features":[`)
	return &Collection{to: to}, err
}

// Add writes features, each on a line of its own.
func (c *Collection) Add(features []Feature) error {
	for i := range features {
		b, err := json.Marshal(&features[i])
		if err != nil {
			return err
		}
		begin := ",\n"
		if c.count == 0 {
			begin = "\n"
		}
		if _, err := c.to.Write(append([]byte(begin), b...)); err != nil {
			return err
		}
		c.count++
	}
	return nil
}

// End ends the collection.
func (c *Collection) End() error {
	_, err := io.WriteString(c.to, "\n]}\n")
	return err
}
