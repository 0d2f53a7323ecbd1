package airspace

import (
	"bytes"
	"fmt"
	"slices"
	"sync"
	"testing"
)

// TestRootsStayAsTheyAre has readers ask old roots while the writer goes on: with the race detector it shows that the two
// share nothing that changes, and without it that a root's answers and chunks stay the same.
func TestRootsStayAsTheyAre(t *testing.T) {
	w := newWorld()
	for i := range int32(4) {
		w.must(t, PutSector{Sector: sectorOf(fmt.Sprint("S", i), square(deg(46), deg(5+i), deg(48), deg(6+i), 300, 400))})
	}
	type held struct {
		root   *State
		chunks [][]byte
	}
	roots := make(chan held, 64)
	var readers sync.WaitGroup
	for range 4 {
		readers.Go(func() {
			for h := range roots {
				readRoot(t, h.root)
				if !slices.EqualFunc(h.chunks, chunksOf(h.root), bytes.Equal) {
					t.Error("a root's chunks changed")
				}
			}
		})
	}
	for i := range 3000 {
		id := fmt.Sprint("f", i%60)
		switch {
		case i%7 == 0:
			w.do(CancelFlight{ID: id})
		case i%401 == 0:
			w.must(t, PutSector{Sector: sectorOf("S1", square(deg(46), deg(6), deg(48), deg(7), 300, 340+i%20))})
		case i%997 == 0:
			w.do(RemoveSector{ID: "S3"})
		default:
			w.must(t, PutFlight{Flight: eastward(id, 47, int32(i%4), int32(i%4)+8, w.logNs+int64(i%50)*second)})
		}
		if i%40 == 0 {
			root := w.m.State()
			roots <- held{root, chunksOf(root)}
		}
	}
	close(roots)
	readers.Wait()
}

// readRoot asks everything, and holds the answers against one another.
func readRoot(t *testing.T, s *State) {
	windows, visits := 0, 0
	for _, f := range s.Flights("", MaxPage) {
		windows += len(f.Windows)
		for _, v := range f.Windows {
			if list, err := s.Who(v.Sector, v.EnterMinNs, v.LeaveMaxNs, Cursor{}, 2); err != nil || len(list) == 0 {
				t.Errorf("flight %s has a window in %s, where there is no one: %v", f.ID, v.Sector, err)
			}
		}
	}
	for _, n := range s.Sectors("", MaxPage) {
		list, err := s.Who(n.ID, everBefore, everAfter, Cursor{}, MaxPage)
		if err != nil {
			t.Error(err)
		}
		visits += len(list)
	}
	if windows != visits {
		t.Errorf("flights have %d windows, sectors %d", windows, visits)
	}
	if _, err := s.InVolume(square(deg(46), deg(6), deg(48), deg(7), 300, 400), nil, everBefore, everAfter, Cursor{}, MaxPage); err != nil {
		t.Error(err)
	}
}
