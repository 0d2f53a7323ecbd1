package judge

import (
	"testing"

	"onevoice/airspace"
	"onevoice/airspace/control"
	"onevoice/fence"
)

// story forges the events of one log, an entry each.
type story struct {
	*Control
	court *Court
	index uint64
	now   map[string]control.Record
}

// newStory has flight F, sector S, and positions A and B, each with a console.
func newStory() *story {
	c := NewCourt()
	s := &story{Control: c.NewControl(1), court: c, now: map[string]control.Record{}}
	s.event(airspace.Event{Kind: airspace.FlightPut, ID: "F"})
	s.event(airspace.Event{Kind: airspace.SectorPut, ID: "S"})
	s.position("A", control.SignOn)
	s.position("B", control.SignOn)
	return s
}

func (s *story) event(e airspace.Event) {
	s.index++
	e.Version = airspace.Version{Index: s.index}
	s.Take(&e)
}

func (s *story) position(id string, act control.Act) {
	kind := map[control.Act]airspace.EventKind{control.SignOn: airspace.PositionSignedOn, control.SignOff: airspace.PositionSignedOff, control.Lapse: airspace.PositionLapsed}[act]
	p := &control.Position{ID: id, Holder: fence.Holder{1}}
	s.event(airspace.Event{Kind: kind, ID: id, Detail: airspace.ControlDetail{Event: control.Event{Act: act, Position: p}}})
}

// does forges an act of a position, empty for time or a supervisor, that leaves a record as it is given.
func (s *story) does(by string, act control.Act, n control.Record) {
	s.index++
	old := s.record(n.Thing, n.ID)
	n.Version = control.Version{Index: s.index}
	kind := airspace.FlightControl
	if n.Thing == control.Sector {
		kind = airspace.SectorControl
	}
	d := control.Event{Act: act, By: by, Was: old.Position, Attended: s.attended(n.Position), Record: &n}
	s.Take(&airspace.Event{Kind: kind, ID: n.ID, Version: airspace.Version{Index: s.index}, Detail: airspace.ControlDetail{Event: d}})
}

func flightOf(state control.State, position string) control.Record {
	return control.Record{Thing: control.Flight, ID: "F", State: state, Position: position}
}

func offered(from, to string) control.Record {
	r := flightOf(control.Handoff, from)
	r.To = control.Target{Position: to}
	return r
}

func has(position string) control.Record { return flightOf(control.Controlled, position) }

func coordinated(to string) control.Record {
	r := flightOf(control.Coordinated, "")
	r.To = control.Target{Position: to}
	return r
}

func nobody() control.Record { return flightOf(control.Uncontrolled, "") }

// TestControlAsItShouldBe tells what may happen: none of it breaks a law.
func TestControlAsItShouldBe(t *testing.T) {
	for name, tell := range map[string]func(*story){
		"handed over":      func(s *story) { s.does("A", control.Propose, offered("A", "B")); s.does("B", control.Accept, has("B")) },
		"refused":          func(s *story) { s.does("A", control.Propose, offered("A", "B")); s.does("B", control.Refuse, has("A")) },
		"recalled":         func(s *story) { s.does("A", control.Propose, offered("A", "B")); s.does("A", control.Recall, has("A")) },
		"timed out":        func(s *story) { s.does("A", control.Propose, offered("A", "B")); s.does("", control.TimeOut, has("A")) },
		"given up":         func(s *story) { s.does("A", control.Release, nobody()); s.does("B", control.Assume, has("B")) },
		"rescued":          func(s *story) { s.position("A", control.Lapse); s.does("B", control.Take, has("B")) },
		"taken by force":   func(s *story) { s.does("", control.Take, has("B")) },
		"emptied by force": func(s *story) { s.does("", control.Release, nobody()) },
		"its owner back": func(s *story) {
			s.position("A", control.Lapse)
			s.position("A", control.SignOn)
			s.does("A", control.Release, nobody())
		},
		"expired": func(s *story) { s.event(airspace.Event{Kind: airspace.FlightExpired, ID: "F"}) },
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory()
			s.does("A", control.Assume, has("A"))
			tell(s)
			expect(t, s.court)
		})
	}
}

