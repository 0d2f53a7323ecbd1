package airspace

import (
	"slices"
	"strings"
	"testing"

	"onevoice/airspace/control"
	"onevoice/fence"
	"onevoice/problem"
)

// desk is a console in a test.
func desk(position string, holder byte) control.By {
	return control.By{Position: position, Holder: fence.Holder{holder}}
}

func act(thing control.Thing, id string, a control.Act, by control.By, to control.Target) Control {
	return Control{Thing: thing, ID: id, Request: control.Request{Act: a, By: by, To: to}}
}

func onFlight(id string, a control.Act, by control.By) Control {
	return act(control.Flight, id, a, by, control.Target{})
}

// manned is a machine with two sectors, two flights, and the positions R1 and R2 signed on for a minute.
func manned(t *testing.T) (w *world, r1, r2 control.By) {
	w = newWorld()
	for _, id := range []string{"A", "B"} {
		w.must(t, PutSector{Sector: sectorOf(id, square(deg(46), deg(6), deg(48), deg(8), 300, 400))})
	}
	for _, id := range []string{"f", "g"} {
		w.must(t, PutFlight{Flight: eastward(id, 47, 5, 9, startNs)})
	}
	r1, r2 = desk("R1", 1), desk("R2", 2)
	w.must(t, SignOn{By: r1, Owner: "console 1", LeaseMs: 60_000})
	w.must(t, SignOn{By: r2, Owner: "console 2", LeaseMs: 60_000})
	w.events = nil
	return w, r1, r2
}

func (w *world) control(t *testing.T, id string) Controlled {
	t.Helper()
	c, err := w.m.State().Control(control.Flight, id)
	if err != nil {
		t.Fatal(err)
	}
	return c
}

func (w *world) refused(t *testing.T, cmd Command, kind problem.Kind, says ...string) {
	t.Helper()
	p := w.refuse(t, cmd, kind).Problem
	for _, part := range says {
		if !strings.Contains(p.Detail, part) {
			t.Errorf("%q does not say %q", p.Detail, part)
		}
	}
}

func TestHandoffFromSectorToSector(t *testing.T) {
	w, r1, r2 := manned(t)
	w.must(t, act(control.Sector, "B", control.Assume, r2, control.Target{}))
	if c := w.control(t, "f"); c.State != control.PreActive || c.Position != "" {
		t.Fatalf("a new flight: %+v", c)
	}
	w.must(t, act(control.Flight, "f", control.Coordinate, r2, control.Target{Position: "R1"}))
	w.refused(t, onFlight("f", control.Assume, r2), problem.Refused, "coordinated to R1", "R1 may assume")
	w.must(t, onFlight("f", control.Assume, r1))
	w.refused(t, onFlight("f", control.Assume, r2), problem.Refused, "R1 has it", "R1 may propose, release or finish")
	w.must(t, act(control.Flight, "f", control.Propose, r1, control.Target{Sector: "B"}))
	w.refused(t, onFlight("f", control.Accept, r1), problem.Refused, "R1 has it and offers it to sector B, worked by R2 until 2018-08-01T05:01:", "R2 may accept or refuse")
	if c := w.control(t, "f"); c.State != control.Handoff || c.Position != "R1" || c.Receiver != "R2" || !c.Attended {
		t.Fatalf("offered: %+v", c)
	}
	w.events = nil
	res := w.must(t, onFlight("f", control.Accept, r2))
	if res.Control == nil || res.Control.Position != "R2" || Version(res.Control.Version) != res.Version {
		t.Fatalf("accepted: %+v", res)
	}
	e := w.takeEvents(t)
	if len(e) != 1 || e[0].Kind != FlightControl || e[0].ID != "f" || e[0].Callsign != "TESTf" || e[0].Version != res.Version {
		t.Fatalf("events: %+v", e)
	}
	if d := e[0].Detail.(ControlDetail); d.Act != control.Accept || d.Was != "R1" || d.By != "R2" || !d.Attended || *d.Record != *res.Control {
		t.Fatalf("detail: %+v", d)
	}
	w.must(t, onFlight("f", control.Finish, r2))
	w.refused(t, onFlight("f", control.Assume, r1), problem.Refused, "it is finished", "a supervisor")
}

func TestOneOfTwoConsolesWins(t *testing.T) {
	w, r1, r2 := manned(t)
	none := &control.Version{}
	first, second := onFlight("f", control.Assume, r1), onFlight("f", control.Assume, r2)
	first.Request.Match, second.Request.Match = none, none
	res := w.entry(0, first, second)
	if res[0].Problem != nil || res[1].Problem == nil || res[1].Problem.Kind != problem.PreconditionFailed || *res[1].Current != res[0].Version {
		t.Fatalf("%+v", res)
	}
	if !strings.Contains(res[1].Problem.Detail, "R1 has it") || res[1].Control.Position != "R1" {
		t.Errorf("the loser hears %v", res[1].Problem)
	}
	release := onFlight("f", control.Release, r1)
	release.Request.Match = new(control.Version(res[0].Version))
	w.must(t, release)
	w.refused(t, release, problem.PreconditionFailed, "uncontrolled")
}

