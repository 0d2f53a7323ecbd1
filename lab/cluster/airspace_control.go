package cluster

import (
	"cmp"
	"fmt"
	"math/rand/v2"
	"strings"

	"onevoice/problem"

	"onevoice/airspace"
	"onevoice/airspace/control"
	"onevoice/fence"
	"onevoice/lab/judge"
)

const (
	positionIDs = 3
	// consoles is how many consoles there are for each position: they race for it.
	consoles = 2
)

// desks is what the consoles of a world know of who controls what: what the newest answers said.
type desks struct {
	records map[string]control.Record
	// holders are the consoles that were last told that they have a position.
	holders [positionIDs]fence.Holder
	// missing is what there was none of when a console acted on it, to be filed next.
	missing string
	// ppm is the chance that a command is about control, and sure that a console is one that has its position.
	ppm, sure int
	// positions is how many there are in this world.
	positions int
	// idle says that consoles of this world seldom keep what they have, or answer what is offered: leases lapse, and offers time out.
	idle    bool
	matched map[airspace.Version]control.Version
	asked   map[string]control.Version // by the key of the operation
	acts    int
}

// controlled is how many flights, and sectors, consoles are after.
const controlled = 2

func newDesks(r *rand.Rand) desks {
	return desks{idle: r.IntN(8) == 0, ppm: pick(r, 300_000, 800_000, 900_000), sure: pick(r, 3, 8, 16), positions: pick(r, 2, 2, positionIDs), records: map[string]control.Record{}, matched: map[airspace.Version]control.Version{}, asked: map[string]control.Version{}}
}

// leases is the key of commands about positions: one that is repeated has no event.
const leases = "lease"

func (w *airspaceWork) positionID() string { return fmt.Sprintf("P%d", w.rand.IntN(w.desks.positions)) }

func (w *airspaceWork) console() control.By { return w.at(w.positionID()) }

// at is a console of a position: often the one that has it.
func (w *airspaceWork) at(position string) control.By {
	by := control.By{Position: position, Holder: fence.Holder{byte(1 + w.rand.IntN(consoles))}}
	for i, h := range w.desks.holders {
		if position == fmt.Sprintf("P%d", i) && h != (fence.Holder{}) && w.rand.IntN(w.desks.sure) > 0 {
			by.Holder = h
		}
	}
	return by
}

// unmanned is a position that is not known to have a console.
func (w *airspaceWork) unmanned() (string, bool) {
	for i, h := range w.desks.holders[:w.desks.positions] {
		if h == (fence.Holder{}) {
			return fmt.Sprintf("P%d", i), true
		}
	}
	return "", false
}

// lease draws a command about a position. Nobody keeps anything for sure, so that leases lapse.
func (w *airspaceWork) lease() airspace.Command {
	by := w.console()
	switch w.rand.IntN(8) {
	case 0:
		return airspace.SignOff{By: by, Leave: w.rand.IntN(3) > 0}
	case 1, 2:
		if !w.desks.idle {
			return airspace.KeepPosition{By: by}
		}
	case 3:
		if w.rand.IntN(3) == 0 {
			return airspace.SignOff{By: control.By{Position: by.Position}, Force: true}
		}
	}
	if free, ok := w.unmanned(); ok {
		by = w.at(free)
	}
	return airspace.SignOn{By: by, Owner: "console", LeaseMs: pick(w.rand, int64(1_000), 2_000, 10_000)}
}

// controls draws an act on a flight or sector, often one that what is known of it suggests, and often on the version that is known.
func (w *airspaceWork) controls() (airspace.Command, string) {
	if id := w.desks.missing; id != "" {
		w.desks.missing = ""
		return w.filed(id)
	}
	if _, free := w.unmanned(); free && w.rand.IntN(3) > 0 || w.rand.IntN(16) == 0 {
		return w.lease(), leases
	}
	c := airspace.Control{Thing: control.Flight, ID: fmt.Sprintf("F%d", w.rand.IntN(controlled))}
	if w.rand.IntN(4) == 0 {
		c.Thing, c.ID = control.Sector, fmt.Sprintf("S%d", w.rand.IntN(controlled))
	}
	known, seen := w.desks.records[c.Thing.String()+c.ID]
	q := &c.Request
	q.Act, q.By = pick(w.rand, control.Acts()...), w.console()
	if !seen {
		q.Act = control.Assume
	}
	if seen && w.rand.IntN(8) > 0 {
		w.suggested(q, &known)
		q.By = w.at(q.By.Position)
	}
	if q.Act == control.Coordinate || q.Act == control.Propose {
		if q.To = (control.Target{Position: w.positionID()}); c.Thing == control.Flight && w.rand.IntN(2) == 0 {
			q.To = control.Target{Sector: fmt.Sprintf("S%d", w.rand.IntN(controlled))}
		}
	}
	if q.Act == control.Propose {
		if q.TimeoutMs = pick(w.rand, int64(0), 1_000, 1_500); w.desks.idle {
			q.TimeoutMs = control.MinTimeoutMs
		}
	}
	if (q.Act == control.Take || q.Act == control.Release) && w.rand.IntN(10) == 0 {
		q.Force, q.By = true, control.By{}
		if q.Act == control.Take {
			q.To = control.Target{Position: w.positionID()}
		}
	}
	w.desks.acts++
	key := fmt.Sprintf("act %d", w.desks.acts)
	if seen && w.rand.IntN(2) == 0 {
		q.Match = &known.Version
		w.desks.asked[key] = known.Version
	}
	return c, key
}

