package real

import (
	"bytes"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"time"

	"onevoice/airspace"
	"onevoice/client"
	"onevoice/lab/judge"
	"onevoice/problem"
	"onevoice/web/api"
	"onevoice/wire"
)

// airspaceGroup is the number of the airspace's group.
const airspaceGroup = 1

// answer is how an operation ended, whichever way it was asked.
type answer struct {
	outcome judge.Outcome
	via     string
	index   uint64
	sub     uint32
	hash    [32]byte
	err     error

	changed bool              // of a change
	version airspace.Version  // of a change that took effect
	current *airspace.Version // of one that did not; nil where nothing is there
	result  []byte            // as the machine gave it, through the Go client

	visits []visit // of a question
}

// visit is a flight that an answer holds.
type visit struct {
	id      string
	value   int64
	version airspace.Version
}

// asker asks in one of the two ways that clients have.
type asker interface {
	put(ctx context.Context, f airspace.Flight, match *airspace.Version, idempotency *wire.Key) answer
	read(ctx context.Context, id string) answer
	who(ctx context.Context, fromNs, toNs int64) answer
}

// framed asks through the Go client.
type framed struct{ client *client.Client }

func (f framed) put(ctx context.Context, flight airspace.Flight, match *airspace.Version, k *wire.Key) answer {
	return f.command(ctx, airspace.Encode(airspace.PutFlight{Flight: flight, If: airspace.Precondition{Match: match}}), k)
}

func (f framed) command(ctx context.Context, op []byte, k *wire.Key) answer {
	reply, err := f.client.Do(ctx, op, k)
	if err != nil {
		return framedFailure(err)
	}
	a := answer{outcome: judge.OK, index: reply.Index, sub: reply.Sub, hash: reply.Hash, result: reply.Result}
	r, err := airspace.DecodeResult(reply.Result)
	switch {
	case err != nil:
		a.err = err
	case r.Problem == nil:
		a.changed, a.version = true, r.Version
	case r.Problem.Kind == problem.PreconditionFailed:
		a.current = r.Current
	default:
		a.err = r.Problem
	}
	return a
}

// framedFailure is what a failed request means. err stands in the answer only where it should never happen.
func framedFailure(err error) answer {
	a := answer{outcome: judge.Refused}
	var e *client.Error
	if errors.As(err, &e) && e.MaybeApplied {
		a.outcome = judge.Unknown
	}
	var p *problem.Error
	if !errors.As(err, &p) || p.Kind != problem.NoVoice && p.Kind != problem.Overloaded && p.Kind != problem.Expired {
		a.err = err
	}
	return a
}

func (f framed) read(ctx context.Context, id string) answer {
	return f.query(ctx, airspace.FlightQuery{ID: id})
}

func (f framed) who(ctx context.Context, fromNs, toNs int64) answer {
	return f.query(ctx, airspace.WhoQuery{Sector: sectorID, FromNs: fromNs, ToNs: toNs, Limit: 100})
}

func (f framed) query(ctx context.Context, q airspace.Query) answer {
	reply, err := f.client.Query(ctx, airspace.EncodeQuery(q))
	if err != nil {
		return framedFailure(err)
	}
	a := answer{outcome: judge.OK, index: reply.Index, hash: reply.Hash}
	said, err := airspace.DecodeAnswer(reply.Result)
	_, one := q.(airspace.FlightQuery)
	switch {
	case err != nil:
		a.err = err
	case said.Problem != nil && (!one || said.Problem.Kind != problem.NotFound):
		a.err = said.Problem
	}
	switch body := said.Body.(type) {
	case *airspace.FlightRecord:
		a.visits = []visit{{body.ID, number(body.Callsign), body.Version}}
	case airspace.Visits:
		for _, v := range body {
			a.visits = append(a.visits, visit{v.Flight, number(v.Callsign), v.Version})
		}
	}
	return a
}

// number is the value in a callsign; -1, which nobody writes, where it is none.
func number(callsign string) int64 {
	v, err := strconv.ParseInt(callsign, 10, 64)
	if err != nil {
		return -1
	}
	return v
}

// overHTTP asks one server after the other over HTTP, under one idempotency key.
type overHTTP struct {
	cluster *Cluster
	client  *http.Client
	names   func() []string
	at      int
	keyed   func() string
}

