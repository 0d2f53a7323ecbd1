package geo_test

import (
	"compress/gzip"
	"encoding/csv"
	"encoding/json"
	"io"
	"maps"
	"math"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"onevoice/geo"
	"onevoice/lab/intervals"
)

const dataDir = "../../shared/data"

// openData opens a data file, unpacked, or skips the test when the data are not there.
func openData(t testing.TB, name string) io.Reader {
	t.Helper()
	f, err := os.Open(filepath.Join(dataDir, name))
	if err != nil {
		t.Skipf("the shared data are not there: %v", err)
	}
	t.Cleanup(func() { f.Close() })
	if !strings.HasSuffix(name, ".gz") {
		return f
	}
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	return z
}

func e7(deg float64) int32 { return int32(math.Round(deg * 1e7)) }

// swissSectors reads the volumes of the Swiss sectors.
func swissSectors(t testing.TB) map[string][]geo.Polygon {
	var doc struct {
		Features []struct {
			Properties struct {
				Sector string
				FlMin  int `json:"fl_min"`
				FlMax  int `json:"fl_max"`
			}
			Geometry struct{ Coordinates [][][2]float64 }
		}
	}
	if err := json.NewDecoder(openData(t, "airspace_ch/ch_sectors_airac462.geojson")).Decode(&doc); err != nil {
		t.Fatal(err)
	}
	sectors := map[string][]geo.Polygon{}
	for _, f := range doc.Features {
		p := geo.Polygon{Band: geo.Band{Floor: geo.FlightLevel(f.Properties.FlMin), Ceiling: geo.FlightLevel(f.Properties.FlMax)}}
		for _, r := range f.Geometry.Coordinates {
			var ring geo.Ring
			for _, c := range r[:len(r)-1] {
				ring = append(ring, geo.LatLon{LatE7: e7(c[1]), LonE7: e7(c[0])})
			}
			p.Rings = append(p.Rings, ring)
		}
		if err := p.Validate(); err != nil {
			t.Fatalf("%s: %v", f.Properties.Sector, err)
		}
		sectors[f.Properties.Sector] = append(sectors[f.Properties.Sector], p)
	}
	return sectors
}

func prepareAll(polys []geo.Polygon) []*geo.Prepared {
	var out []*geo.Prepared
	for _, p := range polys {
		out = append(out, geo.Prepare(p))
	}
	return out
}

// rows reads a CSV file without its head.
func rows(t testing.TB, name string) [][]string {
	all, err := csv.NewReader(openData(t, name)).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	return all[1:]
}

func atNs(t testing.TB, s string) int64 {
	at, err := time.Parse(time.RFC3339, s)
	if err != nil {
		t.Fatal(err)
	}
	return at.UnixNano()
}

const second = int64(time.Second)

// swissFlights reads the recording: for each flight its paths, a new one after each gap of more than 60 s.
func swissFlights(t testing.TB) map[string][][]geo.Point4D {
	samples := map[string][]geo.Point4D{}
	number := func(s string) float64 {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	for _, r := range rows(t, "flights_ch/ch_20180801_0500_1600.csv.gz") {
		key := r[1] + "," + r[2]
		samples[key] = append(samples[key], geo.Point4D{
			Pos:  geo.LatLon{LatE7: e7(number(r[3])), LonE7: e7(number(r[4]))},
			Alt:  geo.Altitude{Cm: int32(number(r[5]) * 30.48), Ref: geo.RefSTD},
			AtNs: atNs(t, r[0]),
		})
	}
	flights := map[string][][]geo.Point4D{}
	for key, pts := range samples {
		slices.SortStableFunc(pts, func(a, b geo.Point4D) int { return int((a.AtNs - b.AtNs) / second) })
		from := 0
		for i := 1; i <= len(pts); i++ {
			if i < len(pts) && pts[i].AtNs-pts[i-1].AtNs <= 60*second {
				continue
			}
			if part := pts[from:i]; len(part) > 1 {
				if err := geo.ValidatePath(part); err != nil {
					t.Fatalf("%s: %v", key, err)
				}
				flights[key] = append(flights[key], part)
			}
			from = i
		}
	}
	return flights
}

// TestSwissDay compares the windows of a real day with intervals computed by other software, in floating point,
// sample by sample every 10 s.
func TestSwissDay(t *testing.T) {
	expected, err := intervals.Read(openData(t, "flights_ch/expected_sector_intervals_0500_1600.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	windows, samples := map[intervals.Visit][]geo.Window{}, map[intervals.Visit][]int64{}
	flights := swissFlights(t)
	for sector, polys := range swissSectors(t) {
		vols := prepareAll(polys)
		for flight, parts := range flights {
			icao24, callsign, _ := strings.Cut(flight, ",")
			visit := intervals.Visit{ICAO24: icao24, Callsign: callsign, Sector: sector}
			for _, path := range parts {
				windows[visit] = append(windows[visit], geo.Windows(path, geo.Uncertainty{}, vols, 0)...)
			}
		}
	}
	for flight, parts := range flights {
		icao24, callsign, _ := strings.Cut(flight, ",")
		visit := intervals.Visit{ICAO24: icao24, Callsign: callsign}
		for _, p := range slices.Concat(parts...) {
			samples[visit] = append(samples[visit], p.AtNs)
		}
	}
	outcome := intervals.Compare(expected, windows, samples, atNs(t, "2018-08-01T15:59:50Z"))
	t.Log(outcome)
	for _, f := range outcome.Failures {
		t.Error(f)
	}
	if outcome.Expected != 1351 || outcome.LongFound != 1300 {
		t.Errorf("%d expected intervals compared, want 1351; %d long ones found, want 1300", outcome.Expected, outcome.LongFound)
	}
	for visit, all := range windows {
		for _, w := range all {
			if w.EnterMinNs != w.EnterMaxNs || w.LeaveMinNs != w.LeaveMaxNs {
				t.Errorf("%s: a window without uncertainty has two ends: %+v", visit, w)
			}
		}
	}
}

// BenchmarkSwiss takes one flight of 100 points across Switzerland against all 589 volumes, sector by sector.
func BenchmarkSwiss(b *testing.B) {
	sectors := swissSectors(b)
	var all [][]*geo.Prepared
	for _, polys := range sectors {
		all = append(all, prepareAll(polys))
	}
	path := busiest(b, all)
	for _, c := range []struct {
		name string
		u    geo.Uncertainty
	}{{"exact", geo.Uncertainty{}}, {"lateral1NM", geo.Uncertainty{LateralCm: 185_200, VerticalCm: 6_096, TimeNs: 30 * second}}} {
		b.Run(c.name, func(b *testing.B) {
			b.ReportAllocs()
			found := 0
			for b.Loop() {
				found = 0
				for _, vols := range all {
					found += len(geo.Windows(path, c.u, vols, 0))
				}
			}
			b.ReportMetric(float64(found), "windows")
		})
	}
}

// busiest finds the 100 points of the recording that visit most sectors.
func busiest(b *testing.B, all [][]*geo.Prepared) []geo.Point4D {
	var best []geo.Point4D
	most := 0
	flights := swissFlights(b)
	for _, key := range slices.Sorted(maps.Keys(flights)) {
		for _, p := range flights[key] {
			if len(p) < 100 {
				continue
			}
			n := 0
			for _, vols := range all {
				n += len(geo.Windows(p[:100], geo.Uncertainty{}, vols, 0))
			}
			if n > most {
				best, most = p[:100], n
			}
		}
	}
	return best
}
