package airspace

import (
	"testing"
	"time"

	"onevoice/machine"
)

// BenchmarkStagedSector puts a sector over 100,000 flights of 30 points among the sectors of Switzerland, moves it, and reports the longest
// entry and how long all entries of one change take together. What else an entry costs, its way through the log, is not in it.
func BenchmarkStagedSector(b *testing.B) {
	w := swissWorld(b)
	for i := range 100_000 {
		w.must(b, PutFlight{Flight: overSwitzerland(i, 30, startNs+(200_000+int64(i))*second)})
	}
	w.events = nil
	emit := func([]byte) {}
	at := machine.At{Index: w.index, LogTimeNs: w.logNs}
	var longest, all time.Duration
	entries := 0
	for i := range b.N {
		op := Encode(PutSector{Sector: sectorOf("X", square(deg(45), deg(5), deg(49), deg(9)+int32(i), 100, 500))})
		for begun := false; !begun || len(w.m.State().Stagings()) > 0; begun = true {
			at.Index++
			start := time.Now()
			w.m.Advance(at, emit)
			if !begun {
				w.m.Apply(at, op, emit)
			}
			w.m.State()
			took := time.Since(start)
			longest, all = max(longest, took), all+took
			entries++
		}
	}
	if s, _ := w.m.State().Who("X", everBefore, everAfter, Cursor{}, 1); len(s) != 1 {
		b.Fatal("nobody is there")
	}
	b.ReportMetric(float64(longest.Microseconds())/1000, "ms/longest-entry")
	b.ReportMetric(float64(all.Milliseconds())/float64(b.N), "ms/change")
	b.ReportMetric(float64(entries)/float64(b.N), "entries/change")
}