func TestWhoLostItsLeaseCannotAct(t *testing.T) {
	w, r1, r2 := manned(t)
	w.must(t, act(control.Sector, "A", control.Assume, r1, control.Target{}))
	w.must(t, onFlight("f", control.Assume, r1))
	w.must(t, act(control.Flight, "f", control.Propose, r1, control.Target{Position: "R2"}))
	w.refused(t, SignOn{By: desk("R1", 3), LeaseMs: 5_000}, problem.Refused, "console 1 has signed it on", "the lease ends at 2018-08-01T05:01")
	w.refused(t, SignOff{By: r1}, problem.Refused, "sector A, flight f")
	w.events = nil
	for range 30 {
		w.entry(2 * second)
		w.must(t, KeepPosition{By: r2})
	}
	var said []string
	for _, e := range w.takeEvents(t) {
		said = append(said, e.Kind.String()+" "+e.ID)
	}
	if want := []string{"flight-control f", "position-lapsed R1", "sector-control A"}; !slices.Equal(slices.Sorted(slices.Values(said)), want) {
		t.Fatalf("events %v", said)
	}
	if c := w.control(t, "f"); c.State != control.Controlled || c.Position != "R1" || c.Attended {
		t.Fatalf("after the lease: %+v", c)
	}
	w.refused(t, onFlight("f", control.Release, r1), problem.Expired, "position R1 is not signed on", "R1 (unattended) has it")
	w.refused(t, PutFlight{Flight: eastward("f", 47, 5, 10, startNs), By: &r1}, problem.Expired)
	w.refused(t, onFlight("f", control.Accept, r2), problem.Refused, "any position may take it")
	w.must(t, onFlight("f", control.Take, r2))
	w.must(t, SignOn{By: desk("R1", 3), LeaseMs: 5_000})
	if c, _ := w.m.State().Control(control.Sector, "A"); c.Position != "R1" || !c.Attended {
		t.Fatalf("the sector of a position that is back: %+v", c)
	}
	w.refused(t, onFlight("f", control.Take, desk("R1", 3)), problem.Refused, "R2 has it")
	w.must(t, Control{Thing: control.Flight, ID: "f", Request: control.Request{Act: control.Take, Force: true, To: control.Target{Position: "R1"}}})
	w.must(t, SignOff{By: control.By{Position: "R1"}, Force: true})
}

func TestWhoMayChangeAPlan(t *testing.T) {
	w, r1, r2 := manned(t)
	plan := eastward("f", 47, 5, 10, startNs)
	w.refused(t, PutFlight{Flight: plan, By: &r1}, problem.Refused, "pre-active")
	w.must(t, onFlight("f", control.Assume, r1))
	w.must(t, PutFlight{Flight: plan, By: &r1})
	w.refused(t, PutFlight{Flight: plan, By: &r2}, problem.Refused, "only the position that controls", "R1 has it")
	w.must(t, PutFlight{Flight: plan}) // its operator
	w.refused(t, CancelFlight{ID: "f"}, problem.Refused, "R1 has it")
	w.refused(t, CancelFlight{ID: "f", By: &r2}, problem.Refused, "R1 has it")
	w.must(t, CancelFlight{ID: "f", By: &r1})
	w.must(t, PutFlight{Flight: plan})
	if c := w.control(t, "f"); c.State != control.PreActive || c.Version != (control.Version{}) {
		t.Errorf("a new flight of the same name: %+v", c)
	}
	w.must(t, onFlight("g", control.Assume, r1))
	w.entry(4 * 3600 * second)
	if s := w.m.State(); s.FlightCount() != 0 || s.control.Recorded(control.Flight) != 0 {
		t.Errorf("%d flights and %d records after all have expired", s.FlightCount(), s.control.Recorded(control.Flight))
	}
	w.must(t, SignOn{By: r1, LeaseMs: 5_000})
	w.must(t, act(control.Sector, "A", control.Assume, r1, control.Target{}))
	w.must(t, RemoveSector{ID: "A"})
	if s := w.m.State(); s.control.Recorded(control.Sector) != 0 {
		t.Error("the record of a sector that is gone")
	}
	w.refused(t, act(control.Sector, "A", control.Assume, r1, control.Target{}), problem.NotFound)
}

func TestWhoShowsTheController(t *testing.T) {
	w, r1, r2 := manned(t)
	w.must(t, onFlight("g", control.Assume, r1))
	w.must(t, act(control.Sector, "A", control.Assume, r2, control.Target{}))
	w.must(t, act(control.Flight, "f", control.Coordinate, r1, control.Target{Sector: "A"}))
	ask := func(q Query) Body {
		t.Helper()
		a, err := DecodeAnswer(w.m.State().Query(EncodeQuery(q)))
		if err != nil || a.Problem != nil {
			t.Fatal(a.Problem, err)
		}
		return a.Body
	}
	for _, v := range ask(WhoQuery{Sector: "A", FromNs: 1, ToNs: 1 << 62, Limit: 10}).(Visits) {
		if v.Flight == "f" && v.Control != control.Coordinated || v.Flight == "g" && (v.Control != control.Controlled || v.Position != "R1" || !v.Attended) {
			t.Errorf("%+v", v)
		}
	}
	if c := ask(ControlQuery{Thing: control.Flight, ID: "f"}).(*Controlled); c.Receiver != "R2" || c.To.Sector != "A" {
		t.Errorf("%+v", c)
	}
	if p := ask(PositionQuery{ID: "R2"}).(*PositionState); p.Owner != "console 2" || !slices.Equal(p.Sectors, []string{"A"}) {
		t.Errorf("%+v", p)
	}
	if list := ask(PositionsQuery{After: "R1", Limit: 1}).(PositionStates); len(list) != 1 || list[0].ID != "R2" {
		t.Errorf("%+v", list)
	}
	if list := ask(ControlListQuery{Thing: control.Flight, Position: "R2", Limit: 5}).(ControlList); len(list) != 1 || list[0].ID != "f" {
		t.Errorf("%+v", list)
	}
}
