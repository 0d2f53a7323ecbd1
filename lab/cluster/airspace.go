package cluster

import (
	"fmt"
	"math/rand/v2"

	"onevoice/airspace"
	"onevoice/airspace/control"
	"onevoice/geo"
	"onevoice/lab/judge"
	"onevoice/lab/sim"
	"onevoice/machine"
)

const (
	sectorIDs = 4
	flightIDs = 8
	minuteNs  = 60 * secNs
	degreeE7  = 10_000_000
)

// airspaceWork files, amends and cancels flights and sectors, and asks who is where. Its answers are checked against the
// events of the log at the end.
type airspaceWork struct {
	rand      *rand.Rand
	group     uint32
	readPpm   int
	asked     map[string]asked // by the key of the operation
	answers   []answered
	versions  map[string]airspace.Version // newest seen, by sector or flight
	questions int
	bundles   bundles
	desks     desks
	past      pastTimes
	facts     map[string]int // of the world
}

// answered is a question with its answer, for the end.
type answered struct {
	index uint64
	op    judge.Op
	asked
	answer airspace.Answer
}

// asked is a question, and the known time that it names.
type asked struct {
	query airspace.Query
	known airspace.Known
}

// of is the entry whose picture an answer must agree with.
func (a *answered) of() uint64 {
	switch {
	case a.known == (airspace.Known{}) || a.refused():
		return a.index
	case a.known.Index > 0:
		return a.known.Index
	}
	return a.answer.Index
}

func newAirspaceWork(r *rand.Rand, group uint32, facts map[string]int) *airspaceWork {
	return &airspaceWork{
		rand: r, group: group, readPpm: 200_000 + r.IntN(500_000), desks: newDesks(r), facts: facts,
		past: newPastTimes(r), asked: map[string]asked{}, versions: map[string]airspace.Version{},
	}
}

// airspaceOf draws how much an airspace does in one entry: all, or so little that changes are staged over many.
func airspaceOf(r *rand.Rand) func() machine.Machine {
	steps := airspace.DefaultSteps()
	if r.IntN(2) == 0 {
		steps.Flights, steps.ZoneFlights = pick(r, 1, 1, 2), pick(r, 0, 1, 2)
	}
	return func() machine.Machine { return airspace.NewStepped(steps) }
}

func (w *airspaceWork) sectorID() string { return fmt.Sprintf("S%d", w.rand.IntN(sectorIDs)) }
func (w *airspaceWork) flightID() string { return fmt.Sprintf("F%d", w.rand.IntN(flightIDs)) }

func (w *airspaceWork) next() ([]byte, judge.Op) {
	if w.rand.IntN(million) < w.readPpm {
		switch w.rand.IntN(8) {
		case 0:
			return w.question(w.controlQuestion())
		case 1:
			return w.question(w.zoneQuestion())
		case 2, 3:
			return w.questionAsOf(w.plainQuestion(), w.pastTime())
		}
		return w.question(w.plainQuestion())
	}
	if w.rand.IntN(million) < w.desks.ppm {
		c, key := w.controls()
		return airspace.Encode(c), judge.Op{Group: w.group, Kind: judge.Other, Key: key}
	}
	c := w.command()
	key := fmt.Sprintf("%T", c)
	switch c.(type) {
	case airspace.CancelFlight, airspace.RemoveSector, airspace.RemoveZone:
		key = removes
	case airspace.CombineSectors, airspace.SplitSector:
		key = combines
	case airspace.Atomic:
		key = several
	case airspace.SignOn, airspace.KeepPosition, airspace.SignOff:
		key = leases
	}
	return airspace.Encode(c), judge.Op{Group: w.group, Kind: judge.Other, Key: key}
}

// removes is the key of commands whose events name what they removed and not themselves; several that of commands that are one, whose
// events are many; combines that of commands that make one sector of several, or several of one.
const (
	removes  = "remove"
	several  = "several"
	combines = "combine"
)