func (h *overHTTP) put(ctx context.Context, f airspace.Flight, match *airspace.Version, _ *wire.Key) answer {
	body, err := json.Marshal(api.FromFlight(&airspace.FlightRecord{Flight: f}))
	if err != nil {
		return answer{err: err}
	}
	header := http.Header{"Content-Type": {"application/json"}, "Idempotency-Key": {h.keyed()}}
	if match != nil {
		header.Set("If-Match", `"`+match.String()+`"`)
	}
	var w api.Written
	a, status := h.ask(ctx, http.MethodPut, "/flights/"+f.ID, header, body, &w)
	switch {
	case status == http.StatusPreconditionFailed:
		a.outcome = judge.Refused // the place of the refusal in the log is not told
	case a.outcome == judge.OK && status/100 == 2:
		a.changed = true
		a.version, a.err = airspace.ParseVersion(w.Version)
		a.index, a.sub = a.version.Index, a.version.Sub
	case a.outcome == judge.OK:
		a.err = fmt.Errorf("PUT of a flight: status %d", status)
	}
	return a
}

func (h *overHTTP) read(ctx context.Context, id string) answer {
	var f api.Flight
	a, status := h.ask(ctx, http.MethodGet, "/flights/"+id, http.Header{}, nil, &f)
	if a.outcome == judge.OK && status == http.StatusOK {
		a.add(f.ID, f.Callsign, f.Version)
	} else if a.outcome == judge.OK && status != http.StatusNotFound {
		a.err = fmt.Errorf("GET of a flight: status %d", status)
	}
	return a
}

func (h *overHTTP) who(ctx context.Context, fromNs, toNs int64) answer {
	path := fmt.Sprintf("/sectors/%s/flights?from=%v&to=%v", sectorID, api.Time(fromNs), api.Time(toNs))
	var p api.Presences
	a, status := h.ask(ctx, http.MethodGet, path, http.Header{}, nil, &p)
	if a.outcome == judge.OK && status != http.StatusOK {
		a.err = fmt.Errorf("GET of a sector: status %d", status)
	}
	for _, f := range p.Flights {
		a.add(f.Flight, f.Callsign, f.Version)
	}
	return a
}

func (a *answer) add(id, callsign, version string) {
	v, err := airspace.ParseVersion(version)
	if err != nil {
		a.err = err
	}
	a.visits = append(a.visits, visit{id, number(callsign), v})
}

// ask asks until a server answers or ctx ends. Where nobody does the outcome is unknown.
func (h *overHTTP) ask(ctx context.Context, method, path string, header http.Header, body []byte, into any) (answer, int) {
	for ctx.Err() == nil {
		names := h.names()
		name := names[h.at%len(names)]
		a, status, err := h.once(ctx, name, method, path, header, body, into)
		if err == nil && status != http.StatusServiceUnavailable {
			return a, status
		}
		h.at++
		if !pause(ctx, again) {
			break
		}
	}
	return answer{}, 0
}

// attempt bounds one attempt at one server.
const attempt = 700 * time.Millisecond

func (h *overHTTP) once(ctx context.Context, name, method, path string, header http.Header, body []byte, into any) (answer, int, error) {
	ctx, cancel := context.WithTimeout(ctx, attempt)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, "http://"+h.cluster.Server(name).HTTP+"/api/v1"+path, bytes.NewReader(body))
	if err != nil {
		return answer{}, 0, err
	}
	request.Header = header
	got, err := h.client.Do(request)
	if err != nil {
		return answer{}, 0, err
	}
	defer got.Body.Close()
	content, err := io.ReadAll(io.LimitReader(got.Body, 16<<20))
	if err != nil {
		return answer{}, 0, err
	}
	a := answer{outcome: judge.OK, via: name}
	a.index, _ = strconv.ParseUint(got.Header.Get("Onevoice-Index"), 10, 64)
	_, _ = hex.Decode(a.hash[:], []byte(got.Header.Get("Onevoice-Hash"))) // zero where there is none
	if got.StatusCode/100 == 2 {
		err = json.Unmarshal(content, into)
	}
	return a, got.StatusCode, err
}
