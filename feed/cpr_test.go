package feed

import (
	"math"
	"strings"
	"testing"

	"onevoice/geo"
)

const report = "251684;842539;17/02/04 20:56:39;17/02/04 20:56:37;1;1;96;1;CSA190;LKPR;RKSI;;540023N 0273944E;350;Continuing;1401;477;064 17'51'';0;LEVEL_FLIGHT;;49D2FD;\n"

func TestCPR(t *testing.T) {
	west := strings.NewReplacer("540023N 0273944E", "000000S 1800000W", "064 17'51''", "", ";0;", ";-1488;").Replace(report)
	wrong := strings.Replace(report, "540023N", "546023N", 1) + strings.Replace(report, ";350;", ";FL350;", 1) + "251684;842539\n" + strings.Replace(report, "20:56:37", "20:61:37", 1)
	samples, r, err := ReadCPR(strings.NewReader(report + west + wrong))
	if err != nil || len(samples) != 2 || r.Rows != 6 || r.Bad != 4 {
		t.Fatalf("%d samples, report %+v, %v", len(samples), r, err)
	}
	for i, field := range []string{"position", "flight_level", "row", "time_of_track"} {
		if r.Defects[i].Field != field || r.Defects[i].Line != i+3 {
			t.Errorf("defect %+v, want %s in line %d", r.Defects[i], field, i+3)
		}
	}
	s := samples[0]
	if s.AtNs != 1486241797e9 || s.ReceivedNs != 1486241799e9 || s.Pos != (geo.LatLon{LatE7: 540063889, LonE7: 276622222}) || s.Alt != geo.FlightLevel(350) {
		t.Errorf("sample %+v", s)
	}
	if s.GroundSpeedKt != 477 || math.Abs(s.TrackDeg-64.283) > 0.001 || s.VerticalRateFpm != 0 || s.ICAO24 != "842539" || s.Callsign != "CSA190" || s.To != "RKSI" {
		t.Errorf("sample %+v", s)
	}
	if s = samples[1]; s.Pos != (geo.LatLon{LonE7: -180e7}) || !math.IsNaN(s.TrackDeg) || s.VerticalRateFpm != -1488 {
		t.Errorf("sample %+v", s)
	}
}

func TestRealCPR(t *testing.T) {
	samples, r, err := ReadCPR(shared(t, "flights_cpr/cpr_20170205.csv.gz"))
	if err != nil || r.Bad > 0 || len(samples) != 3920 {
		t.Fatalf("%d samples, report %+v, %v", len(samples), r, err)
	}
	late, latest, outOfOrder := int64(0), int64(0), 0
	for _, s := range samples {
		late = max(late, s.ReceivedNs-s.AtNs)
		if s.AtNs < latest {
			outOfOrder++
		}
		latest = max(latest, s.AtNs)
	}
	if late != 306e9 || outOfOrder == 0 {
		t.Errorf("up to %d s late, %d out of order", late/1e9, outOfOrder)
	}
}

func FuzzCPR(f *testing.F) {
	f.Add(report)
	f.Add("a;b")
	f.Fuzz(func(t *testing.T, text string) {
		samples, r, err := ReadCPR(strings.NewReader(text))
		if err == nil && (r.Rows != r.Good+r.Bad || r.Good != len(samples)) {
			t.Fatalf("report %+v of %d samples", r, len(samples))
		}
		for _, s := range samples {
			if s.Pos.Validate() != nil || s.Alt.Validate() != nil || s.ICAO24 == "" {
				t.Fatalf("taken: %+v", s)
			}
		}
	})
}