// plainQuestion asks for a flight, a sector, or who is in one.
func (w *airspaceWork) plainQuestion() airspace.Query {
	switch w.rand.IntN(4) {
	case 0:
		return airspace.FlightQuery{ID: w.flightID()}
	case 1:
		return airspace.SectorQuery{ID: w.anySector()}
	}
	from := w.instant()
	return airspace.WhoQuery{Sector: w.anySector(), FromNs: from, ToNs: from + 1 + w.rand.Int64N(60*minuteNs), Limit: 1000}
}

func (w *airspaceWork) question(q airspace.Query) ([]byte, judge.Op) {
	return w.questionAsOf(q, airspace.Known{})
}

func (w *airspaceWork) questionAsOf(q airspace.Query, known airspace.Known) ([]byte, judge.Op) {
	w.questions++
	key := fmt.Sprintf("question %d %+v", w.questions, q)
	w.asked[key] = asked{q, known}
	return airspace.EncodeQueryAsOf(q, known), judge.Op{Group: w.group, Kind: judge.Other, Query: true, Key: key}
}

func (w *airspaceWork) command() airspace.Command {
	switch n := w.rand.IntN(34); {
	case n >= 33:
		return w.history()
	case n >= 29:
		return w.zoneCommand()
	case n >= 26:
		return w.combining()
	case n >= 23:
		return w.lease()
	case n >= 20:
		return w.atomic()
	case n < 4:
		s := w.sector()
		return airspace.PutSector{Sector: s, If: w.precondition(s.ID)}
	case n < 5:
		id := w.sectorID()
		return airspace.RemoveSector{ID: id, If: w.precondition(id)}
	case n < 7:
		id := w.flightID()
		return airspace.CancelFlight{ID: id, If: w.precondition(id)}
	case n < 8:
		return airspace.SetService{RateMilli: pick(w.rand, int64(1_000), 1_000, 60_000, 500_000)}
	case n < 9:
		return airspace.SetRules{CrossRefCm: pick(w.rand, int32(0), 30_000), RetainNs: pick(w.rand, secNs, 5*minuteNs), Separation: pick(w.rand, airspace.DefaultSeparation(), geo.Separation{})}
	}
	f := w.flight()
	return airspace.PutFlight{Flight: f, If: w.precondition(f.ID)}
}

// precondition asks for nothing, for the version seen last, or for absence.
func (w *airspaceWork) precondition(id string) airspace.Precondition {
	v, seen := w.versions[id]
	switch n := w.rand.IntN(6); {
	case n == 0:
		return airspace.Precondition{Absent: true}
	case n < 3 && seen:
		return airspace.Precondition{Match: &v}
	}
	return airspace.Precondition{}
}

// sector is one rectangle.
func (w *airspaceWork) sector() airspace.Sector {
	return airspace.Sector{ID: w.sectorID(), Name: "sector", Volumes: []geo.Polygon{w.rectangle()}}
}

// flight crosses the same degrees, around the beginning of the world's time.
func (w *airspaceWork) flight() airspace.Flight {
	f := airspace.Flight{ID: w.flightID(), Callsign: "TEST1", From: "LSZH", To: "EGLL"}
	at := w.instant()
	for range 2 + w.rand.IntN(3) {
		pos := geo.LatLon{LatE7: w.rand.Int32N(4 * degreeE7), LonE7: w.rand.Int32N(4 * degreeE7)}
		f.Path = append(f.Path, geo.Point4D{Pos: pos, Alt: geo.FlightLevel(50 + w.rand.IntN(300)), AtNs: at})
		at += minuteNs + w.rand.Int64N(20*minuteNs)
	}
	if w.rand.IntN(2) == 0 {
		f.Uncertainty = geo.Uncertainty{LateralCm: 100_000, VerticalCm: 10_000, TimeNs: 30 * secNs}
	}
	return f
}

