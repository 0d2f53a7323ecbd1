package airspace

import (
	"errors"
	"fmt"

	"onevoice/codec"
	"onevoice/problem"
)

// Query is a question. A kind of question is one type, with the body of its answer, in one file.
type Query interface {
	kind() queryKind
	appendBody(w *codec.Writer)
	// answer is a pure function of the state and the question. The error is a *problem.Error.
	answer(s *State) (Body, error)
}

// Body is what a question of one kind is answered with.
type Body interface {
	appendTo(w *codec.Writer)
}

// queryKind says what a question is, and what its answer holds. The numbers are part of the wire's format; never reuse one.
type queryKind uint8

const (
	kindWho      queryKind = 1
	kindVolume   queryKind = 2
	kindFlight   queryKind = 3
	kindSector   queryKind = 4
	kindZone     queryKind = 5
	kindBreaches queryKind = 6

	kindControlOf   queryKind = 10
	kindPosition    queryKind = 11
	kindPositions   queryKind = 12
	kindControlList queryKind = 13
	kindConflicts   queryKind = 15
	kindLoad        queryKind = 16

	kindFlows  queryKind = 20
	kindRoutes queryKind = 21

	kindVersions queryKind = 30
	kindDiff     queryKind = 31
)

// readQuery reads the body of a question of a kind.
func readQuery(r *codec.Reader, kind queryKind) Query {
	switch kind {
	case kindWho:
		return readWhoQuery(r)
	case kindVolume:
		return readVolumeQuery(r)
	case kindFlight:
		return FlightQuery{ID: r.String(maxText)}
	case kindSector:
		return SectorQuery{ID: r.String(maxText)}
	case kindZone:
		return ZoneQuery{ID: r.String(maxText)}
	case kindBreaches:
		return readBreachQuery(r)
	case kindControlOf:
		return ControlQuery{Thing: readThing(r), ID: r.String(maxText)}
	case kindPosition:
		return PositionQuery{ID: r.String(maxText)}
	case kindPositions:
		return PositionsQuery{After: r.String(maxText), Limit: int(r.I64())}
	case kindControlList:
		return readControlListQuery(r)
	case kindConflicts:
		return readConflictsQuery(r)
	case kindLoad:
		return readLoadQuery(r)
	case kindFlows:
		return readFlowQuery(r)
	case kindRoutes:
		return readRouteQuery(r)
	case kindVersions:
		return readVersionsQuery(r)
	case kindDiff:
		return readDiffQuery(r)
	}
	r.Fail()
	return nil
}

// readAnswer reads the body of the answer to a question of a kind.
func readAnswer(r *codec.Reader, kind queryKind) Body {
	switch kind {
	case kindWho, kindVolume:
		return readVisits(r)
	case kindFlight:
		return new(readFlightRecord(r))
	case kindSector:
		return new(readSectorRecord(r))
	case kindZone:
		return new(readZoneRecord(r))
	case kindBreaches:
		return readBreaches(r)
	case kindControlOf:
		return new(readControlled(r))
	case kindPosition:
		return new(readPositionState(r))
	case kindPositions:
		return readPositionStates(r)
	case kindControlList:
		return readControlList(r)
	case kindConflicts:
		return readConflicts(r)
	case kindLoad:
		return readLoad(r)
	case kindFlows:
		return readFlows(r)
	case kindRoutes:
		return readRoutes(r)
	case kindVersions:
		return readVersions(r)
	case kindDiff:
		return readDiff(r)
	}
	r.Fail()
	return nil
}

// Answer is what a question came to, as of one index.
type Answer struct {
	// Problem is not nil where there is no answer; Body is nil then.
	Problem *problem.Error
	// Index is the entry that the answer is as of: that of the state, or of the past where the question names a known time.
	Index uint64
	// ServiceNs is service time at the index.
	ServiceNs int64
	// Body is what the question's type says that it is answered with.
	Body Body

	kind queryKind
}

// EncodeQuery gives the bytes of a question about the present, for State.Query. It checks nothing.
func EncodeQuery(q Query) []byte { return EncodeQueryAsOf(q, Known{}) }

// EncodeQueryAsOf gives the bytes of a question as of a known time.
func EncodeQueryAsOf(q Query, known Known) []byte {
	var w codec.Writer
	w.U8(Format)
	w.Bool(known != Known{})
	if (known != Known{}) {
		w.U64(known.Index)
		w.I64(known.AtNs)
	}
	w.U8(uint8(q.kind()))
	q.appendBody(&w)
	return w.B
}

// DecodeQuery reads what EncodeQueryAsOf wrote; anything else is refused, with codec.ErrMalformed inside.
func DecodeQuery(b []byte) (Query, Known, error) {
	r := codec.NewReader(b)
	if v := r.U8(); v != Format {
		return nil, Known{}, fmt.Errorf("airspace question: format %d, this build reads %d: %w", v, Format, codec.ErrMalformed)
	}
	var known Known
	if r.Bool() {
		if known = (Known{r.U64(), r.I64()}); known == (Known{}) {
			r.Fail()
		}
	}
	q := readQuery(r, queryKind(r.U8()))
	if err := r.Finish(); err != nil {
		return nil, Known{}, fmt.Errorf("airspace question: %w", err)
	}
	return q, known, nil
}

// Query implements machine.Root: it answers an encoded Query with an encoded Answer, whatever the bytes.
func (s *State) Query(op []byte) []byte {
	a := s.answer(op)
	w := codec.Writer{B: make([]byte, 0, 512)}
	appendAnswer(&w, &a)
	return w.B
}

func (s *State) answer(op []byte) Answer {
	a := Answer{Index: s.index, ServiceNs: s.clock.nowNs}
	q, known, err := DecodeQuery(op)
	if err != nil {
		a.Problem = &problem.Error{
			Kind: problem.Invalid, Op: "query", Field: "question", Value: fmt.Sprintf("%d bytes", len(op)), Allowed: fmt.Sprintf("an airspace question of format %d", Format),
		}
		return a
	}
	a.kind = q.kind()
	then, err := s.AsOf(known)
	if errors.As(err, &a.Problem) {
		return a
	}
	a.Index, a.ServiceNs = then.index, then.clock.nowNs
	body, err := q.answer(then)
	if !errors.As(err, &a.Problem) {
		a.Body = body
	}
	return a
}

func appendAnswer(w *codec.Writer, a *Answer) {
	w.U8(Format)
	appendProblem(w, a.Problem)
	w.U64(a.Index)
	w.I64(a.ServiceNs)
	w.U8(uint8(a.kind))
	if a.Problem == nil {
		a.Body.appendTo(w)
	}
}

// DecodeAnswer reads what State.Query returns.
func DecodeAnswer(b []byte) (Answer, error) {
	r := codec.NewReader(b)
	if v := r.U8(); v != Format {
		return Answer{}, fmt.Errorf("airspace answer: format %d, this build reads %d: %w", v, Format, codec.ErrMalformed)
	}
	a := Answer{Problem: readProblem(r), Index: r.U64(), ServiceNs: r.I64(), kind: queryKind(r.U8())}
	if a.Problem == nil {
		a.Body = readAnswer(r, a.kind)
	}
	if err := r.Finish(); err != nil {
		return Answer{}, fmt.Errorf("airspace answer: %w", err)
	}
	return a, nil
}

func notFound(op, id, what string) *problem.Error {
	return &problem.Error{Kind: problem.NotFound, Op: op, Subject: problem.Clip(id), Detail: "there is no such " + what}
}
