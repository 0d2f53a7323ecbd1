package predict

import (
	"math"
	"math/rand/v2"
	"os"
	"path/filepath"
	"reflect"
	"slices"
	"testing"

	"onevoice/airspace"
	"onevoice/feed"
	"onevoice/geo"
)

// radar reads the reports of the Network Manager, in the order in which they came, or skips the test where there are none.
func radar(t *testing.T) []Report {
	t.Helper()
	f, err := os.Open(filepath.Join("..", "..", "shared", "data", "flights_cpr", "cpr_20170205.csv.gz"))
	if os.IsNotExist(err) {
		t.Skip("no shared test data")
	}
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	samples, _, err := feed.ReadCPR(f)
	if err != nil {
		t.Fatal(err)
	}
	var list []Report
	for _, s := range samples {
		list = append(list, ReportOf(&s))
	}
	return list
}

// held gives all that is held, by aircraft and time. It depends only on the set of reports taken.
func held(p *Predictor) []Report {
	var list []Report
	for _, t := range p.tracks {
		for _, f := range t.between(p.newestNs-p.o.KeepNs+1, math.MaxInt64) {
			r := f.Report
			r.ReceivedNs = 0
			list = append(list, r)
		}
	}
	return list
}

// plansOf gives each callsign a plan of its first and last report.
func plansOf(reports []Report) []airspace.Flight {
	inOrder := slices.Clone(reports)
	slices.SortFunc(inOrder, func(a, b Report) int { return a.compare(&b) })
	first := map[string]int{}
	var plans []airspace.Flight
	for _, r := range inOrder {
		at := geo.Point4D{Pos: r.Pos, Alt: r.Alt, AtNs: r.AtNs}
		if i, known := first[r.Callsign]; known {
			plans[i].Path = append(plans[i].Path[:1], at)
		} else {
			first[r.Callsign] = len(plans)
			plans = append(plans, airspace.Flight{ID: r.Callsign, Callsign: r.Callsign, Path: []geo.Point4D{at}})
		}
	}
	for i := range plans {
		// As if an hour were left to fly, so that there is something to predict.
		last := &plans[i].Path[1]
		last.AtNs += 3600e9
		last.Pos.LonE7 += 5e7
	}
	return plans
}

// outcome is all that a predictor says after some reports.
type outcome struct {
	Reports     []Report
	Predictions []Prediction
	Proposals   []Proposal
}

func outcomeOf(reports []Report, plans []airspace.Flight, nowNs int64) outcome {
	o := Defaults()
	o.KeepNs, o.SilentNs = 24*3600e9, 900e9
	p := New(o)
	p.SetSectors([]airspace.Sector{{ID: "ALL", Volumes: []geo.Polygon{{
		Rings: []geo.Ring{{{LatE7: 350_000_000, LonE7: -120_000_000}, {LatE7: 350_000_000, LonE7: 150_000_000}, {LatE7: 650_000_000, LonE7: 150_000_000}, {LatE7: 650_000_000, LonE7: -120_000_000}}},
		Band:  geo.Band{Floor: geo.FlightLevel(100), Ceiling: geo.FlightLevel(660)},
	}}}}, 0)
	for _, f := range plans {
		p.Put(f, airspace.Mark{})
	}
	for _, r := range reports {
		p.Take(r)
	}
	out := outcome{Reports: held(p)}
	for i := range out.Reports { // NaN is not equal to itself
		for _, v := range []*float64{&out.Reports[i].GroundSpeedKt, &out.Reports[i].TrackDeg, &out.Reports[i].VerticalRateFpm} {
			if math.IsNaN(*v) {
				*v = -1
			}
		}
	}
	for _, f := range plans {
		one, _ := p.Predict(f.ID)
		out.Predictions = append(out.Predictions, one)
	}
	out.Proposals = p.Step(nowNs)
	return out
}

// TestOrderOfArrivalIsNothing gives real reports, up to 306 s late and often out of order, as they came, in the order of
// time, twice, and in any order.
func TestOrderOfArrivalIsNothing(t *testing.T) {
	came := radar(t)
	plans := plansOf(came)
	inOrder := slices.Clone(came)
	slices.SortFunc(inOrder, func(a, b Report) int { return a.compare(&b) })
	nowNs := inOrder[len(inOrder)-1].AtNs
	want := outcomeOf(inOrder, plans, nowNs)
	if len(want.Reports) < 1000 || len(want.Proposals) < 3 {
		t.Fatalf("%d reports held, %d proposals", len(want.Reports), len(want.Proposals))
	}
	check := func(name string, reports []Report) {
		if got := outcomeOf(reports, plans, nowNs); !reflect.DeepEqual(got, want) {
			t.Errorf("%s: another state: %d and %d reports, %d and %d proposals", name, len(got.Reports), len(want.Reports), len(got.Proposals), len(want.Proposals))
		}
	}
	check("as they came", came)
	check("twice", slices.Concat(came, inOrder))
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 0))
		any := slices.Clone(came)
		rng.Shuffle(len(any), func(i, j int) { any[i], any[j] = any[j], any[i] })
		check("shuffled", any)
	}
}

// Within a window that slides, too: what is too old when all have come is held in no order.
func TestOrderWithinAWindow(t *testing.T) {
	came := radar(t)
	held := func(reports []Report) []Report {
		o := Defaults()
		o.KeepNs = 1800e9
		p := New(o)
		for _, r := range reports {
			r.GroundSpeedKt, r.TrackDeg, r.VerticalRateFpm = 0, 0, 0
			p.Take(r)
		}
		return held(p)
	}
	want := held(came)
	if len(want) == 0 || len(want) > 1000 {
		t.Fatalf("%d reports in half an hour", len(want))
	}
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		any := slices.Clone(came)
		rng.Shuffle(len(any), func(i, j int) { any[i], any[j] = any[j], any[i] })
		if got := held(any); !reflect.DeepEqual(got, want) {
			t.Fatalf("seed %d: %d reports, want %d", seed, len(got), len(want))
		}
	}
}
