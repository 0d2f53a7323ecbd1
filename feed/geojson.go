package feed

import (
	"encoding/json"
	"fmt"
	"io"
	"math"
	"slices"
	"strings"

	"onevoice/airspace"
	"onevoice/geo"
)

// MaxGeoJSONBytes bounds a sector file.
const MaxGeoJSONBytes = 256 << 20

type feature struct {
	Properties map[string]any `json:"properties"`
	Geometry   *struct {
		Type        string          `json:"type"`
		Coordinates json.RawMessage `json:"coordinates"`
	} `json:"geometry"`
}

// ReadSectors reads a GeoJSON FeatureCollection (RFC 7946, gzip or not) of Polygons and MultiPolygons. Features that share an
// identifier (property sector, code, identifier, id or name, the first there is) are volumes of one sector; fl_min and fl_max
// are flight levels, 0 the surface and 999 or more no ceiling; a floor or ceiling that is none of these is a defect. Edges are straight in longitude and latitude, as the RFC has
// them. A wrong feature is reported and left out. Sectors come in the order in which they first appear, without Cells.
func ReadSectors(in io.Reader) ([]airspace.Sector, Report, error) {
	var report Report
	text, err := plain(in)
	if err != nil {
		return nil, report, fmt.Errorf("read sectors: %w", err)
	}
	var file struct {
		Type     string    `json:"type"`
		Features []feature `json:"features"`
	}
	if err := json.NewDecoder(io.LimitReader(text, MaxGeoJSONBytes)).Decode(&file); err != nil {
		return nil, report, fmt.Errorf("read sectors: %w", err)
	}
	if file.Type != "FeatureCollection" {
		return nil, report, fmt.Errorf("read sectors: type is %q, allowed: FeatureCollection", file.Type)
	}
	var sectors []airspace.Sector
	at := map[string]int{}
	for i, f := range file.Features {
		report.Rows++
		id, name, volumes, defect := readFeature(f)
		if defect != nil {
			defect.Line = i + 1
			report.bad(*defect)
			continue
		}
		report.Good++
		k, seen := at[id]
		if !seen {
			k = len(sectors)
			at[id] = k
			sectors = append(sectors, airspace.Sector{ID: id, Name: name})
		}
		sectors[k].Volumes = append(sectors[k].Volumes, volumes...)
	}
	return sectors, report, nil
}

func readFeature(f feature) (id, name string, volumes []geo.Polygon, defect *Defect) {
	idField, id := firstText(f.Properties, "sector", "code", "identifier", "id", "name")
	if id == "" {
		return "", "", nil, &Defect{Field: "properties", Reason: "no sector, code, identifier, id or name"}
	}
	if !validID(id) {
		return "", "", nil, &Defect{Field: idField, Value: id, Reason: "allowed: 1 to 64 letters, digits and . _ : -"}
	}
	if _, name = firstText(f.Properties, "name", "sector"); name == "" {
		name = id
	}
	band, defect := readBand(f.Properties)
	if defect != nil {
		return "", "", nil, defect
	}
	shapes, err := readShapes(f)
	if err != nil {
		return "", "", nil, &Defect{Field: "geometry", Value: id, Reason: err.Error()}
	}
	for _, shape := range shapes {
		polygon, err := ringsOf(shape, band)
		if err == nil {
			err = polygon.Validate()
		}
		if err != nil {
			return "", "", nil, &Defect{Field: "geometry", Value: id, Reason: err.Error()}
		}
		volumes = append(volumes, polygon)
	}
	return id, name, volumes, nil
}

func firstText(properties map[string]any, names ...string) (field, text string) {
	for _, n := range names {
		if s, ok := properties[n].(string); ok && s != "" {
			return n, s
		}
	}
	return "", ""
}

func readBand(properties map[string]any) (geo.Band, *Defect) {
	low, d := flightLevel(properties, "fl_min", "floor", 0)
	if d != nil {
		return geo.Band{}, d
	}
	high, d := flightLevel(properties, "fl_max", "ceiling", 999)
	if d != nil {
		return geo.Band{}, d
	}
	if low >= high {
		return geo.Band{}, &Defect{Field: "fl_min", Value: fmt.Sprint(low), Reason: fmt.Sprintf("allowed: below fl_max %d", high)}
	}
	return geo.Band{Floor: geo.FlightLevel(low), Ceiling: geo.FlightLevel(high)}, nil
}

func flightLevel(properties map[string]any, name, other string, missing int) (int, *Defect) {
	switch v := properties[name].(type) {
	case nil:
		if properties[other] != nil {
			return 0, &Defect{Field: other, Value: fmt.Sprint(properties[other]), Reason: "allowed: a whole flight level, as " + name}
		}
		return missing, nil
	case float64:
		if v == math.Trunc(v) && v >= 0 && v <= 999 {
			return int(v), nil
		}
	}
	return 0, &Defect{Field: name, Value: fmt.Sprint(properties[name]), Reason: "allowed: a whole flight level from 0 to 999"}
}

func readShapes(f feature) ([][][][]float64, error) {
	if f.Geometry == nil {
		return nil, fmt.Errorf("no geometry")
	}
	switch f.Geometry.Type {
	case "Polygon":
		var one [][][]float64
		err := json.Unmarshal(f.Geometry.Coordinates, &one)
		return [][][][]float64{one}, err
	case "MultiPolygon":
		var many [][][][]float64
		err := json.Unmarshal(f.Geometry.Coordinates, &many)
		return many, err
	}
	return nil, fmt.Errorf("type is %q, allowed: Polygon, MultiPolygon", f.Geometry.Type)
}

func ringsOf(shape [][][]float64, band geo.Band) (geo.Polygon, error) {
	p := geo.Polygon{Band: band}
	for n, closed := range shape {
		if len(closed) < 4 || !slices.Equal(closed[0], closed[len(closed)-1]) {
			return p, fmt.Errorf("ring %d is not closed: its last position must repeat the first", n)
		}
		ring := make(geo.Ring, 0, len(closed)-1)
		for _, at := range closed[:len(closed)-1] {
			if len(at) < 2 || !(math.Abs(at[0]) <= 180) || !(math.Abs(at[1]) <= 90) {
				return p, fmt.Errorf("ring %d holds the position %v, allowed: [longitude -180..180, latitude -90..90]", n, at)
			}
			point := geo.LatLon{LatE7: int32(math.Round(at[1] * 1e7)), LonE7: int32(math.Round(at[0] * 1e7))}
			if point.LonE7 == 180e7 {
				point.LonE7 = -180e7
			}
			// Rounded to 1e-7 degree two neighbours may fall together; they are one vertex then.
			if k := len(ring); k == 0 || ring[k-1] != point {
				ring = append(ring, point)
			}
		}
		p.Rings = append(p.Rings, ring)
	}
	return p, nil
}

func validID(id string) bool {
	for _, r := range id {
		if idRune(r) == '_' && !strings.ContainsRune("._:-", r) {
			return false
		}
	}
	return len(id) >= 1 && len(id) <= airspace.MaxIDBytes
}