// TestControlForged tells what must not happen; each is found, once.
func TestControlForged(t *testing.T) {
	for name, tell := range map[string]func(*story){
		"two controllers": func(s *story) { s.does("B", control.Assume, has("B")) },
		"accepted what was offered to another": func(s *story) {
			s.position("C", control.SignOn)
			s.does("A", control.Propose, offered("A", "B"))
			s.does("C", control.Accept, has("C"))
		},
		"accepted what was offered to nobody": func(s *story) { s.does("B", control.Accept, has("B")) },
		"taken from who is there":             func(s *story) { s.does("B", control.Take, has("B")) },
		"a time-out gives it away": func(s *story) {
			s.does("A", control.Propose, offered("A", "B"))
			s.does("", control.TimeOut, has("B"))
		},
		"a lapsed lease acts":            func(s *story) { s.position("A", control.Lapse); s.does("A", control.Release, nobody()) },
		"one that was signed off acts":   func(s *story) { s.position("A", control.SignOff); s.does("A", control.Propose, offered("A", "B")) },
		"emptied by a lapse":             func(s *story) { s.position("A", control.Lapse); s.does("", control.TimeOut, nobody()) },
		"emptied by another":             func(s *story) { s.does("B", control.Release, nobody()) },
		"emptied by a refusal":           func(s *story) { s.does("A", control.Propose, offered("A", "B")); s.does("B", control.Refuse, nobody()) },
		"refused by who was not offered": func(s *story) { s.does("B", control.Refuse, has("A")) },
		"cancelled under its controller": func(s *story) { s.event(airspace.Event{Kind: airspace.FlightCancelled, ID: "F"}) },
		"two consoles":                   func(s *story) { s.position("A", control.SignOn) },
		"a lapse of nobody":              func(s *story) { s.position("C", control.Lapse) },
		"given to who did not ask":       func(s *story) { s.does("A", control.Release, nobody()); s.does("A", control.Assume, has("B")) },
		"assumed what was coordinated to another": func(s *story) {
			s.does("A", control.Release, nobody())
			s.does("A", control.Coordinate, coordinated("B"))
			s.does("A", control.Assume, has("A"))
		},
		"a flight that there is none of": func(s *story) {
			r := has("B")
			r.ID = "G"
			s.does("B", control.Assume, r)
		},
		"another offers what it has not": func(s *story) { s.does("B", control.Propose, offered("A", "B")) },
		"an act that says wrongly who had it": func(s *story) {
			r := nobody()
			d := control.Event{Act: control.Release, By: "A", Was: "B", Record: &r}
			s.event(airspace.Event{Kind: airspace.FlightControl, ID: "F", Detail: airspace.ControlDetail{Event: d}})
		},
		"two acts on one version": func(s *story) {
			s.Matched[airspace.Version{Index: s.index + 1}] = control.Version{Index: 1}
			s.does("A", control.Release, nobody())
		},
		"a sector left by one who is there": func(s *story) {
			r := control.Record{Thing: control.Sector, ID: "S", State: control.Controlled, Position: "A"}
			s.does("A", control.Assume, r)
			r = s.record(control.Sector, "S")
			d := control.Event{Act: control.Leave, Was: "A", Record: &r}
			s.event(airspace.Event{Kind: airspace.SectorControl, ID: "S", Detail: airspace.ControlDetail{Event: d}})
		},
	} {
		t.Run(name, func(t *testing.T) {
			s := newStory()
			s.does("A", control.Assume, has("A"))
			tell(s)
			expect(t, s.court, "S9")
		})
	}
}

// TestControlAnswers holds forged answers against the events.
func TestControlAnswers(t *testing.T) {
	s := newStory()
	s.does("A", control.Assume, has("A"))
	s.does("A", control.Propose, offered("A", "B"))
	right := airspace.Controlled{Record: s.record(control.Flight, "F"), Attended: true, Receiver: "B"}
	if !s.Agrees(&right) {
		t.Fatalf("%+v is right", right)
	}
	for name, change := range map[string]func(*airspace.Controlled){
		"another has it":   func(c *airspace.Controlled) { c.Position = "B" },
		"nobody is there":  func(c *airspace.Controlled) { c.Attended = false },
		"to another":       func(c *airspace.Controlled) { c.Receiver = "" },
		"an older version": func(c *airspace.Controlled) { c.Version.Index-- },
	} {
		wrong := right
		if change(&wrong); s.Agrees(&wrong) {
			t.Errorf("%s: %+v passes", name, wrong)
		}
	}
	shown := airspace.Presence{Flight: "F", Control: control.Handoff, Position: "A", Attended: true}
	if !s.Shows(&shown) {
		t.Errorf("%+v is right", shown)
	}
	if shown.Position = "B"; s.Shows(&shown) {
		t.Errorf("%+v passes", shown)
	}
}
