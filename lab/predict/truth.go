package predict

import (
	"cmp"
	"slices"

	"onevoice/airspace"
	"onevoice/feed"
	"onevoice/geo"
)

// volume is a sector made ready.
type volume struct {
	id   string
	list []*geo.Prepared
	box  geo.BBox
}

func prepare(sectors []airspace.Sector) []volume {
	var list []volume
	for _, s := range sectors {
		v := volume{id: s.ID}
		v.list, v.box = geo.PrepareAll(s.Volumes)
		list = append(list, v)
	}
	slices.SortFunc(list, func(a, b volume) int { return cmp.Compare(a.id, b.id) })
	return list
}

// entry is one entry of a flight into a sector.
type entry struct {
	sector int
	atNs   int64
}

// entries lists those of a path that begin after its first point.
func entries(walk *geo.Walk, path []geo.Point4D, sectors []volume) []entry {
	var list []entry
	var found []geo.Window
	box := geo.PathBBox(path)
	for i, s := range sectors {
		if !box.Meets(s.box) {
			continue
		}
		until := path[0].AtNs - shortNs - 1
		found = walk.Append(found[:0], path, geo.Uncertainty{}, s.list, 0)
		for _, w := range found {
			pause := w.EnterMinNs - until
			until = w.LeaveMaxNs
			if w.EnterMinNs > path[0].AtNs && w.LeaveMaxNs-w.EnterMinNs >= shortNs && pause > shortNs {
				list = append(list, entry{i, w.EnterMinNs})
			}
		}
	}
	return list
}

// flight is one that is followed.
type flight struct {
	filed          airspace.Flight // first and last point
	icao24         string
	truth          []entry
	beginNs, endNs int64
}

// flightsOf gives the flights of a recording, by their beginning.
func flightsOf(samples []feed.Sample, sectors []volume) []flight {
	var report feed.Report
	o := feed.DefaultPlanOptions()
	o.LateralM = 0 // every row
	var list []flight
	var walk geo.Walk
	for _, p := range feed.Plans(samples, o, &report) {
		path := p.Flight.Path
		f := flight{filed: p.Flight, icao24: p.ICAO24, truth: entries(&walk, path, sectors), beginNs: path[0].AtNs, endNs: path[len(path)-1].AtNs}
		f.filed.Path = []geo.Point4D{path[0], path[len(path)-1]}
		list = append(list, f)
	}
	return list
}
