package web

import (
	"net/url"
	"strconv"
	"strings"

	"onevoice/airspace"
	"onevoice/geo"
	"onevoice/web/api"
)

// maxFilter bounds the values of one name in a filter.
const maxFilter = 100

// filterNames are the parameters that make a filter.
func filterNames() []string { return []string{"kind", "flight", "sector", "zone", "volume"} }

// filter reads the parameters that say which events are wanted: each may come more than once.
func (q *query) filter(values url.Values) airspace.Filter {
	var f airspace.Filter
	for _, name := range filterNames() {
		if n := len(values[name]); n > maxFilter {
			q.refuse(name, strconv.Itoa(n)+" values", "at most "+strconv.Itoa(maxFilter))
		}
	}
	for _, word := range values["kind"] {
		k, ok := airspace.ParseEventKind(word)
		if !ok {
			q.refuse("kind", word, "the kind of an event, as flight-put")
		}
		f.Kinds = append(f.Kinds, k)
	}
	f.Flights, f.Sectors, f.Zones = q.ids(values, "flight"), q.ids(values, "sector"), q.ids(values, "zone")
	for _, text := range values["volume"] {
		v, ok := parseVolume(text)
		if !ok {
			q.refuse("volume", text, "west,south,east,north in degrees, and where it has altitudes two flight levels: 5.9,45.8,10.5,47.8,FL245,FL660")
		}
		f.Volumes = append(f.Volumes, v)
	}
	return f
}

func (q *query) ids(values url.Values, name string) []string {
	for _, id := range values[name] {
		if !airspace.ValidID(id) {
			q.refuse(name, id, api.AllowedID)
		}
	}
	return values[name]
}

// parseVolume reads a box and a band.
func parseVolume(text string) (airspace.FilterVolume, bool) {
	var v airspace.FilterVolume
	parts := strings.Split(text, ",")
	if len(parts) != 4 && len(parts) != 6 {
		return v, false
	}
	var e7 [4]int64
	for i := range e7 {
		most := int64(1_800_000_000)
		if i%2 == 1 {
			most = 900_000_000
		}
		var ok bool
		if e7[i], ok = api.ParseDegrees(parts[i]); !ok || e7[i] < -most || e7[i] > most {
			return v, false
		}
	}
	width := e7[2] - e7[0]
	if width < 0 {
		width += 3_600_000_000
	}
	v.West, v.South, v.North, v.Width = int32(e7[0]), int32(e7[1]), int32(e7[3]), uint32(width)
	if len(parts) == 6 {
		low, ok := flightLevel(parts[4])
		high, also := flightLevel(parts[5])
		if !ok || !also || low >= high {
			return v, false
		}
		v.LowCm, v.HighCm, v.Ref = low, high, geo.RefSTD
	}
	return v, v.South <= v.North
}

func flightLevel(text string) (int32, bool) {
	digits, ok := strings.CutPrefix(text, "FL")
	n, err := strconv.ParseUint(digits, 10, 16)
	return geo.FlightLevel(int(n)).Cm, ok && err == nil
}
