package host

import (
	"testing"
	"time"
)

func TestWhatCountsAsStalled(t *testing.T) {
	const ms = time.Millisecond
	type look struct {
		onWay
		at   time.Duration
		want bool
	}
	for what, looks := range map[string][]look{
		"nothing on its way":                          {{onWay{silence: time.Hour}, 0, false}, {onWay{silence: time.Hour}, 100 * ms, false}},
		"sent just now after an hour":                 {{onWay{segments: 9, silence: time.Hour}, 0, false}, {onWay{segments: 9, silence: time.Hour}, 50 * ms, false}},
		"never acknowledged since":                    {{onWay{segments: 9, silence: time.Hour}, 0, false}, {onWay{segments: 9, silence: time.Hour}, 60 * ms, true}},
		"always something, acknowledged all the time": {{onWay{segments: 9}, 0, false}, {onWay{segments: 9, silence: 2 * ms}, time.Second, false}},
		"one segment, never acknowledged":             {{onWay{segments: 1, silence: time.Hour}, 0, false}, {onWay{segments: 1, silence: time.Hour}, 59 * ms, false}, {onWay{segments: 1, silence: time.Hour}, 60 * ms, true}},
		"one segment that TCP has sent again":         {{onWay{segments: 1, repeats: 1}, 0, true}},
		"an old repetition, all acknowledged":         {{onWay{repeats: 1}, 0, false}},
		"a long way":                                  {{onWay{segments: 9, rtt: 100 * ms}, 0, false}, {onWay{segments: 9, silence: 200 * ms, rtt: 100 * ms}, 200 * ms, false}, {onWay{segments: 9, silence: 260 * ms, rtt: 100 * ms}, 260 * ms, true}},
		"acknowledged in between": {
			{onWay{segments: 9, silence: 50 * ms}, 0, false}, {onWay{segments: 0}, 50 * ms, false},
			{onWay{segments: 9, silence: 5 * ms}, 60 * ms, false}, {onWay{segments: 9, silence: 50 * ms}, 110 * ms, false},
		},
	} {
		var w stallWatch
		for i, l := range looks {
			if got := w.judge(l.onWay, time.Time{}.Add(time.Hour+l.at)); got != l.want {
				t.Errorf("%s, look %d: stalled is %v, want %v", what, i, got, l.want)
			}
		}
	}
}
