package geojson

import (
	"encoding/json"
	"fmt"
	"io"

	"onevoice/geo"
	"onevoice/web/api"
)

// MaxBytes bounds a file of zones.
const MaxBytes = 64 << 20

// MaxFeatures bounds the features of one.
const MaxFeatures = 100_000

// ReadZones reads zones as OfZone writes them: a FeatureCollection of Polygons with the properties zone, kind, from, to, floor and ceiling (or
// fl_min and fl_max, flight levels), and name, owner, remarks and limit where they have them. Features with the same zone are its volumes; what
// they say of the zone is what the first one says. Zones come in the order in which they first appear. The error names the feature, from 1.
func ReadZones(in io.Reader) ([]api.Zone, error) {
	text, err := io.ReadAll(io.LimitReader(in, MaxBytes+1))
	if err != nil {
		return nil, fmt.Errorf("read zones: %w", err)
	}
	if len(text) > MaxBytes {
		return nil, fmt.Errorf("read zones: over %d bytes, allowed: fewer", MaxBytes)
	}
	var file struct {
		Type     string            `json:"type"`
		Features []json.RawMessage `json:"features"`
	}
	if err := json.Unmarshal(text, &file); err != nil {
		return nil, fmt.Errorf("read zones: %w", err)
	}
	if file.Type != "FeatureCollection" || len(file.Features) > MaxFeatures {
		return nil, fmt.Errorf("read zones: type is %q with %d features, allowed: FeatureCollection with up to %d", file.Type, len(file.Features), MaxFeatures)
	}
	var zones []api.Zone
	at := map[string]int{}
	for i, one := range file.Features {
		z, err := readZone(one)
		if err != nil {
			return nil, fmt.Errorf("read zones: feature %d: %w", i+1, err)
		}
		if k, seen := at[z.ID]; seen {
			zones[k].Volumes = append(zones[k].Volumes, z.Volumes...)
			continue
		}
		at[z.ID] = len(zones)
		zones = append(zones, z)
	}
	return zones, nil
}

// readZone reads a feature as a zone of one volume.
func readZone(text []byte) (z api.Zone, err error) {
	var f struct {
		Geometry   json.RawMessage `json:"geometry"`
		Properties Properties      `json:"properties"`
	}
	if err := json.Unmarshal(text, &f); err != nil {
		return z, err
	}
	p := &f.Properties
	if p.Zone == "" || p.Kind == "" {
		return z, fmt.Errorf("zone is %q and kind %q, both are needed", p.Zone, p.Kind)
	}
	if p.From == nil || p.To == nil {
		return z, fmt.Errorf("zone %s has no from or no to", p.Zone)
	}
	v := api.Volume4D{From: *p.From, To: *p.To}
	if v.Floor, err = heightOf("floor", p.Floor, "fl_min", p.FLMin); err != nil {
		return z, err
	}
	if v.Ceiling, err = heightOf("ceiling", p.Ceiling, "fl_max", p.FLMax); err != nil {
		return z, err
	}
	if err := v.Polygon.UnmarshalJSON(f.Geometry); err != nil {
		return z, err
	}
	return api.Zone{ID: p.Zone, Kind: p.Kind, Name: p.Name, Owner: p.Owner, Remarks: p.Remarks, Limit: p.Limit, Volumes: []api.Volume4D{v}}, nil
}

// heightOf takes an altitude, or a flight level in its stead.
func heightOf(name string, a *api.Altitude, levelName string, level *int) (api.Altitude, error) {
	switch {
	case a != nil:
		return *a, nil
	case level == nil:
		return api.Altitude{}, fmt.Errorf("neither %s nor %s", name, levelName)
	case *level < 0 || *level > 999:
		return api.Altitude{}, fmt.Errorf("%s is %d, allowed: a flight level from 0 to 999", levelName, *level)
	}
	return api.Altitude(geo.FlightLevel(*level)), nil
}
