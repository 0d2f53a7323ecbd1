package web

import (
	"fmt"
	"slices"
	"testing"

	"onevoice/airspace"
	"onevoice/cover"
	"onevoice/web/api"
)

func TestCellsOfManyVolumesStillCoverThemAll(t *testing.T) {
	var s airspace.Sector
	for i := range 60 {
		lon := -170 + 5*i
		one, err := api.ReadSector("S", []byte(sectorWith(fmt.Sprintf("[[[%d,%d],[%d,%d],[%d,%d],[%[1]d,%[2]d]]]", lon, i-30, lon+2, i-30, lon+1, i-28), "", "")))
		if err != nil {
			t.Fatal(err)
		}
		s.Volumes = append(s.Volumes, one.Volumes...)
	}
	cells := sectorCells(s.Volumes)
	if n := len(cells); n == 0 || n > airspace.MaxCells || !slices.IsSorted(cells) {
		t.Fatalf("%d cells, sorted %v", n, slices.IsSorted(cells))
	}
	for i, c := range cells[1:] {
		if c-(lowest(c)-1) <= cells[i]+(lowest(cells[i])-1) {
			t.Fatalf("cells %x and %x overlap", cells[i], c)
		}
	}
	for _, v := range s.Volumes {
		own, err := cover.Polygon(v)
		if err != nil {
			t.Fatal(err)
		}
		for _, c := range own {
			if !slices.ContainsFunc(cells, func(u uint64) bool { return c >= u-(lowest(u)-1) && c <= u+(lowest(u)-1) }) {
				t.Fatalf("cell %x is not covered", c)
			}
		}
	}
	if s.ID = "S"; airspace.Validate(airspace.PutSector{Sector: s}) != nil {
		t.Error(airspace.Validate(airspace.PutSector{Sector: s}))
	}
}
