package predict

import (
	"fmt"
	"strconv"
	"strings"

	"onevoice/airspace"
	"onevoice/cover"
	"onevoice/geo"
)

// Circle is a sector around a place at all altitudes, its radius in nautical miles.
func Circle(id string, middle geo.LatLon, radiusNM float64) (airspace.Sector, error) {
	band := geo.Band{Floor: geo.Altitude{Cm: geo.MinAltitudeCm, Ref: geo.RefSTD}, Ceiling: geo.FlightLevel(999)}
	volume, err := cover.Circle(middle, int64(radiusNM*185_200), band)
	return airspace.Sector{ID: id, Name: id, Volumes: []geo.Polygon{volume}}, err
}

// ParseCircle reads NAME=LAT,LON,NM, as EGLL=51.4706,-0.4619,5.
func ParseCircle(text string) (airspace.Sector, error) {
	wrong := fmt.Errorf("circle is %q, allowed: NAME=LAT,LON,NM, as EGLL=51.4706,-0.4619,5", text)
	id, rest, _ := strings.Cut(text, "=")
	parts := strings.Split(rest, ",")
	if !airspace.ValidID(id) || len(parts) != 3 {
		return airspace.Sector{}, wrong
	}
	var v [3]float64
	for i := range parts {
		var err error
		if v[i], err = strconv.ParseFloat(parts[i], 64); err != nil {
			return airspace.Sector{}, wrong
		}
	}
	if !(v[0] >= -89 && v[0] <= 89 && v[1] >= -180 && v[1] < 180 && v[2] > 0 && v[2] <= 500) {
		return airspace.Sector{}, wrong
	}
	return Circle(id, geo.LatLon{LatE7: int32(v[0] * 1e7), LonE7: int32(v[1] * 1e7)}, v[2])
}
