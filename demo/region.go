// Package demo makes up a region and its traffic, so that the service has something to show without any data file.
// It is quiet: everything follows from a seed and a moment.
//
// The four areas lie over the western Alps and are cut into three layers each. Areas, levels and flights are invented; the
// aerodromes stand where they really are.
package demo

import (
	"onevoice/airspace"
	"onevoice/geo"
)

// area is one piece of ground, cut into layers.
type area struct {
	name string
	ring geo.Ring
}

// layer is one slice of every area.
type layer struct {
	suffix, name string
	low, high    int // flight levels
}

func at(lat, lon float64) geo.LatLon {
	return geo.LatLon{LatE7: int32(lat * 1e7), LonE7: int32(lon * 1e7)}
}

// The areas meet in one point and share their borders, so that every flight within the region is in just one of them.
func areas() []area {
	meet := at(46.95, 8.25)
	northWest, north, northEast := at(48.6, 5.6), at(48.9, 8.4), at(48.6, 11.2)
	east, southEast, south := at(46.9, 11.6), at(45.3, 11.0), at(45.0, 8.3)
	southWest, west := at(45.4, 5.5), at(46.9, 5.1)
	return []area{
		{"JURA", geo.Ring{meet, southWest, west, northWest}},
		{"RHINE", geo.Ring{meet, northWest, north, northEast}},
		{"ADIGE", geo.Ring{meet, northEast, east, southEast}},
		{"TICINO", geo.Ring{meet, southEast, south, southWest}},
	}
}

func layers() []layer {
	return []layer{{"L", "lower", 95, 245}, {"M", "middle", 245, 345}, {"H", "upper", 345, 660}}
}

// Sectors are the twelve sectors of the region, without Cells. In the busiest minutes some come to their warning.
func Sectors() []airspace.Sector {
	var sectors []airspace.Sector
	for _, a := range areas() {
		for _, l := range layers() {
			band := geo.Band{Floor: geo.FlightLevel(l.low), Ceiling: geo.FlightLevel(l.high)}
			sectors = append(sectors, airspace.Sector{
				ID: a.name + "-" + l.suffix, Name: a.name + " " + l.name,
				Volumes:  []geo.Polygon{{Rings: []geo.Ring{a.ring}, Band: band}},
				Capacity: airspace.Capacity{OccupancyWarn: 8, OccupancyAlert: 12},
			})
		}
	}
	return sectors
}