// filed is a flight or sector of a name, and the key of its command.
func (w *airspaceWork) filed(id string) (airspace.Command, string) {
	var c airspace.Command
	if id[0] == 'S' {
		s := w.sector()
		s.ID = id
		c = airspace.PutSector{Sector: s}
	} else {
		f := w.flight()
		f.ID = id
		c = airspace.PutFlight{Flight: f}
	}
	return c, fmt.Sprintf("%T", c)
}

// suggested draws what somebody would do who knows a record.
func (w *airspaceWork) suggested(q *control.Request, known *control.Record) {
	switch known.State {
	case control.PreActive, control.Uncontrolled, control.Coordinated:
		q.Act = pick(w.rand, control.Assume, control.Assume, control.Coordinate)
	case control.Controlled:
		q.Act, q.By.Position = pick(w.rand, control.Propose, control.Propose, control.Propose, control.Release), known.Position
		if w.rand.IntN(3) == 0 {
			q.Act, q.By.Position = control.Take, w.positionID()
		}
	case control.Handoff:
		if w.desks.idle && w.rand.IntN(16) > 0 { // it is offered, and too late or by one who may not
			q.Act, q.By.Position = control.Propose, known.Position
			return
		}
		q.Act = pick(w.rand, control.Accept, control.Accept, control.Accept, control.Refuse)
		q.By.Position = known.To.Position
		if to := known.To.Sector; to != "" {
			q.By.Position = cmp.Or(w.desks.records[control.Sector.String()+to].Position, w.positionID())
		}
		if w.rand.IntN(4) == 0 {
			q.Act, q.By.Position = control.Recall, known.Position
		}
	case control.Finished:
		q.Act = control.Take
	}
}

// learnControl remembers what an answer tells of records.
func (w *airspaceWork) learnControl(op *judge.Op, r *airspace.Result) {
	if r.Control != nil {
		w.desks.records[r.Control.Thing.String()+r.Control.ID] = *r.Control
	}
	if r.Problem != nil && r.Problem.Kind == problem.NotFound && strings.HasPrefix(op.Key, "act") {
		w.desks.missing = r.Problem.Subject
	}
	for i := range positionIDs {
		switch id := fmt.Sprintf("P%d", i); {
		case r.Position != nil && r.Position.ID == id:
			w.desks.holders[i] = r.Position.Holder
		case r.Problem != nil && r.Problem.Kind == problem.Expired && strings.Contains(r.Problem.Detail, id+" is not signed on"):
			w.desks.holders[i] = fence.Holder{}
		}
	}
	if version, asked := w.desks.asked[op.Key]; asked && r.Problem == nil {
		w.desks.matched[r.Version] = version
	}
}

// controlQuestion draws a question about control.
func (w *airspaceWork) controlQuestion() airspace.Query {
	if w.rand.IntN(3) == 0 {
		return airspace.ControlQuery{Thing: control.Sector, ID: fmt.Sprintf("S%d", w.rand.IntN(controlled))}
	}
	return airspace.ControlQuery{Thing: control.Flight, ID: fmt.Sprintf("F%d", w.rand.IntN(controlled))}
}

// controlEvent finds the act that an event is of; what time and leases do is of none.
func controlEvent(e *airspace.Event) bool {
	d, ok := e.Detail.(airspace.ControlDetail)
	return ok && d.Record != nil && d.Act <= control.Take
}

// tellControl counts what consoles have done.
func (w *airspaceWork) tellControl(k *judge.Control) {
	for what, n := range k.Facts {
		w.facts["control: "+what] += n
	}
}
