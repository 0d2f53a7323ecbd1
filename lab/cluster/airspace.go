package cluster

import (
	"fmt"
	"math/rand/v2"

	"onevoice/airspace"
	"onevoice/airspace/control"
	"onevoice/geo"
	"onevoice/lab/judge"
	"onevoice/lab/sim"
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
	asked     map[string]airspace.Query // by the key of the operation
	answers   []answered
	versions  map[string]airspace.Version // newest seen, by sector or flight
	questions int
	bundles   bundles
	desks     desks
	facts     map[string]int // of the world
}

// answered is a question with its answer, for the end.
type answered struct {
	index  uint64
	op     judge.Op
	query  airspace.Query
	answer airspace.Answer
}

func newAirspaceWork(r *rand.Rand, group uint32, facts map[string]int) *airspaceWork {
	return &airspaceWork{
		rand: r, group: group, readPpm: 200_000 + r.IntN(500_000), desks: newDesks(r), facts: facts,
		asked: map[string]airspace.Query{}, versions: map[string]airspace.Version{},
	}
}

func (w *airspaceWork) sectorID() string { return fmt.Sprintf("S%d", w.rand.IntN(sectorIDs)) }
func (w *airspaceWork) flightID() string { return fmt.Sprintf("F%d", w.rand.IntN(flightIDs)) }

func (w *airspaceWork) next() ([]byte, judge.Op) {
	if w.rand.IntN(million) < w.readPpm {
		switch w.rand.IntN(5) {
		case 4:
			return w.question(w.controlQuestion())
		case 0:
			return w.question(airspace.FlightQuery{ID: w.flightID()})
		case 1:
			return w.question(airspace.SectorQuery{ID: w.sectorID()})
		}
		from := w.instant()
		return w.question(airspace.WhoQuery{Sector: w.sectorID(), FromNs: from, ToNs: from + 1 + w.rand.Int64N(60*minuteNs), Limit: 1000})
	}
	if w.rand.IntN(million) < w.desks.ppm {
		c, key := w.controls()
		return airspace.Encode(c), judge.Op{Group: w.group, Kind: judge.Other, Key: key}
	}
	c := w.command()
	key := fmt.Sprintf("%T", c)
	switch c.(type) {
	case airspace.CancelFlight, airspace.RemoveSector:
		key = removes
	case airspace.Atomic:
		key = several
	case airspace.SignOn, airspace.KeepPosition, airspace.SignOff:
		key = leases
	}
	return airspace.Encode(c), judge.Op{Group: w.group, Kind: judge.Other, Key: key}
}

// removes is the key of commands whose events name what they removed and not themselves; several that of commands that are one, whose
// events are many.
const (
	removes = "remove"
	several = "several"
)

func (w *airspaceWork) question(q airspace.Query) ([]byte, judge.Op) {
	w.questions++
	key := fmt.Sprintf("question %d %+v", w.questions, q)
	w.asked[key] = q
	return airspace.EncodeQuery(q), judge.Op{Group: w.group, Kind: judge.Other, Query: true, Key: key}
}

func (w *airspaceWork) command() airspace.Command {
	switch n := w.rand.IntN(26); {
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

// sector is a rectangle somewhere in four degrees by four, below or above a level.
func (w *airspaceWork) sector() airspace.Sector {
	south, west := w.rand.Int32N(3*degreeE7), w.rand.Int32N(3*degreeE7)
	north, east := south+1+w.rand.Int32N(degreeE7), west+1+w.rand.Int32N(degreeE7)
	ring := geo.Ring{{LatE7: south, LonE7: west}, {LatE7: south, LonE7: east}, {LatE7: north, LonE7: east}, {LatE7: north, LonE7: west}}
	band := geo.Band{Floor: geo.Altitude{Ref: geo.RefSTD}, Ceiling: geo.FlightLevel(pick(w.rand, 100, 400))}
	if w.rand.IntN(3) == 0 {
		band = geo.Band{Floor: geo.Altitude{Ref: geo.RefAMSL}, Ceiling: geo.Altitude{Cm: 500_000, Ref: geo.RefAMSL}}
	}
	return airspace.Sector{ID: w.sectorID(), Name: "sector", Volumes: []geo.Polygon{{Rings: []geo.Ring{ring}, Band: band}}}
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
		w.learn(&a)
		return nil
	}
	r, err := airspace.DecodeResult(result)
	if err != nil {
		return err
	}
	w.learnControl(op, &r)
	if r.Problem == nil {
		if op.Key != several {
			op.Changed, op.ID = op.Key != removes && op.Key != leases, versionID(r.Version)
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
	case *airspace.Controlled:
		w.desks.records[body.Thing.String()+body.ID] = body.Record
	}
}

// versionID numbers commands by their place in the log, which is all that events tell of them.
func versionID(v airspace.Version) uint64 { return v.Index<<20 | uint64(v.Sub) }

func (w *airspaceWork) eventID(event []byte) (uint64, bool) {
	e, err := airspace.DecodeEvent(event)
	switch {
	case err != nil, w.bundles.of(&e):
		return 0, false
	case e.Kind == airspace.FlightPut, e.Kind == airspace.SectorPut, e.Kind == airspace.SettingsChanged, controlEvent(&e):
		return versionID(e.Version), true
	}
	return 0, false
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
	return asks
}
