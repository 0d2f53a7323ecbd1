package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/json"
	"net/http"
	"slices"
	"strings"

	"onevoice/airspace"
	"onevoice/airspace/control"
	"onevoice/fence"
	"onevoice/problem"
	"onevoice/web/api"
	"onevoice/wire"
)

// holderOf is the console that a text names: who asks is part of it, so that nobody acts for another's console, and what stands in the log is
// of no use to who reads it.
func holderOf(r *http.Request, text string) fence.Holder {
	sum := sha256.Sum256(part(part(nil, subjectOf(r).Key()), text))
	return fence.Holder(sum[:len(fence.Holder{})])
}

// desk is who acts, by position and the text that names the console.
func desk(r *http.Request, op, position, holder string) (control.By, error) {
	if !airspace.ValidID(holder) {
		e := invalid(op, "holder", problem.Clip(holder), api.AllowedID)
		e.Subject = problem.Clip(position)
		return control.By{}, e
	}
	return control.By{Position: position, Holder: holderOf(r, holder)}, nil
}

// amender is the controller who changes a plan, from the headers Onevoice-Position and Onevoice-Holder; nil where they are absent.
func amender(r *http.Request, op string) (*control.By, error) {
	position, holder := r.Header.Get("Onevoice-Position"), r.Header.Get("Onevoice-Holder")
	if position == "" && holder == "" {
		return nil, nil
	}
	by, err := desk(r, op, position, holder)
	return &by, err
}

// strict reads a JSON object that holds what is known and nothing else.
func strict(op string, body []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return invalid(op, "body", problem.Clip(err.Error()), "a JSON object as in /openapi.yaml")
	}
	if d.More() {
		return invalid(op, "body", "more than one value", "one JSON object")
	}
	return nil
}

// agreed answers with what a command came to.
func (s *Server) agreed(w http.ResponseWriter, r *http.Request, cmd airspace.Command, id string, key *wire.Key, answer func(*airspace.Result) any) error {
	res, err := s.run(w, r, cmd, id, key)
	if err != nil {
		return err
	}
	if res.Position == nil { // those keep their version while they are kept
		w.Header()[headerTag] = []string{etag(res.Version)}
	}
	return s.answerJSON(w, answer(res))
}

// act answers an act on a flight or sector. Only those listed may be asked for.
func (s *Server) act(thing control.Thing, acts []control.Act) answer {
	return func(w http.ResponseWriter, r *http.Request) error {
		op, id := "act on "+thing.String(), r.PathValue("id")
		in, err := s.writing(w, r, op, id)
		if err != nil {
			return err
		}
		defer in.end()
		var body api.ControlAct
		if err := strict(op, in.body, &body); err != nil {
			return err
		}
		q := control.Request{To: control.Target{Position: body.To.Position, Sector: body.To.Sector}, TimeoutMs: body.TimeoutMs, Match: matched(in.when)}
		if q.Act, err = actNamed(op, id, body.Act, acts); err != nil {
			return err
		}
		if q.By, err = desk(r, op, body.Position, body.Holder); err != nil {
			return err
		}
		return s.acted(w, r, airspace.Control{Thing: thing, ID: id, Request: q}, in.key)
	}
}

// supervise answers what a supervisor does by force.
func (s *Server) supervise(thing control.Thing) answer {
	return func(w http.ResponseWriter, r *http.Request) error {
		op, id := "supervise "+thing.String(), r.PathValue("id")
		in, err := s.writing(w, r, op, id)
		if err != nil {
			return err
		}
		defer in.end()
		var body api.Supervision
		if err := strict(op, in.body, &body); err != nil {
			return err
		}
		q := control.Request{To: control.Target{Position: body.To.Position, Sector: body.To.Sector}, Force: true, Match: matched(in.when)}
		if q.Act, err = actNamed(op, id, body.Act, []control.Act{control.Take, control.Release}); err != nil {
			return err
		}
		return s.acted(w, r, airspace.Control{Thing: thing, ID: id, Request: q}, in.key)
	}
}

func (s *Server) acted(w http.ResponseWriter, r *http.Request, cmd airspace.Control, key *wire.Key) error {
	return s.agreed(w, r, cmd, cmd.ID, key, func(res *airspace.Result) any {
		c := api.FromRecord(res.Control)
		c.Attended = c.Position != "" // it has acted, or was signed on to be given it
		return c
	})
}

// matched is the version that an act asks for: a zero one where there must have been none.
func matched(when airspace.Precondition) *control.Version {
	switch {
	case when.Match != nil:
		return new(control.Version(*when.Match))
	case when.Absent:
		return &control.Version{}
	}
	return nil
}

func actNamed(op, id, word string, acts []control.Act) (control.Act, error) {
	i := slices.IndexFunc(acts, func(a control.Act) bool { return a.String() == word })
	if i >= 0 {
		return acts[i], nil
	}
	words := make([]string, len(acts))
	for i, a := range acts {
		words[i] = a.String()
	}
	e := invalid(op, "act", problem.Clip(word), strings.Join(words, ", "))
	e.Subject = id
	return 0, e
}

// handoffs are the acts of a handoff.
func handoffs() []control.Act {
	return []control.Act{control.Propose, control.Accept, control.Refuse, control.Recall}
}

// controlOf answers who controls a flight or works a sector.
func (s *Server) controlOf(thing control.Thing) answer {
	return func(w http.ResponseWriter, r *http.Request) error {
		const op = "get control"
		id := r.PathValue("id")
		if err := only(r, op, id); err != nil {
			return err
		}
		snap, err := s.read(w, r)
		if err != nil {
			return err
		}
		c, err := snap.State.Control(thing, id)
		if err != nil {
			return err
		}
		// No 304: attended and receiver change without the record.
		w.Header()[headerTag] = []string{etag(airspace.Version(c.Version))}
		return s.answerJSON(w, api.FromControlled(&c))
	}
}
