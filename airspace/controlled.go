package airspace

import (
	"fmt"

	"onevoice/airspace/control"
	"onevoice/codec"
	"onevoice/problem"
)

// Controlled is who controls a flight or works a sector, as an answer tells it.
type Controlled struct {
	control.Record
	// Attended says whether the position that has it is signed on.
	Attended bool
	// Receiver is the position that may accept or assume it now, empty where it is addressed to nobody or to a sector that nobody works.
	Receiver string
}

// ControlQuery asks who controls a flight or works a sector. It is answered with a *Controlled.
type ControlQuery struct {
	Thing control.Thing
	ID    string
}

// PositionQuery asks for one position. It is answered with a *PositionState.
type PositionQuery struct{ ID string }

// PositionsQuery asks for a page of positions, from the first above After; Limit is 1 to MaxPage. It is answered with PositionStates.
type PositionsQuery struct {
	After string
	Limit int
}

// ControlListQuery asks for a controller's list: the flights or sectors that a position has, and those addressed to it, by identifier, from the
// first above After; Limit is 1 to MaxPage. It is answered with a ControlList.
type ControlListQuery struct {
	Thing           control.Thing
	Position, After string
	Limit           int
}

// PositionState is a position with the sectors that it works.
type PositionState struct {
	control.Position
	Sectors []string
}

// PositionStates is a page of positions.
type PositionStates []PositionState

// ControlList is a page of a controller's list.
type ControlList []Controlled

func (ControlQuery) kind() queryKind     { return kindControlOf }
func (PositionQuery) kind() queryKind    { return kindPosition }
func (PositionsQuery) kind() queryKind   { return kindPositions }
func (ControlListQuery) kind() queryKind { return kindControlList }

func (q ControlQuery) appendBody(w *codec.Writer) {
	w.U8(uint8(q.Thing))
	w.String(q.ID)
}

func (q PositionQuery) appendBody(w *codec.Writer) { w.String(q.ID) }

func (q PositionsQuery) appendBody(w *codec.Writer) {
	w.String(q.After)
	w.I64(int64(q.Limit))
}

func (q ControlListQuery) appendBody(w *codec.Writer) {
	w.U8(uint8(q.Thing))
	w.String(q.Position)
	w.String(q.After)
	w.I64(int64(q.Limit))
}

func readControlListQuery(r *codec.Reader) ControlListQuery {
	return ControlListQuery{Thing: readThing(r), Position: r.String(maxText), After: r.String(maxText), Limit: int(r.I64())}
}

func (q ControlQuery) answer(s *State) (Body, error) {
	found, err := s.Control(q.Thing, q.ID)
	return &found, err
}

func (q PositionQuery) answer(s *State) (Body, error) {
	p, err := s.Position(q.ID)
	return &p, err
}

func (q PositionsQuery) answer(s *State) (Body, error) {
	if p := pageLimit("positions", q.Limit); p != nil {
		return nil, p
	}
	list, err := s.Positions(q.After, q.Limit)
	return PositionStates(list), err
}

func (q ControlListQuery) answer(s *State) (Body, error) {
	if p := pageLimit("control list", q.Limit); p != nil {
		return nil, p
	}
	list, err := s.ControlList(q.Thing, q.Position, q.After, q.Limit)
	return ControlList(list), err
}

// pageLimit refuses a page of a size that there is none of.
func pageLimit(op string, limit int) *problem.Error {
	if limit < 1 || limit > MaxPage {
		return &problem.Error{Kind: problem.Invalid, Op: op, Field: "limit", Value: fmt.Sprint(limit), Allowed: fmt.Sprintf("1 to %d", MaxPage)}
	}
	return nil
}

// Control says who controls a flight or works a sector. The error is a *problem.Error: NotFound where there is no such flight or sector,
// Invalid in a state of the past.
func (s *State) Control(t control.Thing, id string) (Controlled, error) {
	if err := s.presentOnly("control"); err != nil {
		return Controlled{}, err
	}
	if !s.exists(t, id) {
		return Controlled{}, notFound("control", id, t.String())
	}
	return s.controlled(s.control.Record(t, id)), nil
}