func (w *airspaceWork) instant() int64 {
	return sim.EpochNs - 60*minuteNs + w.rand.Int64N(150*minuteNs)
}

func (w *airspaceWork) result(op *judge.Op, result []byte) error {
	if op.Query {
		a, err := airspace.DecodeAnswer(result)
		if err != nil {
			return err
		}
		w.answers = append(w.answers, answered{op.Index, *op, w.asked[op.Key], a})
		if w.asked[op.Key].known == (airspace.Known{}) {
			w.past.see(&a)
			w.learn(&a)
		}
		return nil
	}
	r, err := airspace.DecodeResult(result)
	if err != nil {
		return err
	}
	w.learnControl(op, &r)
	if r.Problem == nil {
		switch op.Key {
		case several:
		case combines:
			op.Changed, op.ID = true, combinedID(r.Version)
		default:
			op.Changed, op.ID = r.Staged || op.Key != removes && op.Key != leases, versionID(r.Version)
		}
		if r.Version != (airspace.Version{Index: op.Index, Sub: op.Sub}) {
			return fmt.Errorf("result has version %v, the answer is of %d.%d", r.Version, op.Index, op.Sub)
		}
	}
	return nil
}

func (w *airspaceWork) learn(a *airspace.Answer) {
	switch body := a.Body.(type) {
	case *airspace.FlightRecord:
		w.versions[body.ID] = body.Version
	case *airspace.SectorRecord:
		w.versions[body.ID] = body.Version
	case *airspace.ZoneRecord:
		w.versions[body.ID] = body.Version
	case *airspace.Controlled:
		w.desks.records[body.Thing.String()+body.ID] = body.Record
	}
}

// versionID numbers commands by their place in the log, which is all that events tell of them.
func versionID(v airspace.Version) uint64 { return v.Index<<20 | uint64(v.Sub) }

func (w *airspaceWork) eventID(index uint64, event []byte) (uint64, bool) {
	e, err := airspace.DecodeEvent(event)
	if err != nil || w.bundles.of(&e) || e.Version.Index != index { // what was staged before has had its effect then
		return 0, false
	}
	switch e.Kind {
	case airspace.SectorPut, airspace.SectorStaged:
		if isCombined(e.ID) {
			return combinedID(e.Version), true
		}
		return versionID(e.Version), true
	case airspace.FlightPut, airspace.ZonePut, airspace.SettingsChanged:
		return versionID(e.Version), true
	}
	return versionID(e.Version), controlEvent(&e)
}

func (w *airspaceWork) last() []ask {
	var asks []ask
	add := func(q airspace.Query) {
		body, op := w.question(q)
		asks = append(asks, ask{body, op})
	}
	for i := range flightIDs {
		add(airspace.FlightQuery{ID: fmt.Sprintf("F%d", i)})
		add(airspace.ControlQuery{Thing: control.Flight, ID: fmt.Sprintf("F%d", i)})
	}
	for i := range sectorIDs {
		add(airspace.SectorQuery{ID: fmt.Sprintf("S%d", i)})
		add(airspace.ControlQuery{Thing: control.Sector, ID: fmt.Sprintf("S%d", i)})
		add(airspace.WhoQuery{Sector: fmt.Sprintf("S%d", i), FromNs: 1, ToNs: geo.MaxAtNs, Limit: 1000})
	}
	for i := range zoneIDs {
		add(airspace.ZoneQuery{ID: fmt.Sprintf("Z%d", i)})
		add(airspace.BreachQuery{Zone: fmt.Sprintf("Z%d", i), FromNs: 1, ToNs: geo.MaxAtNs, Limit: 1000})
	}
	for i := range combinedIDs {
		add(airspace.WhoQuery{Sector: fmt.Sprintf("C%d", i), FromNs: 1, ToNs: geo.MaxAtNs, Limit: 1000})
	}
	return asks
}
