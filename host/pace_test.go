package host

import (
	"context"
	"testing"
	"testing/synctest"
	"time"

	"onevoice/consensus"
	"onevoice/replica"
	"onevoice/watch"
)

// feed has a journal take one event.
func feed(t *testing.T, j *Journal, index uint64) {
	t.Helper()
	if _, err := j.add(replica.Applied{Applied: consensus.Applied{Index: index, Events: [][]byte{{byte(index)}}}}); err != nil {
		t.Fatal(err)
	}
	j.tell()
}

// reading is a journal with readers beside the one of the test, which waits as a watch does.
func reading(t *testing.T, others int) *Journal {
	j := newJournal(watch.Mark{Index: 10})
	for range others {
		t.Cleanup(j.join().leave)
	}
	stop := make(chan struct{})
	go j.run(stop)
	t.Cleanup(func() { close(stop) })
	return j
}

// groups takes events until the one at index last, and gives how many came at once, and when the first did.
func groups(t *testing.T, j *Journal, r *rank, last uint64) (sizes []int, first time.Duration) {
	began, pos := time.Now(), watch.EndOf(10)
	for pos.Index < last {
		p, err := j.next(r, t.Context().Done(), nil, 1, pos)
		if err != nil || p == nil {
			t.Errorf("after %v: page %v, error %v", pos, p, err)
			return sizes, first
		}
		if len(sizes) == 0 {
			first = time.Since(began)
		}
		sizes = append(sizes, int(p.to.Index-pos.Index))
		pos = p.to
	}
	return sizes, first
}

func TestManyReadersAreShownEventsInGroups(t *testing.T) {
	for _, c := range []struct {
		others, atLeast, atMost int // groups of 100 events, one each millisecond
	}{{0, 90, 100}, {1_000, 5, 7}} {
		synctest.Test(t, func(t *testing.T) {
			j := reading(t, c.others)
			r := j.join()
			defer r.leave()
			go func() {
				for i := range uint64(100) {
					if i > 0 {
						time.Sleep(time.Millisecond)
					}
					feed(t, j, 11+i)
				}
			}()
			sizes, first := groups(t, j, r, 110)
			if n := len(sizes); n < c.atLeast || n > c.atMost {
				t.Errorf("%d readers more: %d groups %v, want %d to %d", c.others, n, sizes, c.atLeast, c.atMost)
			}
			if first != 0 {
				t.Errorf("%d readers more: the first event came after %s", c.others, first)
			}
		})
	}
}

func TestAfterAQuietTimeNobodyWaits(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		j := reading(t, 1_000)
		for i := range uint64(5) {
			time.Sleep(mostPause)
			began, pos := time.Now(), watch.EndOf(10+i)
			feed(t, j, 11+i)
			for k := range j.ranks {
				if p, err := j.next(&j.ranks[k], t.Context().Done(), nil, 1, pos); err != nil || p.to.Index != 11+i || time.Since(began) != 0 {
					t.Fatalf("rank %d: page %v, error %v, after %s", k, p, err, time.Since(began))
				}
			}
			if items, err := j.Wait(context.Background(), pos, 10); err != nil || len(items) != 1 || time.Since(began) != 0 {
				t.Fatalf("Wait: %v, %v, after %s", items, err, time.Since(began))
			}
		}
	})
}

func TestAReaderSeesNoMoreThanItsRankWasShown(t *testing.T) {
	j := newJournal(watch.Mark{Index: 10})
	feed(t, j, 11)
	j.show(&j.ranks[0])
	feed(t, j, 12)
	ended, cancel := context.WithCancel(context.Background())
	cancel()
	if items, err := j.Wait(ended, watch.EndOf(10), 10); err != nil || len(items) != 1 || items[0].Position.Index != 11 {
		t.Errorf("Wait: %v, %v, want the event of index 11 only", items, err)
	}
	if items, err := j.After(watch.EndOf(10), 10); err != nil || len(items) != 2 {
		t.Errorf("After: %v, %v, want both events", items, err)
	}
}
