package geo_test

import (
	"encoding/binary"
	"testing"

	"onevoice/geo"
)

// source turns arbitrary bytes into values; past the end it gives zeros.
type source struct{ b []byte }

func (s *source) u32() uint32 {
	var w [4]byte
	s.b = s.b[copy(w[:], s.b):]
	return binary.LittleEndian.Uint32(w[:])
}

func (s *source) position() geo.LatLon {
	return geo.LatLon{LatE7: int32(s.u32()), LonE7: int32(s.u32())}
}

func (s *source) polygon(n int) geo.Polygon {
	p := geo.Polygon{Band: geo.Band{
		Floor:   geo.Altitude{Cm: int32(s.u32()), Ref: geo.Ref(s.u32())},
		Ceiling: geo.Altitude{Cm: int32(s.u32()), Ref: geo.Ref(s.u32())},
	}}
	var r geo.Ring
	for range n {
		r = append(r, s.position())
	}
	p.Rings = append(p.Rings, r)
	if n > 6 {
		p.Rings = []geo.Ring{r[:n-3], r[n-3:]}
	}
	return p
}

func (s *source) path(n int) []geo.Point4D {
	var path []geo.Point4D
	at := int64(0)
	for range n {
		at += int64(s.u32()) << 16
		path = append(path, geo.Point4D{Pos: s.position(), Alt: geo.Altitude{Cm: int32(s.u32()), Ref: geo.Ref(s.u32())}, AtNs: at})
	}
	return path
}

// seed writes a scene as the bytes that a source reads back.
func seed(p geo.Polygon, path []geo.Point4D) []byte {
	var b []byte
	put := func(v ...uint32) {
		for _, x := range v {
			b = binary.LittleEndian.AppendUint32(b, x)
		}
	}
	for range 2 {
		put(uint32(p.Band.Floor.Cm), uint32(p.Band.Floor.Ref), uint32(p.Band.Ceiling.Cm), uint32(p.Band.Ceiling.Ref))
		for _, r := range p.Rings {
			for _, v := range r {
				put(uint32(v.LatE7), uint32(v.LonE7))
			}
		}
	}
	for _, q := range path {
		put(60<<10, uint32(q.Pos.LatE7), uint32(q.Pos.LonE7), uint32(q.Alt.Cm), uint32(q.Alt.Ref))
	}
	return b
}

// FuzzWindows: whatever passes the checks gets windows without a panic, in order and apart, with the sure part inside
// the may-be part, and uncertainty only ever widens the one and narrows the other.
func FuzzWindows(f *testing.F) {
	square := box(0, 0, 10*deg, 10*deg)
	holed := area(square.Rings[0], ring(2*deg, 2*deg, 8*deg, 2*deg, 5*deg, 8*deg))
	over := box(179*deg, -deg, -179*deg, deg)
	wedge := area(ring(0, 80*deg, 170*deg, 80*deg, 170*deg, 90*deg, 0, 90*deg))
	through := way(-10*deg, 5*deg, 0, 0, 20*deg, 5*deg, 0, 1, 15*deg, 5*deg, 900_000, 2)
	f.Add(seed(square, through), uint8(4), uint32(185_200), uint32(100), uint32(30))
	f.Add(seed(holed, through), uint8(7), uint32(0), uint32(0), uint32(0))
	f.Add(seed(over, way(175*deg, 0, 0, 0, -175*deg, 0, 0, 1, 175*deg, deg, 0, 2)), uint8(4), uint32(1), uint32(0), uint32(9))
	f.Add(seed(wedge, way(-90*deg, 899*deg/10, 0, 0, 80*deg, 90*deg, 0, 1, 85*deg, 90*deg, 5, 2)), uint8(4), uint32(5_000_000), uint32(1), uint32(1))
	f.Fuzz(func(t *testing.T, b []byte, n uint8, lateral, vertical, late uint32) {
		s := &source{b}
		corners := 3 + int(n%8)
		var vols []*geo.Prepared
		for range 2 {
			p := s.polygon(corners)
			if err := p.Validate(); err == nil {
				vols = append(vols, geo.Prepare(p))
			}
		}
		path := s.path(3)
		if len(vols) == 0 || geo.ValidatePath(path) != nil {
			return
		}
		u := geo.Uncertainty{LateralCm: int32(lateral % geo.MaxLateralCm), VerticalCm: int32(vertical % geo.MaxVerticalCm), TimeNs: int64(late) << 10}
		exact := geo.Windows(path, geo.Uncertainty{}, vols, 0)
		doubtful := geo.Windows(path, u, vols, int32(vertical%50_000))
		checkWindows(t, exact)
		checkWindows(t, doubtful)
		if bad, w := outsideOf(exact, doubtful); bad {
			t.Fatalf("exact %v, with doubt %v: %v", exact, doubtful, w)
		}
		checkBoxes(t, path, u, vols, doubtful)
	})
}

func checkWindows(t *testing.T, ws []geo.Window) {
	t.Helper()
	for i, w := range ws {
		if w.EnterMinNs >= w.LeaveMaxNs || i > 0 && ws[i-1].LeaveMaxNs >= w.EnterMinNs {
			t.Fatalf("windows not in order and apart: %v", ws)
		}
		if w.Sure() && (w.EnterMaxNs < w.EnterMinNs || w.LeaveMinNs > w.LeaveMaxNs) || !w.Sure() && (w.EnterMaxNs != w.LeaveMaxNs || w.LeaveMinNs != w.EnterMinNs) {
			t.Fatalf("the sure part of %v is not in it", w)
		}
	}
}

// checkBoxes holds the boxes to the windows.
func checkBoxes(t *testing.T, path []geo.Point4D, u geo.Uncertainty, vols []*geo.Prepared, ws []geo.Window) {
	t.Helper()
	meets := false
	for _, v := range vols {
		meets = meets || geo.PathBBox(path).Grow(u.LateralCm).Meets(v.BBox())
	}
	if len(ws) > 0 && !meets {
		t.Fatalf("windows %v, but the boxes do not meet", ws)
	}
}
