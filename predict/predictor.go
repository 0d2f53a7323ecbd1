package predict

import (
	"cmp"
	"math"
	"slices"
	"strings"

	"onevoice/airspace"
	"onevoice/geo"
)

// Predictor follows flights. One goroutine calls it.
type Predictor struct {
	o      Options
	tracks []*track // by key
	plans  []*plan  // by flight
	ground ground
	// newestNs is the newest time of track, prunedNs what it was when old reports were forgotten last.
	newestNs, prunedNs int64
}

// plan is an agreed flight with what belongs to it.
type plan struct {
	airspace.Flight
	// filed is the path as it was put; Path is what is agreed by now.
	filed          []geo.Point4D
	filedTimeNs    int64
	beginNs, endNs int64
	end            target
	windows        []airspace.SectorWindow
	mark           airspace.Mark
	proposedNs     int64
}

// New makes one that knows nothing.
func New(o Options) *Predictor { return &Predictor{o: o} }

// Take takes a report, and says whether it told anything new. One that is older than what is kept, of a time ahead of when it came, or
// of an aircraft too many, tells nothing.
func (p *Predictor) Take(r Report) bool {
	if r.AtNs > r.ReceivedNs+p.o.AheadNs || r.AtNs <= p.newestNs-p.o.KeepNs || r.AtNs < 0 {
		return false
	}
	if p.newestNs = max(p.newestNs, r.AtNs); p.newestNs-p.prunedNs > pruneNs {
		p.prune()
	}
	key := keyOf(r.Aircraft, r.Callsign)
	at, known := slices.BinarySearchFunc(p.tracks, key, func(t *track, key string) int { return strings.Compare(t.key, key) })
	if !known {
		if len(p.tracks) >= p.o.MaxAircraft {
			return false
		}
		p.tracks = slices.Insert(p.tracks, at, &track{key: key, callsign: r.Callsign, south: 90, north: -90, west: 180, east: -180})
	}
	return p.tracks[at].take(r, p.o.SlotNs)
}

const pruneNs = int64(60e9)

// prune forgets what is older than what is kept.
func (p *Predictor) prune() {
	p.prunedNs = p.newestNs
	p.tracks = slices.DeleteFunc(p.tracks, func(t *track) bool {
		t.forget(p.newestNs - p.o.KeepNs)
		return len(t.fixes) == 0
	})
}

// Put makes a flight known, as it is agreed: with its mark where something was reported of it before. Reports are those of its callsign. A flight
// whose plan is volumes is not followed: nothing is known of its way.
func (p *Predictor) Put(f airspace.Flight, mark airspace.Mark) {
	if len(f.Path) < 2 {
		p.Drop(f.ID)
		return
	}
	first, last := f.Path[0], f.Path[len(f.Path)-1]
	n := &plan{Flight: f, filed: f.Path, filedTimeNs: f.Uncertainty.TimeNs - mark.SpreadNs, mark: mark, beginNs: first.AtNs, endNs: last.AtNs, end: target{placeOf(last.Pos), float64(last.Alt.Cm) / 100}}
	n.windows = p.ground.windows(n.Path, n.Uncertainty)
	at, known := p.find(f.ID)
	if known {
		p.plans[at] = n
		return
	}
	p.plans = slices.Insert(p.plans, at, n)
}

// Drop forgets a flight.
func (p *Predictor) Drop(id string) {
	if at, known := p.find(id); known {
		p.plans = slices.Delete(p.plans, at, at+1)
	}
}

func (p *Predictor) find(id string) (int, bool) {
	return slices.BinarySearchFunc(p.plans, id, func(f *plan, id string) int { return strings.Compare(f.ID, id) })
}

// earlyNs is how much before its plan's beginning or after its end a report may belong to a flight.
const earlyNs = int64(20 * 60e9)

// endOf is where the flight of a track ends: as planned, or at its last fix.
func (p *Predictor) endOf(t *track) target {
	last := &t.fixes[len(t.fixes)-1]
	for _, f := range p.plans {
		if f.Callsign == t.callsign && f.beginNs-earlyNs <= last.AtNs && last.AtNs <= f.endNs+earlyNs {
			return f.end
		}
	}
	return target{last.place, altitudeM(last)}
}

