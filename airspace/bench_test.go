package airspace

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"testing"

	"onevoice/geo"
	"onevoice/machine"
)

// swissSectors reads the sectors of Switzerland, or skips.
func swissSectors(t testing.TB) []Sector {
	const file = "../../shared/data/airspace_ch/ch_sectors_airac462.geojson"
	text, err := os.ReadFile(file)
	if err != nil {
		t.Skipf("no sectors to read: %v", err)
	}
	var doc struct {
		Features []struct {
			Properties struct {
				Sector string `json:"sector"`
				Min    int    `json:"fl_min"`
				Max    int    `json:"fl_max"`
			} `json:"properties"`
			Geometry struct {
				Coordinates [][][2]float64 `json:"coordinates"`
			} `json:"geometry"`
		} `json:"features"`
	}
	if err := json.Unmarshal(text, &doc); err != nil {
		t.Fatal(err)
	}
	var list []Sector
	for _, f := range doc.Features {
		p := geo.Polygon{Band: geo.Band{Floor: geo.FlightLevel(f.Properties.Min), Ceiling: geo.FlightLevel(f.Properties.Max)}}
		for _, line := range f.Geometry.Coordinates {
			var ring geo.Ring
			for _, c := range line[:len(line)-1] {
				v := geo.LatLon{LatE7: int32(c[1] * 1e7), LonE7: int32(c[0] * 1e7)}
				if len(ring) == 0 || ring[len(ring)-1] != v {
					ring = append(ring, v)
				}
			}
			p.Rings = append(p.Rings, ring)
		}
		if err := p.Validate(); err != nil {
			t.Logf("%s: %v", f.Properties.Sector, err)
			continue
		}
		i := slices.IndexFunc(list, func(s Sector) bool { return s.ID == f.Properties.Sector })
		if i < 0 {
			i = len(list)
			list = append(list, Sector{ID: f.Properties.Sector})
		}
		list[i].Volumes = append(list[i].Volumes, p)
	}
	return list
}

// overSwitzerland is a flight of n points at FL350 from west to east, or back, on one of many lines.
func overSwitzerland(i, n int, beginNs int64) Flight {
	f := Flight{ID: fmt.Sprintf("f%06d", i), Callsign: fmt.Sprint("SWR", i), From: "LSGG", To: "LSZH"}
	south, north := int32(455_000_000+i*7919%25_000_000), int32(455_000_000+i*104_729%25_000_000)
	for k := range int32(n) {
		share := int64(k) * 1000 / int64(n-1)
		if i%2 == 1 {
			share = 1000 - share
		}
		f.Path = append(f.Path, geo.Point4D{
			Pos: geo.LatLon{LatE7: south + int32(int64(north-south)*share/1000), LonE7: int32(55_000_000 + 52_000*share)},
			Alt: geo.FlightLevel(310 + i%9*10), AtNs: beginNs + int64(k)*15*second,
		})
	}
	return f
}

func swissWorld(b *testing.B) *world {
	w := newWorld()
	for _, s := range swissSectors(b) {
		w.must(b, PutSector{Sector: s})
	}
	return w
}

// BenchmarkPutFlight files and amends flights of 110 points among the sectors of Switzerland, and reports events too.
func BenchmarkPutFlight(b *testing.B) {
	w := swissWorld(b)
	var ops [][]byte
	size := 0
	for i := range 2000 {
		ops = append(ops, Encode(PutFlight{Flight: overSwitzerland(i, 110, startNs+int64(i)*second)}))
		size += len(ops[i])
	}
	events, windows := 0, 0
	emit := func([]byte) { events++ }
	at := machine.At{Index: w.index, LogTimeNs: w.logNs}
	b.ReportAllocs()
	b.ResetTimer()
	for i := range b.N {
		if i%64 == 0 {
			w.m.State()
			at.Index++
			w.m.Advance(at, emit)
		}
		res, err := DecodeResult(w.m.Apply(at, ops[i%len(ops)], emit))
		if err != nil || res.Problem != nil {
			b.Fatal(err, res.Problem)
		}
		windows += len(res.Windows)
	}
	b.ReportMetric(float64(size)/float64(len(ops)), "B/command")
	b.ReportMetric(float64(windows)/float64(b.N), "windows/op")
	b.ReportMetric(float64(events)/b.Elapsed().Seconds(), "events/s")
}

