package airspace

import (
	"fmt"
	"testing"

	"onevoice/codec"
	"onevoice/geo"
	"onevoice/problem"
)

// weaving is a flight that crosses the parallel of 47 degrees n times.
func weaving(id string, n int) Flight {
	f := Flight{ID: id}
	for i := range int32(n) + 1 {
		f.Path = append(f.Path, geo.Point4D{
			Pos: geo.LatLon{LatE7: deg(47) + 10_000*(i%2*2-1), LonE7: deg(6) + i*1000}, Alt: geo.FlightLevel(350), AtNs: startNs + int64(i)*10*second,
		})
	}
	return f
}

func TestTooManyWindows(t *testing.T) {
	w := newWorld()
	above := PutSector{Sector: sectorOf("A", square(deg(47), deg(5), deg(48), deg(9), 300, 400))}
	below := PutSector{Sector: sectorOf("B", square(deg(46), deg(5), deg(47), deg(9), 300, 400))}
	w.must(t, above)
	w.must(t, PutFlight{Flight: weaving("f", 1200)})
	res := w.refuse(t, below, problem.Refused)
	if want := "flight f would have 1201 sector windows, more than 1024"; res.Problem.Detail != want {
		t.Errorf("detail %q, want %q", res.Problem.Detail, want)
	}
	w.must(t, CancelFlight{ID: "f"})
	w.must(t, below)
	w.refuse(t, PutFlight{Flight: weaving("f", 1200)}, problem.Refused)
	w.must(t, PutFlight{Flight: weaving("f", 1000)})
}

func TestTooManyVertices(t *testing.T) {
	w := newWorld()
	saw := func(n int32) geo.Polygon {
		p := square(deg(46), deg(5), deg(47), deg(9), 300, 400)
		for i := range n - 4 {
			p.Rings[0] = append(p.Rings[0], geo.LatLon{LatE7: deg(47) - 1000*(i+1), LonE7: deg(5) + i%2})
		}
		return p
	}
	w.must(t, PutSector{Sector: sectorOf("A", saw(8000), saw(8000), saw(4000))})
	res := w.refuse(t, PutSector{Sector: sectorOf("A", saw(8000), saw(8000), saw(4001))}, problem.TooLarge)
	if res.Problem.Value != "20001 vertices" {
		t.Errorf("problem %v", res.Problem)
	}
}

func TestTooManySectors(t *testing.T) {
	w := newWorld()
	var cmds []Command
	for i := range MaxSectors {
		cmds = append(cmds, PutSector{Sector: sectorOf(fmt.Sprint("S", i), square(deg(46), deg(6), deg(48), deg(8), 300, 400))})
	}
	w.entry(second, cmds...)
	w.refuse(t, PutSector{Sector: sectorOf("T", square(deg(46), deg(6), deg(48), deg(8), 300, 400))}, problem.Overloaded)
	w.must(t, cmds[0])
}

func TestTooManyInVolume(t *testing.T) {
	w := newWorld()
	var cmds []Command
	for i := range MaxVolumeFlights + 1 {
		cmds = append(cmds, PutFlight{Flight: eastward(fmt.Sprint("f", i), 47, 5, 6, startNs)})
	}
	w.entry(second, cmds...)
	s := w.m.State()
	v := square(deg(46), deg(5), deg(48), deg(8), 300, 400)
	if _, err := s.InVolume(v, nil, startNs, startNs+second, Cursor{}, 1); err == nil || err.(*problem.Error).Kind != problem.TooLarge {
		t.Errorf("in volume: %v, want too-large", err)
	}
	if list, err := s.InVolume(v, nil, startNs-10, startNs, Cursor{}, 1); err != nil || len(list) != 0 {
		t.Errorf("before they begin: %v, %v", list, err)
	}
}

// TestLongestVisit is a flight of 230 years in one sector: its length needs all 63 bits.
func TestLongestVisit(t *testing.T) {
	w := newWorld()
	w.must(t, PutSector{Sector: sectorOf("A", square(deg(46), deg(6), deg(48), deg(8), 300, 400))})
	f := Flight{ID: "f", Path: []geo.Point4D{
		{Pos: geo.LatLon{LatE7: deg(47), LonE7: deg(7)}, Alt: geo.FlightLevel(350), AtNs: geo.MinAtNs},
		{Pos: geo.LatLon{LatE7: deg(47), LonE7: deg(7)}, Alt: geo.FlightLevel(350), AtNs: geo.MaxAtNs},
	}}
	w.must(t, PutFlight{Flight: f})
	for _, at := range []int64{0, startNs, geo.MaxAtNs - 1} {
		if list, err := w.m.State().Who("A", at, at+1, Cursor{}, 1); err != nil || len(list) != 1 {
			t.Errorf("at %d: %v, %v", at, list, err)
		}
	}
}

func TestDecodeRefuses(t *testing.T) {
	bytesOf := func(write func(*codec.Writer)) []byte {
		var w codec.Writer
		w.U8(Format)
		write(&w)
		return w.B
	}
	for name, op := range map[string][]byte{
		"unknown flag": bytesOf(func(w *codec.Writer) { w.U8(uint8(kindCancelFlight)); w.U8(4); w.String("f") }),
		"sub of 33 bits": bytesOf(func(w *codec.Writer) {
			w.U8(uint8(kindCancelFlight))
			w.U8(whenMatch)
			w.Uvarint(1)
			w.Uvarint(1 << 32)
			w.String("f")
		}),
		"unknown kind": bytesOf(func(w *codec.Writer) { w.U8(99); w.U8(0) }),
		"longer":       append(Encode(CancelFlight{ID: "f"}), 0),
		"other format": {Format + 1},
	} {
		if cmd, err := Decode(op); err == nil {
			t.Errorf("%s: decodes to %+v", name, cmd)
		}
	}
	r := codec.NewReader(bytesOf(func(w *codec.Writer) { w.B = nil; w.Uvarint(1 << 32) }))
	if readZigzag32(r); r.Err() == nil {
		t.Error("a difference of 33 bits is read")
	}
	if _, err := DecodeEvent(encodeEvent(&Event{Kind: 250})); err == nil {
		t.Error("an unknown event is read")
	}
	if _, err := DecodeResult(encodeResult(&Result{Rewindowed: MaxStepFlights + 1})); err == nil {
		t.Error("a result over the limit is read")
	}
}
