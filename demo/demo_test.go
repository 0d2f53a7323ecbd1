package demo

import (
	"reflect"
	"testing"
	"time"

	"onevoice/geo"
)

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC).UnixNano()

func TestSectorsAreTwelveSoundOnes(t *testing.T) {
	sectors := Sectors()
	if len(sectors) != 12 {
		t.Errorf("%d sectors", len(sectors))
	}
	for _, s := range sectors {
		for _, v := range s.Volumes {
			if err := v.Validate(); err != nil {
				t.Errorf("%s: %v", s.ID, err)
			}
		}
	}
}

// A flight of the region is the same whoever makes it, valid as a plan, and nearly always in the region at some time.
func TestAnHourOfTraffic(t *testing.T) {
	inside, flights := 0, 0
	ids := map[string]bool{}
	for slot := Slot(noon); slot < Slot(noon+int64(time.Hour)); slot++ {
		f := Flight(1, slot)
		if !reflect.DeepEqual(f, Flight(1, slot)) {
			t.Fatalf("slot %d: two different flights", slot)
		}
		if err := geo.ValidatePath(f.Path); err != nil {
			t.Errorf("%s %s-%s: %v", f.ID, f.From, f.To, err)
		}
		if begin, end := f.Path[0].AtNs, f.Path[len(f.Path)-1].AtNs; Slot(begin) != slot || end-begin > LongestNs || end-begin < int64(10*time.Minute) {
			t.Errorf("%s %s-%s: %s long, departs in slot %d of %d", f.ID, f.From, f.To, time.Duration(end-begin), Slot(begin), slot)
		}
		if ids[f.ID] {
			t.Errorf("%s twice", f.ID)
		}
		ids[f.ID] = true
		flights++
		if sectorsMet(f.Path, f.Uncertainty) > 0 {
			inside++
		}
	}
	if flights != 200 || inside < 190 {
		t.Errorf("%d flights, %d of them in the region", flights, inside)
	}
}

func sectorsMet(path []geo.Point4D, u geo.Uncertainty) int {
	met := 0
	for _, s := range Sectors() {
		var volumes []*geo.Prepared
		for _, v := range s.Volumes {
			volumes = append(volumes, geo.Prepare(v))
		}
		if len(geo.Windows(path, u, volumes, 0)) > 0 {
			met++
		}
	}
	return met
}

func TestPositionIsOnThePath(t *testing.T) {
	f := Flight(1, Slot(noon))
	begin, end := f.Path[0].AtNs, f.Path[len(f.Path)-1].AtNs
	if _, _, _, ok := Position(f, begin-1); ok {
		t.Error("there is a position before the flight")
	}
	if _, _, _, ok := Position(f, end); ok {
		t.Error("there is a position after the flight")
	}
	p, _, speed, ok := Position(f, begin)
	if !ok || p.Pos != f.Path[0].Pos || speed < 100 || speed > 600 {
		t.Errorf("at the beginning: %+v at %.0f kt, %v", p, speed, ok)
	}
	middle, track, _, ok := Position(f, begin+(end-begin)/2)
	if !ok || middle.Alt.Cm < 100_000 || track < 0 || track >= 360 {
		t.Errorf("in the middle: %+v, track %.0f, %v", middle, track, ok)
	}
}