// BenchmarkWho asks for one sector among 30,000 flights over eight hours, for a moment and for longer.
func BenchmarkWho(b *testing.B) {
	w := swissWorld(b)
	for i := range 30_000 {
		if res := w.entry(0, PutFlight{Flight: overSwitzerland(i, 12, startNs+int64(i)*second)})[0]; res.Problem != nil {
			b.Fatal(res.Problem)
		}
	}
	s := w.m.State()
	busiest, most := "", 0
	at := startNs + 4*3600*second
	for _, n := range s.Sectors("", MaxPage) {
		if list, _ := s.Who(n.ID, at, at+1, Cursor{}, MaxPage); len(list) > most {
			busiest, most = n.ID, len(list)
		}
	}
	for _, want := range []int{1, 70, 710} {
		span := int64(1)
		count := func() int {
			list, _ := s.Who(busiest, at, at+span, Cursor{}, MaxPage)
			return len(list)
		}
		for count() < want {
			span += second
		}
		b.Run(fmt.Sprintf("results=%d", count()), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				count()
			}
		})
		b.Run(fmt.Sprintf("encoded=%d", count()), func(b *testing.B) {
			q := EncodeQuery(WhoQuery{Sector: busiest, FromNs: at, ToNs: at + span, Limit: MaxPage})
			b.ReportAllocs()
			for b.Loop() {
				s.Query(q)
			}
		})
	}
}

// BenchmarkPutSector changes one sector under 1,000 flights of 110 points.
func BenchmarkPutSector(b *testing.B) {
	w := swissWorld(b)
	sectors := swissSectors(b)
	for i := range 1000 {
		w.entry(0, PutFlight{Flight: overSwitzerland(i, 110, startNs+int64(i)*second)})
	}
	i := slices.IndexFunc(sectors, func(s Sector) bool { return s.ID == "LSAZM5" })
	changed := 0
	for n := 0; b.Loop(); n++ {
		s := sectors[i]
		s.Volumes = slices.Clone(s.Volumes)
		for i := range s.Volumes {
			s.Volumes[i].Band = geo.Band{Floor: geo.FlightLevel(310), Ceiling: geo.FlightLevel(351 + n%2*50)}
		}
		res := w.do(PutSector{Sector: s})
		if res.Problem != nil {
			b.Fatal(res.Problem)
		}
		changed += res.Rewindowed
	}
	b.ReportMetric(float64(changed)/float64(b.N), "rewindowed/op")
}

// BenchmarkRoot makes a root after each change, as a server does at each entry.
func BenchmarkRoot(b *testing.B) {
	w := swissWorld(b)
	for i := range 10_000 {
		w.entry(0, PutFlight{Flight: overSwitzerland(i, 12, startNs+int64(i)*second)})
	}
	b.ReportAllocs()
	for b.Loop() {
		w.entry(0)
		w.m.State()
	}
}

// BenchmarkSnapshot writes and loads a state of 10,000 flights of 110 points.
func BenchmarkSnapshot(b *testing.B) {
	w := swissWorld(b)
	for i := range 10_000 {
		w.entry(0, PutFlight{Flight: overSwitzerland(i, 110, startNs+int64(i)*second)})
	}
	s := w.m.State()
	chunks := chunksOf(s)
	b.Run("write", func(b *testing.B) {
		size := 0
		for b.Loop() {
			for c := range s.Chunks() {
				size += len(c)
			}
		}
		b.SetBytes(int64(size / b.N))
	})
	b.Run("load", func(b *testing.B) {
		for b.Loop() {
			reload(b, chunks)
		}
	})
}

