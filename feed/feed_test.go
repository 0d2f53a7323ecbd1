package feed

import (
	"bytes"
	"compress/gzip"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"onevoice/geo"
)

// shared opens a file of the shared test data, or skips the test where there is none.
func shared(t *testing.T, name string) *os.File {
	t.Helper()
	path := filepath.Join("..", "..", "shared", "data", name)
	f, err := os.Open(path)
	if os.IsNotExist(err) {
		t.Skipf("no shared test data: %s is absent", path)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

const header = "time,icao24,callsign,lat,lon,altitude_ft,groundspeed_kt,track_deg,vertical_rate_fpm\n"

func TestRecordingReportsEachWrongRow(t *testing.T) {
	rows := header +
		"2018-08-01T05:00:00Z,4067f2,TOM2XE,46.679232,10.202179,38000,438.1,292.4,0\n" + // 2
		"yesterday,4067f2,TOM2XE,46.679232,10.202179,38000,438.1,292.4,0\n" +
		"2018-08-01T05:00:10Z,,TOM2XE,46.679232,10.202179,38000,438.1,292.4,0\n" +
		"2018-08-01T05:00:10Z,4067f2,TOM2XE,NaN,10.202179,38000,438.1,292.4,0\n" +
		"2018-08-01T05:00:10Z,4067f2,TOM2XE,46.679232,190,38000,438.1,292.4,0\n" +
		"2018-08-01T05:00:10Z,4067f2,TOM2XE,46.679232,10.202179,+Inf,438.1,292.4,0\n" +
		"2018-08-01T05:00:10Z,4067f2,TOM2XE\n" +
		"2018-08-01T05:00:10Z,4067f2,\"TOM2XE,46.679232,10.202179,38000,438.1,292.4,0\n"
	samples, report, err := ReadRecording(strings.NewReader(rows))
	if err != nil {
		t.Fatal(err)
	}
	if len(samples) != 1 || report.Rows != 8 || report.Good != 1 || report.Bad != 7 {
		t.Fatalf("%d samples, report %+v", len(samples), report)
	}
	for i, want := range []struct {
		line  int
		field string
	}{{3, "time"}, {4, "icao24"}, {5, "lat"}, {6, "lon"}, {7, "altitude_ft"}, {8, "row"}, {9, "row"}} {
		if d := report.Defects[i]; d.Line != want.line || d.Field != want.field || d.Reason == "" {
			t.Errorf("defect %d is %+v, want line %d, field %s", i, d, want.line, want.field)
		}
	}
	s := samples[0]
	if s.Line != 2 || s.AtNs != 1533099600e9 || s.Pos != (geo.LatLon{LatE7: 466792320, LonE7: 102021790}) ||
		s.Alt != (geo.Altitude{Cm: 1158240, Ref: geo.RefSTD}) || s.GroundSpeedKt != 438.1 {
		t.Errorf("sample %+v", s)
	}
}

func TestRecordingNeedsItsColumns(t *testing.T) {
	_, _, err := ReadRecording(strings.NewReader("time,icao24,lat\n"))
	if err == nil || !strings.Contains(err.Error(), `"callsign"`) {
		t.Errorf("got %v", err)
	}
}

func TestDefectsAreBounded(t *testing.T) {
	rows := header + strings.Repeat("x\n", MaxDefects+5)
	_, report, err := ReadRecording(strings.NewReader(rows))
	if err != nil || report.Bad != MaxDefects+5 || len(report.Defects) != MaxDefects {
		t.Errorf("bad %d, kept %d, %v", report.Bad, len(report.Defects), err)
	}
}

func TestCompressedIsReadAsPlain(t *testing.T) {
	var packed bytes.Buffer
	z := gzip.NewWriter(&packed)
	if _, err := z.Write([]byte(header + "2018-08-01T05:00:00Z,4067f2,TOM2XE,46.6,180,38000,1,2,3\n")); err != nil {
		t.Fatal(err)
	}
	if err := z.Close(); err != nil {
		t.Fatal(err)
	}
	samples, _, err := ReadRecording(&packed)
	if err != nil || len(samples) != 1 || samples[0].Pos.LonE7 != -180e7 {
		t.Errorf("%+v, %v", samples, err)
	}
}

func TestPlansPartAtGapsAndReportWhatCannotBeOne(t *testing.T) {
	rows := header +
		"2018-08-01T05:00:00Z,aaaaaa,ONE,46,8,30000,1,2,3\n" +
		"2018-08-01T05:00:10Z,aaaaaa,ONE,46.1,8,30000,1,2,3\n" +
		"2018-08-01T05:00:10Z,aaaaaa,ONE,46.2,8,30000,1,2,3\n" + // again at this time
		"2018-08-01T05:01:10Z,aaaaaa,ONE,46.3,8,30000,1,2,3\n" + // exactly the gap: still one plan
		"2018-08-01T05:02:11Z,aaaaaa,ONE,46.4,8,30000,1,2,3\n" + // another, of one sample
		"2018-08-01T05:00:00Z,bbbbbb,,46,8,30000,1,2,3\n" +
		"2018-08-01T05:00:10Z,bbbbbb,,46,8,30000,1,2,3\n"
	samples, report, err := ReadRecording(strings.NewReader(rows))
	if err != nil {
		t.Fatal(err)
	}
	plans := Plans(samples, DefaultPlanOptions(), &report)
	if len(plans) != 2 || plans[0].Flight.ID != "NOCALL-bbbbbb-20180801T050000" || plans[1].Flight.ID != "ONE-aaaaaa-20180801T050000" {
		t.Fatalf("plans %+v", plans)
	}
	if plans[1].Samples != 3 || report.Good != 5 || report.Bad != 2 {
		t.Errorf("samples %d, report %+v", plans[1].Samples, report)
	}
}

// TestPlansStayNearEverySample is the promise on real recordings: within 100 m and 50 ft at each sample's own time.
func TestPlansStayNearEverySample(t *testing.T) {
	for _, name := range []string{"flights_ch/ch_20180801_0500_1600.csv.gz", "flights_egll/egll_arrivals_20170802.csv.gz"} {
		samples, report, err := ReadRecording(shared(t, name))
		if err != nil {
			t.Fatal(err)
		}
		rows := report.Rows
		plans := Plans(samples, DefaultPlanOptions(), &report)
		byFlight, reported := map[string][]Sample{}, map[int]bool{}
		for _, d := range report.Defects {
			reported[d.Line] = true
		}
		for _, s := range samples {
			if reported[s.Line] {
				continue
			}
			byFlight[s.ICAO24+s.Callsign] = append(byFlight[s.ICAO24+s.Callsign], s)
		}
		points, checked := 0, 0
		for _, p := range plans {
			if err := geo.ValidatePath(p.Flight.Path); err != nil {
				t.Fatalf("%s: %v", p.Flight.ID, err)
			}
			points += len(p.Flight.Path)
			checked += checkNear(t, p, byFlight[p.ICAO24+p.Flight.Callsign])
		}
		if checked < report.Good || report.Good+report.Bad != rows {
			t.Errorf("%s: %d samples checked of %d good, %d bad, %d rows", name, checked, report.Good, report.Bad, rows)
		}
		t.Logf("%s: %d samples in %d plans of %d points, %d rows not taken", name, checked, len(plans), points, report.Bad)
	}
}

func checkNear(t *testing.T, p Plan, samples []Sample) (checked int) {
	t.Helper()
	path, leg := p.Flight.Path, 1
	for _, s := range samples {
		if s.AtNs < path[0].AtNs || s.AtNs > path[len(path)-1].AtNs {
			continue
		}
		for path[leg].AtNs < s.AtNs {
			leg++
		}
		lateralM, verticalCm := Deviation(sampleAt(path[leg-1]), sampleAt(path[leg]), s)
		if lateralM > 100 || verticalCm > 50*30.48 {
			t.Errorf("%s line %d: %.0f m and %.0f cm off the plan", p.Flight.ID, s.Line, lateralM, verticalCm)
		}
		checked++
	}
	return checked
}

func sampleAt(p geo.Point4D) Sample { return Sample{AtNs: p.AtNs, Pos: p.Pos, Alt: p.Alt} }

func TestSwissSectors(t *testing.T) {
	sectors, report, err := ReadSectors(shared(t, "airspace_ch/ch_sectors_airac462.geojson"))
	if err != nil {
		t.Fatal(err)
	}
	if len(sectors) != 32 || report.Good != 589 || report.Bad != 0 {
		t.Errorf("%d sectors, %d good, %d bad: %v", len(sectors), report.Good, report.Bad, report.Defects)
	}
}

// The six geometries that a planar check calls self-intersecting lie over the antimeridian: they are sound.
func TestWorldFIRsAreTakenOverTheAntimeridian(t *testing.T) {
	sectors, report, err := ReadSectors(shared(t, "airspace_fir/fir_nm_airac524.geojson.gz"))
	if err != nil {
		t.Fatal(err)
	}
	if report.Rows != 336 || report.Good != 336 || len(sectors) != 322 {
		t.Errorf("%d sectors of %d features, %d good: %v", len(sectors), report.Rows, report.Good, report.Defects)
	}
}

func TestSectorsRefuseWrongFeatures(t *testing.T) {
	const shape = `"geometry":{"type":"Polygon","coordinates":[[[8,46],[9,46],[9,47],[8,46]]]}`
	for want, feature := range map[string]string{
		"properties": `{"properties":{},` + shape + `}`,
		"sector":     `{"properties":{"sector":"no spaces"},` + shape + `}`,
		"fl_min":     `{"properties":{"sector":"A","fl_min":300,"fl_max":200},` + shape + `}`,
		"fl_max":     `{"properties":{"sector":"A","fl_max":"high"},` + shape + `}`,
		"geometry":   `{"properties":{"sector":"A"},"geometry":{"type":"Polygon","coordinates":[[[8,46],[9,46],[9,47]]]}}`,
	} {
		file := `{"type":"FeatureCollection","features":[` + feature + `,{"properties":{"sector":"B"},` + shape + `}]}`
		sectors, report, err := ReadSectors(strings.NewReader(file))
		if err != nil || len(sectors) != 1 || report.Bad != 1 || report.Defects[0].Field != want || report.Defects[0].Line != 1 {
			t.Errorf("want a defect of %s: %d sectors, %+v, %v", want, len(sectors), report, err)
		}
	}
	for _, whole := range []string{"", "[]", `{"type":"Feature"}`} {
		if _, _, err := ReadSectors(strings.NewReader(whole)); err == nil {
			t.Errorf("%q: no error", whole)
		}
	}
}

func FuzzReadRecording(f *testing.F) {
	f.Add([]byte(header + "2018-08-01T05:00:00Z,4067f2,TOM2XE,46.6,180,38000,1,2,3\n"))
	f.Fuzz(func(t *testing.T, in []byte) {
		samples, report, err := ReadRecording(bytes.NewReader(in))
		if err != nil {
			return
		}
		if report.Good+report.Bad != report.Rows || report.Good != len(samples) {
			t.Fatalf("counts do not add up: %+v, %d samples", report, len(samples))
		}
		for _, p := range Plans(samples, DefaultPlanOptions(), &report) {
			if len(p.Flight.Path) < 2 {
				t.Fatalf("plan of %d points", len(p.Flight.Path))
			}
		}
	})
}

func FuzzReadSectors(f *testing.F) {
	f.Add([]byte(`{"type":"FeatureCollection","features":[{"properties":{"sector":"A"},"geometry":{"type":"Polygon","coordinates":[[[8,46],[9,46],[9,47],[8,46]]]}}]}`))
	f.Fuzz(func(t *testing.T, in []byte) {
		sectors, _, err := ReadSectors(bytes.NewReader(in))
		if err != nil {
			return
		}
		for _, s := range sectors {
			for _, v := range s.Volumes {
				if err := v.Validate(); err != nil {
					t.Fatalf("took an invalid volume: %v", err)
				}
			}
		}
	})
}
