package bench

import (
	"testing"
	"testing/synctest"
	"time"
)

func ofMs(n int64) time.Duration { return time.Duration(n * int64(time.Millisecond)) }

func TestGapsBetween(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		begin := time.Now()
		var g Gaps
		for _, pause := range []int64{10, 30, 5} {
			start := time.Now()
			time.Sleep(ofMs(pause))
			g.Done(start)
		}
		for name, c := range map[string]struct {
			from, to       int64
			answered       int
			gap, p99, most int64
		}{
			"all":                    {0, 46, 3, 30, 30, 30},
			"the end counts":         {0, 100, 3, 55, 30, 30},
			"the begin counts":       {15, 46, 2, 25, 30, 30},
			"nothing was answered":   {11, 39, 0, 28, 0, 0},
			"an answer at its begin": {10, 20, 1, 10, 10, 10},
		} {
			want := Span{Answered: c.answered, Gap: ofMs(c.gap), P99: ofMs(c.p99), Max: ofMs(c.most)}
			if got := g.Between(begin.Add(ofMs(c.from)), begin.Add(ofMs(c.to))); got != want {
				t.Errorf("%s: %+v, want %+v", name, got, want)
			}
		}
	})
}
