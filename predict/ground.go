package predict

import (
	"cmp"
	"slices"

	"onevoice/airspace"
	"onevoice/geo"
)

// ground is the sectors of the last agreed state, made ready.
type ground struct {
	sectors    []sector
	crossRefCm int32
	walk       geo.Walk
}

type sector struct {
	id      string
	volumes []*geo.Prepared
	box     geo.BBox
}

// SetSectors says which sectors there are, and by how much altitude bands are widened where references differ. The windows of
// all flights are computed anew.
func (p *Predictor) SetSectors(sectors []airspace.Sector, crossRefCm int32) {
	p.ground = ground{crossRefCm: crossRefCm}
	for _, s := range sectors {
		n := sector{id: s.ID}
		n.volumes, n.box = geo.PrepareAll(s.Volumes)
		p.ground.sectors = append(p.ground.sectors, n)
	}
	slices.SortFunc(p.ground.sectors, func(a, b sector) int { return cmp.Compare(a.id, b.id) })
	for _, f := range p.plans {
		f.windows = p.ground.windows(f.Path, f.Uncertainty)
	}
}

// windows are those the airspace will compute, by entry and sector.
func (g *ground) windows(path []geo.Point4D, u geo.Uncertainty) []airspace.SectorWindow {
	box := geo.PathBBox(path).Grow(u.LateralCm)
	var list []airspace.SectorWindow
	var found []geo.Window
	for i := range g.sectors {
		s := &g.sectors[i]
		if !box.Meets(s.box) {
			continue
		}
		found = g.walk.Append(found[:0], path, u, s.volumes, g.crossRefCm)
		for _, w := range found {
			list = append(list, airspace.SectorWindow{Sector: s.id, Window: w})
		}
	}
	slices.SortFunc(list, func(a, b airspace.SectorWindow) int {
		return cmp.Or(cmp.Compare(a.EnterMinNs, b.EnterMinNs), cmp.Compare(a.Sector, b.Sector))
	})
	return list
}
