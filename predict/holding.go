package predict

import (
	"cmp"
	"math"
	"slices"
)

const (
	lapNs      = int64(6 * 60e9) // the longest lap of a holding pattern
	lapTurn    = 300.0           // degrees turned one way within a lap
	lapShare   = 0.5             // the most that a lap gets on, as a share of the way flown
	leftNs     = int64(60e9)     // after which without turning an aircraft has left
	holdNearM  = 15_000          // how far apart two places are that are one holding
	maxHolds   = 12              // how many earlier holdings are looked at, the latest
	guessedSec = 240.0           // how long a holding of which nothing is known goes on: about a lap
)

// hold is a holding: an aircraft turns and does not get on.
type hold struct {
	first, last int // fixes
	middle      place
	seconds     float64
}

// holdsOf finds the holdings in a track, in the order of time.
func holdsOf(fixes []fix) []hold {
	turned, flown := make([]float64, len(fixes)), make([]float64, len(fixes))
	bearing := math.NaN()
	for i := 1; i < len(fixes); i++ {
		way := fixes[i-1].place.to(fixes[i].place)
		turned[i], flown[i] = turned[i-1], flown[i-1]+way.length()
		if way.length() > 1 {
			now := way.bearing()
			if !math.IsNaN(bearing) {
				turned[i] += turn(bearing, now)
			}
			bearing = now
		}
	}
	var list []hold
	for i := range fixes {
		for j := i - 1; j >= 0 && fixes[i].AtNs-fixes[j].AtNs <= lapNs; j-- {
			if math.Abs(turned[i]-turned[j]) < lapTurn || fixes[j].place.distance(fixes[i].place) > lapShare*(flown[i]-flown[j]) {
				continue
			}
			if n := len(list); n > 0 && fixes[j].AtNs-fixes[list[n-1].last].AtNs <= leftNs {
				list[n-1].last = i
			} else {
				list = append(list, hold{first: j, last: i})
			}
			break
		}
	}
	for k := range list {
		h := &list[k]
		h.seconds = float64(fixes[h.last].AtNs-fixes[h.first].AtNs) / 1e9
		var sum vector
		for _, f := range fixes[h.first : h.last+1] {
			sum = sum.plus(fixes[h.first].place.to(f.place))
		}
		h.middle = fixes[h.first].place.add(sum.times(1 / float64(h.last-h.first+1)))
	}
	return list
}

// holdings are those in all fixes of a track. They are looked for once for each change of it: a prediction looks at those of every
// track near.
func (t *track) holdings() []hold {
	if !t.held {
		t.holds, t.held = holdsOf(t.fixes), true
	}
	return t.holds
}

// holding is the one that these fixes end in; false where they end in none.
func holding(fixes []fix) (hold, bool) {
	first, _ := slices.BinarySearchFunc(fixes, fixes[len(fixes)-1].AtNs-int64(3600e9), func(f fix, ns int64) int { return cmp.Compare(f.AtNs, ns) })
	list := holdsOf(fixes[first:])
	if len(list) == 0 || fixes[len(fixes)-1].AtNs-fixes[first+list[len(list)-1].last].AtNs > leftNs {
		return hold{}, false
	}
	return list[len(list)-1], true
}

// ended is an earlier holding at the same place, and how its flight went on.
type ended struct {
	seconds float64
	endNs   int64
	track   *track
	last    int
}

// leave is the course of an aircraft in a holding: how long it stays, as others did that stayed at least as long, and how they went on;
// with how uncertain that is, in seconds.
func (p *Predictor) leave(self *track, m *motion, end target, h *hold) (course, float64) {
	stay, spread := guessedSec, guessedSec
	earlier := p.endedNear(self, h)
	var stays []weighed
	for _, e := range earlier {
		if e.seconds > h.seconds {
			stays = append(stays, weighed{e.seconds - h.seconds, 1})
		}
	}
	if len(stays) > 0 {
		stay = median(stays)
		spread = max(60, (stays[len(stays)-1].v-stays[0].v)/2)
	}
	exit := *m
	exit.at, exit.track, exit.climb = h.middle, math.NaN(), 0
	list := []course{ahead(&exit, end)}
	list[0].weight = priorWeight
	for _, e := range earlier {
		c := e.track.from(e.last, &exit, end, p.endOf(e.track).altM)
		c.weight = 1
		list = append(list, c)
	}
	after := mix(&exit, end, list)
	var c course
	c.add(m.at, m.altM, 0)
	for i := range after.points {
		q := after.points[i]
		q.seconds += stay
		q.along += m.at.distance(h.middle)
		c.points = append(c.points, q)
	}
	return c, spread
}

// endedNear lists the latest holdings near one that have ended, with a course on.
func (p *Predictor) endedNear(self *track, h *hold) []ended {
	var list []ended
	near := reachOf(h.middle)
	for _, t := range p.tracks {
		if t == self || !near.box(t) {
			continue
		}
		for _, one := range t.holdings() {
			over := t.fixes[len(t.fixes)-1].AtNs-t.fixes[one.last].AtNs > 2*leftNs
			if over && one.middle.distance(h.middle) <= holdNearM {
				list = append(list, ended{one.seconds, t.fixes[one.last].AtNs, t, one.last})
			}
		}
	}
	slices.SortStableFunc(list, func(a, b ended) int { return cmp.Compare(b.endNs, a.endNs) })
	return list[:min(len(list), maxHolds)]
}