// Controller is what a list shows of a flight that there is: the state of its record, who controls it, and whether that is signed on. In a
// state of the past the first is 0, and nobody knows.
func (s *State) Controller(flight string) (state control.State, position string, attended bool) {
	if !s.present() {
		return 0, "", false
	}
	r := s.control.Record(control.Flight, flight)
	return r.State, r.Position, r.Position != "" && s.control.Attended(r.Position)
}

func (s *State) controlled(r control.Record) Controlled {
	return Controlled{Record: r, Attended: s.control.Attended(r.Position), Receiver: s.control.Receiver(&r)}
}

// Position gives one position. The error is a *problem.Error: NotFound where it is not signed on and has nothing, Invalid in a state of
// the past.
func (s *State) Position(id string) (PositionState, error) {
	if err := s.presentOnly("position"); err != nil {
		return PositionState{}, err
	}
	p, ok := s.control.Position(id)
	if !ok {
		return PositionState{}, &problem.Error{Kind: problem.NotFound, Op: "position", Subject: problem.Clip(id), Detail: "nobody has signed it on, and it has nothing"}
	}
	return PositionState{p, s.control.Sectors(id)}, nil
}

// Positions lists positions by identifier, from the first above after, at most limit (cut to MaxPage). The error is a *problem.Error,
// Invalid in a state of the past.
func (s *State) Positions(after string, limit int) ([]PositionState, error) {
	if err := s.presentOnly("positions"); err != nil {
		return nil, err
	}
	var list []PositionState
	for _, p := range s.control.Positions(after, limit) {
		list = append(list, PositionState{p, s.control.Sectors(p.ID)})
	}
	return list, nil
}

// ControlList is a controller's list, from the first above after, at most limit (cut to MaxPage). The error is a *problem.Error,
// Invalid in a state of the past.
func (s *State) ControlList(t control.Thing, position, after string, limit int) ([]Controlled, error) {
	if err := s.presentOnly("control list"); err != nil {
		return nil, err
	}
	var list []Controlled
	for _, r := range s.control.List(t, position, after, limit) {
		list = append(list, s.controlled(r))
	}
	return list, nil
}

func (c *Controlled) appendTo(w *codec.Writer) {
	c.Append(w)
	w.Bool(c.Attended)
	w.String(c.Receiver)
}

func readControlled(r *codec.Reader) Controlled {
	return Controlled{Record: control.ReadRecord(r), Attended: r.Bool(), Receiver: r.String(maxText)}
}

func (p *PositionState) appendTo(w *codec.Writer) {
	p.Append(w)
	w.Uvarint(uint64(len(p.Sectors)))
	for _, id := range p.Sectors {
		w.String(id)
	}
}

func readPositionState(r *codec.Reader) PositionState {
	p := PositionState{Position: control.ReadPosition(r)}
	for range r.Count(control.MaxPositionSectors, 1) {
		p.Sectors = append(p.Sectors, r.String(maxText))
	}
	return p
}

func (l PositionStates) appendTo(w *codec.Writer) {
	w.Uvarint(uint64(len(l)))
	for i := range l {
		l[i].appendTo(w)
	}
}

func readPositionStates(r *codec.Reader) PositionStates {
	list := make(PositionStates, r.Count(MaxPage, 30))
	for i := range list {
		list[i] = readPositionState(r)
	}
	return list
}

func (l ControlList) appendTo(w *codec.Writer) {
	w.Uvarint(uint64(len(l)))
	for i := range l {
		l[i].appendTo(w)
	}
}

func readControlList(r *codec.Reader) ControlList {
	list := make(ControlList, r.Count(MaxPage, 20))
	for i := range list {
		list[i] = readControlled(r)
	}
	return list
}