// fixesOf gives what is known of a flight, of the aircraft under its callsign that was heard last.
func (p *Predictor) fixesOf(f *plan) (*track, []fix) {
	var found *track
	var fixes []fix
	for _, t := range p.tracks {
		if t.callsign != f.Callsign {
			continue
		}
		list := t.between(f.beginNs-earlyNs, math.MaxInt64)
		if len(list) > 0 && (found == nil || list[len(list)-1].AtNs > fixes[len(fixes)-1].AtNs) {
			found, fixes = t, list
		}
	}
	return found, fixes
}

// Prediction is how a flight will most likely go on.
type Prediction struct {
	// Path begins at the last report, or with the plan where there was none. It has at least two points.
	Path []geo.Point4D
	// SpreadNs is by how much it is less certain in time than the plan.
	SpreadNs int64
	// Heard is whether there was a report.
	Heard bool
}

// Predict gives how a flight will go on; false where nothing can be said.
func (p *Predictor) Predict(id string) (Prediction, bool) {
	at, known := p.find(id)
	if !known {
		return Prediction{}, false
	}
	f := p.plans[at]
	t, fixes := p.fixesOf(f)
	if t == nil {
		return p.unheard(f)
	}
	return p.heard(f, t, fixes)
}

// heard is the prediction of a flight of which there are reports. Of an altitude of another reference than the plan's nothing is known:
// the flight is taken to be as high as agreed.
func (p *Predictor) heard(f *plan, t *track, fixes []fix) (Prediction, bool) {
	m, ok := motionOf(fixes)
	if !ok {
		return Prediction{}, false
	}
	if ref := f.Path[0].Alt.Ref; fixes[len(fixes)-1].Alt.Ref != ref {
		m.altM, m.climb = altitudeOf(f.Path, m.atNs), 0
	}
	var c course
	spread := 0.0
	if h, turning := holding(fixes); turning && p.o.Holding {
		c, spread = p.leave(t, &m, f.end, &h)
	} else {
		c = p.onward(t, &m, f.end, priorWeight)
	}
	out := Prediction{Path: c.path(m.atNs, f.Path[0].Alt.Ref, 1), SpreadNs: int64(spread * 1e9), Heard: true}
	return out, geo.ValidatePath(out.Path) == nil
}

// altitudeOf is how high a path is at a moment, in metres; before and after it as high as at its ends.
func altitudeOf(path []geo.Point4D, atNs int64) float64 {
	at, _ := slices.BinarySearchFunc(path, atNs, func(q geo.Point4D, ns int64) int { return cmp.Compare(q.AtNs, ns) })
	at = min(at, len(path)-1)
	b := &path[at]
	if at == 0 || b.AtNs <= atNs {
		return float64(b.Alt.Cm) / 100
	}
	a := &path[at-1]
	part := float64(atNs-a.AtNs) / float64(b.AtNs-a.AtNs)
	return (float64(a.Alt.Cm) + part*float64(b.Alt.Cm-a.Alt.Cm)) / 100
}

func (p *Predictor) onward(self *track, m *motion, end target, prior float64) course {
	first := ahead(m, end)
	first.weight = prior
	return mix(m, end, append([]course{first}, p.learned(self, m, end)...))
}

// unheard is the prediction of a flight of which there was no report: its plan's times, on the way that others took.
func (p *Predictor) unheard(f *plan) (Prediction, bool) {
	first := f.Path[0]
	seconds := float64(f.endNs-f.beginNs) / 1e9
	m := motion{at: placeOf(first.Pos), atNs: first.AtNs, altM: float64(first.Alt.Cm) / 100, track: math.NaN()}
	if m.speed = m.at.distance(f.end.place) / seconds; m.speed <= slowest {
		return Prediction{}, false
	}
	c := p.onward(nil, &m, f.end, planWeight)
	out := Prediction{Path: c.path(m.atNs, first.Alt.Ref, seconds/c.last().seconds)}
	return out, geo.ValidatePath(out.Path) == nil
}

// path is a course as the airspace writes it, from a time on.
func (c *course) path(atNs int64, ref geo.Ref, scale float64) []geo.Point4D {
	path := make([]geo.Point4D, 0, len(c.points))
	for _, q := range c.points {
		ns := atNs + int64(q.seconds*scale*1e9)
		if n := len(path); n > 0 && ns <= path[n-1].AtNs {
			continue
		}
		cm := math.Round(max(geo.MinAltitudeCm, min(geo.MaxAltitudeCm, q.altM*100)))
		path = append(path, geo.Point4D{Pos: q.position(), Alt: geo.Altitude{Cm: int32(cm), Ref: ref}, AtNs: ns})
	}
	return thinned(path)
}
