package predict

import (
	"cmp"
	"math"
	"slices"

	"onevoice/airspace"
	"onevoice/feed"
	"onevoice/geo"
	"onevoice/predict"
)

// model is a way of predicting.
type model int

const (
	ours model = iota
	steady
	models
)

// run is a measurement under way.
type run struct {
	o        Options
	volumes  []volume
	flights  []flight
	room     *predict.Predictor
	constant constant
	before   part
	heldOut  part
	walk     geo.Walk
	known    int // so many flights have been put
	underWay []*flight
}

// part is what is counted of a part of the recording, by sector.
type part struct {
	heard   []Row // entries of flights of which there was a row when they were predicted
	unheard []Row
}

func newPart(sectors []volume) part {
	var p part
	for _, v := range sectors {
		p.heard = append(p.heard, Row{Sector: v.id})
		p.unheard = append(p.unheard, Row{Sector: v.id})
	}
	return p
}

// Run measures, in the time of the recording.
func Run(samples []feed.Sample, sectors []airspace.Sector, o Options) Result {
	r := run{o: o, volumes: prepare(sectors), room: predict.New(o.Room), constant: constant{rows: map[string][]feed.Sample{}}}
	r.flights = flightsOf(samples, r.volumes)
	r.before, r.heldOut = newPart(r.volumes), newPart(r.volumes)
	next, step := 0, o.Step.Nanoseconds()
	for now := samples[0].AtNs; now <= samples[len(samples)-1].AtNs; now += step {
		for ; next < len(samples) && samples[next].AtNs <= now; next++ {
			r.take(samples[next])
		}
		r.at(now)
	}
	result := newResult(r.before.heard, r.before.unheard)
	if o.HeldOutNs != 0 {
		held := newResult(r.heldOut.heard, r.heldOut.unheard)
		result.HeldOut = &held
	}
	return result
}

func (r *run) take(s feed.Sample) {
	r.room.Take(predict.ReportOf(&s))
	r.constant.take(keyOf(s.ICAO24, s.Callsign), s)
}

// at predicts all flights at a moment. Plans are known so long before they begin that what follows can be predicted.
func (r *run) at(now int64) {
	ahead, step := r.o.Ahead.Nanoseconds(), r.o.Step.Nanoseconds()
	for ; r.known < len(r.flights) && r.flights[r.known].beginNs <= now+ahead+step; r.known++ {
		f := &r.flights[r.known]
		r.room.Put(f.filed, airspace.Mark{})
		r.underWay = append(r.underWay, f)
	}
	r.underWay = slices.DeleteFunc(r.underWay, func(f *flight) bool {
		if f.endNs <= now {
			r.room.Drop(f.filed.ID)
		}
		return f.endNs <= now
	})
	counted := &r.before
	if r.o.HeldOutNs != 0 && now+ahead >= r.o.HeldOutNs {
		counted = &r.heldOut
	}
	for _, f := range r.underWay {
		rows := counted.heard
		if f.beginNs > now {
			rows = counted.unheard
		}
		var guesses [models][]entry
		if p, ok := r.room.Predict(f.filed.ID); ok {
			guesses[ours] = entries(&r.walk, p.Path, r.volumes)
		}
		if path := r.constant.path(f, 2*ahead); path != nil {
			guesses[steady] = entries(&r.walk, path, r.volumes)
		}
		judge(rows, f, guesses, now+ahead, step)
	}
}

// judge counts the true entries of a time, and the predicted ones that are none.
func judge(rows []Row, f *flight, guesses [models][]entry, from, forNs int64) {
	within := func(e entry) bool { return e.atNs >= from && e.atNs < from+forNs }
	for _, e := range f.truth {
		if within(e) {
			rows[e.sector].add(nearest(guesses[ours], e), nearest(guesses[steady], e))
		}
	}
	for m, list := range guesses {
		for _, g := range list {
			if within(g) && math.Abs(nearest(f.truth, g)) > LimitS {
				rows[g.sector].scores()[m].False++
			}
		}
	}
}

// nearest is how many seconds after an entry the nearest one of a list into the same sector is; infinite where there is none.
func nearest(list []entry, e entry) float64 {
	best := math.Inf(1)
	for _, g := range list {
		if s := float64(g.atNs-e.atNs) / 1e9; g.sector == e.sector && cmp.Less(math.Abs(s), math.Abs(best)) {
			best = s
		}
	}
	return best
}
