package geo

import (
	"slices"
	"testing"
)

func flat(ring Ring) Polygon {
	return Polygon{Rings: []Ring{ring}, Band: Band{Floor: Altitude{0, RefSTD}, Ceiling: Altitude{1_000, RefSTD}}}
}

// weave is a polygon of upright teeth and a path that goes to and fro across all of them, over and over.
func weave(teeth, legs int) (Polygon, []Point4D) {
	var r Ring
	for i := range teeth {
		x := int32(i) * 4_000
		r = append(r, LatLon{0, x}, LatLon{10_000_000, x + 1_000}, LatLon{10_000_000, x + 2_000}, LatLon{0, x + 3_000})
	}
	r = append(r, LatLon{-1_000, int32(teeth)*4_000 + 1_000}, LatLon{-1_000, -1_000})
	var path []Point4D
	for i := range legs + 1 {
		p := Point4D{Pos: LatLon{LatE7: 1_000 + int32(i)*900, LonE7: -5_000}, Alt: Altitude{0, RefSTD}, AtNs: int64(i) * 1_000_000_000}
		if i%2 == 1 {
			p.Pos.LonE7 = int32(teeth)*4_000 + 5_000
		}
		path = append(path, p)
	}
	return flat(r), path
}

// TestWorkIsBounded: where the bounds are met the answer is one window over the whole plan, with nothing sure in it.
func TestWorkIsBounded(t *testing.T) {
	p, path := weave(2_400, MaxPathPoints-1)
	if err := p.Validate(); err != nil {
		t.Fatal(err)
	}
	vols := []*Prepared{Prepare(p)}
	end := path[len(path)-1].AtNs
	for _, u := range []Uncertainty{{TimeNs: 5}, {LateralCm: 100, TimeNs: 5}} {
		got := Windows(path, u, vols, 0)
		if want := []Window{{-5, end + 5, -5, end + 5}}; !slices.Equal(got, want) {
			t.Errorf("%d windows, the first %v, want %v", len(got), got[0], want)
		}
	}
	w := newWalk(path[:100], Uncertainty{}, vols, 0)
	if w.limit = 100_000; w.volume(vols[0]) {
		t.Error("ten edges for each of 9,600, and no bound met")
	}
	if w.crossings.tests > 150_000 {
		t.Errorf("%d edges looked at for a bound of 100,000", w.crossings.tests)
	}
}

// TestWindowsAreBounded: beyond MaxWindows the rest is one window, which reaches to the end of the last visit.
func TestWindowsAreBounded(t *testing.T) {
	p, path := weave(20, 101)
	vols := []*Prepared{Prepare(p)}
	w := newWalk(path, Uncertainty{}, vols, 0)
	if !w.volume(vols[0]) {
		t.Fatal("a bound was met")
	}
	all := join(slices.Clone(w.may))
	got := Windows(path, Uncertainty{}, vols, 0)
	if len(all) <= MaxWindows || len(got) != MaxWindows {
		t.Fatalf("%d visits, %d windows", len(all), len(got))
	}
	for i, g := range got[:MaxWindows-1] {
		if s := all[i]; g != (Window{s.lo, s.lo, s.hi, s.hi}) {
			t.Fatalf("window %d is %v, visit %v", i, g, s)
		}
	}
	last := got[MaxWindows-1]
	if last.EnterMinNs != all[MaxWindows-1].lo || last.LeaveMaxNs != all[len(all)-1].hi || !last.Sure() || last.LeaveMinNs-last.EnterMaxNs > 1_000_000_000 {
		t.Errorf("the last window is %v", last)
	}
}

// TestSpansAreBounded: many short pieces meet the bound on memory before that on work.
func TestSpansAreBounded(t *testing.T) {
	p, path := weave(300, 2_000)
	v := Prepare(p)
	w := newWalk(path, Uncertainty{}, []*Prepared{v}, 0)
	if w.volume(v) {
		t.Error("600,000 pieces were kept")
	}
	if len(w.may)+len(w.sure) > maxSpans+2*len(v.edges) {
		t.Errorf("%d pieces", len(w.may)+len(w.sure))
	}
}

func BenchmarkWorst(b *testing.B) {
	p, path := weave(2_400, MaxPathPoints-1)
	vols := []*Prepared{Prepare(p)}
	for b.Loop() {
		Windows(path, Uncertainty{LateralCm: 100}, vols, 0)
	}
}

func TestJoinAndWithout(t *testing.T) {
	got := join([]span{{5, 7}, {1, 3}, {3, 4}, {6, 9}, {20, 21}})
	if want := []span{{1, 4}, {5, 9}, {20, 21}}; !slices.Equal(got, want) {
		t.Errorf("joined %v, want %v", got, want)
	}
	for _, c := range []struct{ list, away, want []span }{
		{[]span{{0, 10}}, nil, []span{{0, 10}}},
		{[]span{{0, 10}, {20, 30}}, []span{{2, 3}, {9, 21}, {25, 26}, {30, 40}}, []span{{0, 2}, {3, 9}, {21, 25}, {26, 30}}},
		{[]span{{0, 10}}, []span{{0, 10}}, nil},
		{[]span{{5, 6}, {7, 8}}, []span{{0, 20}}, nil},
		{[]span{{5, 6}, {7, 8}}, []span{{6, 7}}, []span{{5, 6}, {7, 8}}},
	} {
		if got := without(c.list, c.away); !slices.Equal(got, c.want) {
			t.Errorf("%v without %v = %v, want %v", c.list, c.away, got, c.want)
		}
	}
	for _, c := range []struct {
		rest [2]span
		c    span
		want [2]span
	}{
		{[2]span{{0, 10}}, span{3, 5}, [2]span{{0, 3}, {5, 10}}},
		{[2]span{{0, 3}, {5, 10}}, span{2, 6}, [2]span{{0, 2}, {6, 10}}},
		{[2]span{{0, 3}, {5, 10}}, span{6, 7}, [2]span{{0, 3}, {5, 10}}},
		{[2]span{{0, 3}, {5, 10}}, span{0, 20}, [2]span{{3, 3}, {10, 10}}},
	} {
		got := cut(c.rest, c.c)
		for i := range got {
			if got[i] != c.want[i] && (!got[i].empty() || !c.want[i].empty()) {
				t.Errorf("%v cut by %v = %v, want %v", c.rest, c.c, got, c.want)
			}
		}
	}
}