// fourPoints is the flight that the command's bench puts: its n-th plan is a little to the south of the one before, and a second later.
func fourPoints(id, n int) []byte {
	f := Flight{ID: fmt.Sprintf("BENCH-%06d", id), Callsign: "BCH0001", From: "LSZH", To: "LSGG"}
	for k := range 4 {
		f.Path = append(f.Path, geo.Point4D{
			Pos: geo.LatLon{LatE7: 474_647_000 - int32(k)*3_000_000 - int32(n%1000), LonE7: 85_492_000 - int32(k)*6_000_000},
			Alt: geo.FlightLevel(360), AtNs: startNs + int64(k)*300*second + int64(n%3600)*second,
		})
	}
	return Encode(PutFlight{Flight: f})
}

// sixteens applies commands in turn and over again, sixteen an entry with a root after each, as the closed loop of the bench does,
// where flights are held before.
func sixteens(b *testing.B, held, ops [][]byte) {
	w := swissWorld(b)
	at := machine.At{Index: w.index, LogTimeNs: w.logNs}
	emit := func([]byte) {}
	for _, op := range held {
		w.m.Apply(at, op, emit)
	}
	b.ReportAllocs()
	for i := 0; b.Loop(); i++ {
		if i%16 == 0 {
			w.m.State()
			at.Index++
			w.m.Advance(at, emit)
		}
		res, err := DecodeResult(w.m.Apply(at, ops[i%len(ops)], emit))
		if err != nil || res.Problem != nil {
			b.Fatal(err, res.Problem)
		}
	}
}

// BenchmarkAmend amends flights of four points in turn, by 100 seconds each, all near the same few sectors and tiles.
func BenchmarkAmend(b *testing.B) {
	for _, n := range []int{6400, 100_000} {
		var held, ops [][]byte
		for i := range n {
			held = append(held, fourPoints(i*7919%n, i*37))
		}
		for i := range 20_000 {
			ops = append(ops, fourPoints(i%10_000*7919%n, i%10_000*37+(i/10_000+1)*100))
		}
		b.Run(fmt.Sprintf("held=%d", n), func(b *testing.B) { sixteens(b, held, ops) })
	}
}

// BenchmarkFile files a flight and cancels the oldest, in turn.
func BenchmarkFile(b *testing.B) {
	for _, n := range []int{6400, 100_000} {
		var held, ops [][]byte
		ring := n * 5 / 4
		id := func(i int) int { return i % ring * 7919 % ring }
		for i := range n {
			held = append(held, fourPoints(id(i), i*37))
		}
		for i := range ring {
			ops = append(ops, fourPoints(id(n+i), (n+i)*37), Encode(CancelFlight{ID: fmt.Sprintf("BENCH-%06d", id(i))}))
		}
		b.Run(fmt.Sprintf("held=%d", n), func(b *testing.B) { sixteens(b, held, ops) })
	}
}

// BenchmarkInVolume asks for a box of half a degree among 30,000 flights over eight hours.
func BenchmarkInVolume(b *testing.B) {
	w := swissWorld(b)
	for i := range 30_000 {
		w.entry(0, PutFlight{Flight: overSwitzerland(i, 12, startNs+int64(i)*second)})
	}
	s := w.m.State()
	box := square(464_000_000, 75_000_000, 469_000_000, 80_000_000, 300, 400)
	for _, minutes := range []int64{1, 10, 60} {
		at := startNs + 4*3600*second
		count := func() int {
			list, err := s.InVolume(box, nil, at, at+minutes*60*second, Cursor{}, MaxPage)
			if err != nil {
				b.Fatal(err)
			}
			return len(list)
		}
		b.Run(fmt.Sprintf("results=%d", count()), func(b *testing.B) {
			b.ReportAllocs()
			for b.Loop() {
				count()
			}
		})
	}
}
