package airspace

import (
	"bytes"
	"fmt"
	"slices"
	"strings"
	"testing"

	"onevoice/geo"
)

// largeFlight is as large as a record gets.
func largeFlight(id string) Flight {
	f := Flight{ID: id, Callsign: strings.Repeat("c", MaxLabelBytes), From: strings.Repeat("f", MaxLabelBytes), To: strings.Repeat("t", MaxLabelBytes)}
	for i := range int32(geo.MaxPathPoints) {
		f.Path = append(f.Path, geo.Point4D{
			Pos: geo.LatLon{LatE7: 400_000_000 * (i%2*2 - 1), LonE7: 800_000_000 * (i%2*2 - 1)}, Alt: geo.Altitude{Cm: 10_000_000 * (i % 2), Ref: geo.RefSTD},
			AtNs: startNs + int64(i)*86_400*second,
		})
	}
	for i := range uint64(MaxCells) {
		f.Cells = append(f.Cells, i<<50|1)
	}
	return f
}

func TestChunks(t *testing.T) {
	w := newWorld()
	w.must(t, PutSector{Sector: sectorOf("A", square(deg(46), deg(6), deg(48), deg(8), 300, 400))})
	w.must(t, PutFlight{Flight: largeFlight("large1")})
	w.must(t, PutFlight{Flight: largeFlight("large2")})
	var cmds []Command
	for i := range 3000 {
		f := eastward(fmt.Sprintf("f%04d", i), 47, 5, 20, startNs)
		cmds = append(cmds, PutFlight{Flight: f})
	}
	w.entry(second, cmds...)
	chunks := chunksOf(w.m.State())
	if len(chunks) < 5 {
		t.Errorf("only %d chunks", len(chunks))
	}
	for i, c := range chunks {
		if len(c) > 1<<20 || len(c) > MaxChunkBytes+16 && !bytes.Contains(c, []byte("large")) {
			t.Errorf("chunk %d has %d bytes", i, len(c))
		}
	}
	back := reload(t, chunks)
	if !slices.EqualFunc(chunks, chunksOf(back.State()), bytes.Equal) {
		t.Fatal("chunks differ after loading")
	}
	n := 0
	for range w.m.State().Chunks() {
		if n++; n == 3 {
			break
		}
	}
	if n != 3 {
		t.Errorf("stopped after %d chunks", n)
	}
}

func TestLoadRefusesWhatNoMachineWrote(t *testing.T) {
	w := newWorld()
	for _, id := range []string{"A", "B"} {
		w.must(t, PutSector{Sector: sectorOf(id, square(deg(46), deg(6), deg(48), deg(8), 300, 400))})
	}
	w.must(t, PutFlight{Flight: eastward("f", 47, 5, 9, startNs)})
	chunks := chunksOf(w.m.State())
	head, sectors, flights := chunks[0], chunks[1], chunks[2]
	first := 2 + 1 + int(sectors[2]) // the first sector's record
	swap := slices.Concat(sectors[:2], sectors[first:], sectors[2:first])
	format := slices.Clone(head)
	format[0]++
	window := slices.Clone(flights)
	window[len(window)-1]++ // leaves after its flight ends
	window[len(window)-8] = 0x7f
	for name, chunks := range map[string][][]byte{
		"nothing":          {},
		"no head":          {sectors, flights},
		"two heads":        {head, head, sectors, flights},
		"no sectors":       {head, flights},
		"no flights":       {head, sectors},
		"order of kinds":   {head, flights, sectors},
		"order of records": {head, swap, flights},
		"twice":            {head, sectors, sectors, flights},
		"other format":     {format, sectors, flights},
		"cut short":        {head, sectors, flights[:len(flights)-1]},
		"left over":        {head, sectors, slices.Concat(flights, []byte{0})},
		"empty chunk":      {head, {}, sectors, flights},
		"unknown kind":     {head, sectors, flights, {Format, 250}},
		"late window":      {head, sectors, window},
	} {
		if err := load(chunks); err == nil {
			t.Errorf("%s: loaded", name)
		}
	}
	if err := load(chunks); err != nil {
		t.Error(err)
	}
}

func load(chunks [][]byte) error {
	m := New()
	for _, c := range chunks {
		if err := m.Load(c); err != nil {
			return err
		}
	}
	return m.Loaded()
}
