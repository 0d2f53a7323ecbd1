package predict

import (
	"bytes"
	"compress/gzip"
	"encoding/csv"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onevoice/airspace"
	"onevoice/feed"
	"onevoice/geo"
)

func open(t *testing.T, name string) *os.File {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "..", "shared", "data", filepath.FromSlash(name)))
	if os.IsNotExist(err) {
		t.Skip("no shared test data")
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { f.Close() })
	return f
}

func samplesOf(t *testing.T, name string) []feed.Sample {
	t.Helper()
	samples, _, err := feed.ReadRecording(open(t, name))
	if err != nil {
		t.Fatal(err)
	}
	return samples
}

func swiss(t *testing.T) []airspace.Sector {
	t.Helper()
	sectors, _, err := feed.ReadSectors(open(t, "airspace_ch/ch_sectors_airac462.geojson"))
	if err != nil {
		t.Fatal(err)
	}
	return sectors
}

// TestBetterThanConstantVelocity takes the busiest hour of the Swiss recording.
func TestBetterThanConstantVelocity(t *testing.T) {
	o := Defaults()
	o.Step = time.Minute
	r := Run(samplesOf(t, "flights_ch/ch_20180801_1100_1200.csv.gz"), swiss(t), o)
	var table bytes.Buffer
	if err := r.Print(&table); err != nil {
		t.Fatal(err)
	}
	t.Logf("\n%s", table.String())
	if r.All.Entries < 80 || r.Heard.Entries < 15 {
		t.Fatalf("%d entries, %d of flights that were heard", r.All.Entries, r.Heard.Entries)
	}
	for _, row := range []Row{r.All, r.Heard, r.Unheard} {
		if row.Ours.Mean() >= row.Constant.Mean() || row.Ours.Missed > row.Constant.Missed || row.Ours.False >= row.Constant.False {
			t.Errorf("%s: mean %.1f s, %d missed, %d false; constant velocity %.1f s, %d, %d", row.Sector, row.Ours.Mean(), row.Ours.Missed, row.Ours.False, row.Constant.Mean(), row.Constant.Missed, row.Constant.False)
		}
		our, _ := row.bothOf(ours)
		if constant, _ := row.bothOf(steady); our >= constant {
			t.Errorf("%s: mean %.1f s of the entries that both found, constant velocity %.1f s", row.Sector, our, constant)
		}
	}
}

// TestHeldOutPart: what is held out is counted apart, none of it twice, and what is predicted is the same.
func TestHeldOutPart(t *testing.T) {
	samples, sectors := samplesOf(t, "flights_ch/ch_20180801_1100_1200.csv.gz"), swiss(t)
	o := Defaults()
	o.Step = time.Minute
	whole := Run(samples, sectors, o)
	o.HeldOutNs = samples[0].AtNs + int64(35*time.Minute)
	parts := Run(samples, sectors, o)
	if parts.HeldOut == nil || whole.HeldOut != nil {
		t.Fatal("the part held out is not told, or told where there is none")
	}
	a, b := parts.All, parts.HeldOut.All
	if a.Entries < 20 || b.Entries < 20 || a.Entries+b.Entries != whole.All.Entries || a.Ours.Missed+b.Ours.Missed != whole.All.Ours.Missed || a.Constant.False+b.Constant.False != whole.All.Constant.False {
		t.Errorf("%d and %d entries, %d and %d missed; as a whole %d, %d", a.Entries, b.Entries, a.Ours.Missed, b.Ours.Missed, whole.All.Entries, whole.All.Ours.Missed)
	}
	o.HeldOutNs = samples[0].AtNs + o.Ahead.Nanoseconds()
	if all := Run(samples, sectors, o); all.All.Entries != 0 || all.HeldOut.All.Entries != whole.All.Entries {
		t.Errorf("held out from the first entry on: %d entries before, %d held out of %d", all.All.Entries, all.HeldOut.All.Entries, whole.All.Entries)
	}
	var table bytes.Buffer
	if err := parts.Print(&table); err != nil || strings.Count(table.String(), "plan only") != 2 || !strings.Contains(table.String(), "\nheld out:\n") {
		t.Errorf("%v\n%s", err, table.String())
	}
}

// TestTruth holds the true entries against what shapely made of the same rows and sectors.
func TestTruth(t *testing.T) {
	sectors := prepare(swiss(t))
	flights := flightsOf(samplesOf(t, "flights_ch/ch_20180801_0500_1600.csv.gz"), sectors)
	truth := map[string][]entry{}
	for _, f := range flights {
		key := keyOf(f.icao24, f.filed.Callsign)
		truth[key] = append(truth[key], f.truth...)
	}
	packed, err := gzip.NewReader(open(t, "flights_ch/expected_sector_intervals_0500_1600.csv.gz"))
	if err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(packed).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	matched, missing := 0, 0
	begins := map[string]bool{}
	for _, f := range flights {
		begins[keyOf(f.icao24, f.filed.Callsign)+time.Unix(0, f.beginNs).UTC().Format(time.RFC3339)] = true
	}
	for _, row := range rows[1:] {
		key := keyOf(row[0], row[1])
		if begins[key+row[3]] || strings.Compare(row[5], "3") < 0 && len(row[5]) == 1 {
			continue // it begins inside, or is too short to count
		}
		at, err := time.Parse(time.RFC3339, row[3])
		if err != nil {
			t.Fatal(err)
		}
		found := false
		for _, e := range truth[key] {
			found = found || sectors[e.sector].id == row[2] && math.Abs(float64(at.UnixNano()-e.atNs)) <= 10e9
		}
		if found {
			matched++
		} else {
			missing++
		}
	}
	t.Logf("%d entries as expected, %d not", matched, missing)
	if matched < 800 || missing*50 > matched {
		t.Errorf("%d entries as expected, %d not", matched, missing)
	}
}

// TestHeathrow has arrivals that hold, are vectored, and come to land.
func TestHeathrow(t *testing.T) {
	samples := samplesOf(t, "flights_egll/egll_arrivals_20170802.csv.gz")
	sector, err := Circle("EGLL", geo.LatLon{LatE7: 514_706_000, LonE7: -4_619_000}, 5)
	if err != nil {
		t.Fatal(err)
	}
	o := Defaults()
	with := Run(samples, []airspace.Sector{sector}, o)
	o.Room.Holding = false
	without := Run(samples, []airspace.Sector{sector}, o)
	a, b := with.All.Ours, without.All.Ours
	if with.All.Entries < 20 || a.Mean() >= b.Mean() || a.Missed >= b.Missed || a.Mean() >= with.All.Constant.Mean() {
		t.Errorf("%d entries: with holding %.1f s, %d missed; without %.1f s, %d missed; constant velocity %.1f s", with.All.Entries, a.Mean(), a.Missed, b.Mean(), b.Missed, with.All.Constant.Mean())
	}
}
