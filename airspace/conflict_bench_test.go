package airspace

import (
	"compress/gzip"
	"encoding/csv"
	"fmt"
	"os"
	"slices"
	"strconv"
	"testing"
	"time"

	"onevoice/geo"
	"onevoice/machine"
)

// recorded reads the plans of the Swiss recording, a point each minute and the last one, or skips.
func recorded(b *testing.B) []Flight {
	file, err := os.Open("../../shared/data/flights_ch/ch_20180801_0500_1600.csv.gz")
	if err != nil {
		b.Skipf("no recording to read: %v", err)
	}
	defer file.Close()
	z, err := gzip.NewReader(file)
	if err != nil {
		b.Fatal(err)
	}
	rows, err := csv.NewReader(z).ReadAll()
	if err != nil {
		b.Fatal(err)
	}
	points := map[string][]geo.Point4D{}
	number := func(s string) float64 {
		v, err := strconv.ParseFloat(s, 64)
		if err != nil {
			b.Fatal(err)
		}
		return v
	}
	for _, r := range rows[1:] {
		at, err := time.Parse(time.RFC3339, r[0])
		if err != nil {
			b.Fatal(err)
		}
		id := r[1] + "." + r[2]
		points[id] = append(points[id], geo.Point4D{
			Pos: geo.LatLon{LatE7: int32(number(r[3]) * 1e7), LonE7: int32(number(r[4]) * 1e7)},
			Alt: geo.Altitude{Cm: int32(number(r[5]) * 30.48), Ref: geo.RefSTD}, AtNs: at.UnixNano(),
		})
	}
	return thinned(points)
}

func thinned(points map[string][]geo.Point4D) []Flight {
	var list []Flight
	for id, all := range points {
		slices.SortFunc(all, func(a, b geo.Point4D) int { return int((a.AtNs - b.AtNs) / second) })
		var path []geo.Point4D
		for i, p := range all {
			if n := len(path); n == 0 || p.AtNs >= path[n-1].AtNs+60*second || i == len(all)-1 && p.AtNs > path[n-1].AtNs {
				path = append(path, p)
			}
		}
		if ValidID(id) && geo.ValidatePath(path) == nil {
			list = append(list, Flight{ID: id, Path: path})
		}
	}
	slices.SortFunc(list, func(a, b Flight) int { return int(a.Path[0].AtNs-b.Path[0].AtNs) + cmpID(a.ID, b.ID) })
	return list
}

func cmpID(a, b string) int {
	if a < b {
		return -1
	}
	return 1
}

// dense is 10,000 flights over and around Switzerland in a day of a busy sky: some 400 under way at once on 1,000 km by 800 km, each 80
// minutes long with a point every four minutes, at levels 1,000 ft apart.
func dense() []Flight {
	var list []Flight
	for i := range 10_000 {
		list = append(list, denseFlight(i, 0))
	}
	return list
}

// denseFlight is one of them, late by some seconds.
func denseFlight(i, late int) Flight {
	f := Flight{ID: fmt.Sprintf("DENSE-%05d", i)}
	lat, lon := int64(430_000_000+i*7919%70_000_000), int64(20_000_000+i*104_729%120_000_000)
	begin := startNs + (int64(i)*8640/1000+int64(late))*second
	north, east := int64(i*31%21-10)*300_000, int64(i*17%21-10)*450_000
	for k := range int64(21) {
		level := 290 + i%12*10
		if k < 3 || k > 17 {
			level = 100 + int(min(k, 20-k))*60
		}
		f.Path = append(f.Path, geo.Point4D{
			Pos: geo.LatLon{LatE7: int32(lat + north*k), LonE7: int32(lon + east*k)}, Alt: geo.FlightLevel(level), AtNs: begin + k*240*second,
		})
	}
	return f
}

// BenchmarkConflictUpdate amends one flight among many, by seconds and back, and brings its conflicts up to date, over the sectors of Switzerland. It
// reports what one amendment takes: at the median, for one in a hundred, and at most. With filed=0 it is the same without any other flight.
func BenchmarkConflictUpdate(b *testing.B) {
	held := dense()
	b.Run("held=10000", func(b *testing.B) { amendOne(b, held) })
	b.Run("recording", func(b *testing.B) { amendOne(b, recorded(b)) })
	b.Run("held=1", func(b *testing.B) { amendOne(b, held[:1]) })
}

func amendOne(b *testing.B, held []Flight) {
	w := swissWorld(b)
	w.entry(0, SetService{AnchorNs: startNs, RateMilli: 1})
	for i := range held {
		if res := w.entry(0, PutFlight{Flight: held[i]})[0]; res.Problem != nil {
			b.Fatal(res.Problem)
		}
	}
	at, found := machine.At{Index: w.index, LogTimeNs: w.logNs}, 0
	emit := func([]byte) { found++ }
	var took []time.Duration
	i := 0
	for b.Loop() {
		f := held[i*7919%len(held)]
		f.Path = slices.Clone(f.Path)
		for k := range f.Path {
			f.Path[k].AtNs += int64(i/len(held)%2+1) * 30 * second
		}
		op := Encode(PutFlight{Flight: f})
		i++
		at.Index++
		w.m.State()
		began := time.Now()
		w.m.Advance(at, emit)
		w.m.Apply(at, op, emit)
		took = append(took, time.Since(began))
		if w.m.state.conflicts.computing() {
			b.Fatal("it is not done in one entry")
		}
	}
	slices.Sort(took)
	b.ReportMetric(float64(took[len(took)/2].Microseconds()), "p50-us")
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds()), "p99-us")
	b.ReportMetric(float64(took[len(took)-1].Microseconds()), "max-us")
	b.ReportMetric(float64(w.m.state.conflicts.len()), "conflicts")
	b.ReportMetric(float64(found)/float64(i), "events/op")
}
