package web

import (
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	"onevoice/airspace"
	"onevoice/client"
	"onevoice/problem"
	"onevoice/web/api"
	"onevoice/wire"
)

// buffers hold bodies while they are read and answers while they are made. One that has grown beyond maxPooled is let go.
var buffers = sync.Pool{New: func() any { return new([]byte) }}

const maxPooled = 256 << 10

// giveBack gives a buffer back with what it has become.
func giveBack(buffer *[]byte, b []byte) {
	if cap(b) <= maxPooled {
		*buffer = b
		buffers.Put(buffer)
	}
}

// read gives the state after a read barrier, and sets the headers that prove an answer made from it.
func (s *Server) read(w http.ResponseWriter, r *http.Request) (Snapshot, error) {
	snap, err := s.service.Read(r.Context())
	if err != nil {
		return snap, err
	}
	s.prove(w.Header(), snap)
	return snap, nil
}

// json answers with what fill appends.
func (s *Server) json(w http.ResponseWriter, fill func(b []byte) []byte) error {
	buffer := buffers.Get().(*[]byte)
	b := append(fill((*buffer)[:0]), '\n')
	h := w.Header()
	h["Content-Type"] = jsonType
	h["Cache-Control"] = noStore
	err := s.write(w, b)
	giveBack(buffer, b)
	return err
}

var (
	jsonType = []string{"application/json"}
	noStore  = []string{"no-store"}
	noSniff  = []string{"nosniff"}
)

// ownLength is up to which size net/http finds the length of an answer by itself. A map of more than eight headers costs twice
// as much as one of eight, and it is made twice.
const ownLength = 2048

// write ends an answer. An error of the connection is nobody's to hear.
func (s *Server) write(w http.ResponseWriter, b []byte) error {
	if len(b) > ownLength {
		w.Header()["Content-Length"] = []string{strconv.Itoa(len(b))}
	}
	_, _ = w.Write(b) // a client that has gone needs no answer
	return nil
}

// tagged sets the ETag, and answers 304 where the request says that it holds that version.
func (s *Server) tagged(w http.ResponseWriter, r *http.Request, v airspace.Version) bool {
	tag := etag(v)
	w.Header()[headerTag] = []string{tag}
	for _, list := range r.Header["If-None-Match"] {
		for one := range strings.SplitSeq(list, ",") {
			if one = strings.TrimSpace(one); one == tag || one == "*" {
				w.WriteHeader(http.StatusNotModified)
				return true
			}
		}
	}
	return false
}

func notFound(op, what, id string) error {
	return &problem.Error{Kind: problem.NotFound, Op: op, Subject: id, Detail: "there is no such " + what}
}

// command runs a write through the log, and answers with what it came to. id is empty for settings.
func (s *Server) command(w http.ResponseWriter, r *http.Request, cmd airspace.Command, id string, key *wire.Key) error {
	res, err := s.run(w, r, cmd, id, key)
	if err != nil {
		return err
	}
	if r.Method == http.MethodPut {
		w.Header()[headerTag] = []string{etag(res.Version)}
	}
	return s.json(w, func(b []byte) []byte { return api.AppendWritten(b, id, res) })
}

// run runs a write through the log. The answer is made from the machine's result alone, so that a retry gives it again.
func (s *Server) run(w http.ResponseWriter, r *http.Request, cmd airspace.Command, id string, key *wire.Key) (*airspace.Result, error) {
	if p := airspace.Validate(cmd); p != nil {
		return nil, p
	}
	op := airspace.Encode(cmd)
	if len(op) > wire.MaxCommandBytes {
		return nil, &problem.Error{Kind: problem.TooLarge, Op: cmd.Op(), Subject: id, Field: "body",
			Value: strconv.Itoa(len(op)) + " bytes encoded", Allowed: "at most " + strconv.Itoa(wire.MaxCommandBytes) + " bytes"}
	}
	reply, err := s.service.Do(r.Context(), time.Now().Add(commandTimeout), op, key)
	if err == nil {
		err = replyProblem(&reply, cmd.Op(), id)
	}
	if err != nil {
		return nil, unknownOutcome(err, cmd.Op(), id)
	}
	res, err := airspace.DecodeResult(reply.Result)
	if err != nil {
		return nil, err
	}
	s.proveEntry(w.Header(), reply.Index, reply.Hash, res.ServiceNs)
	if res.Problem != nil {
		f := fault{cause: res.Problem}
		if res.Current != nil {
			f.current = res.Current.String()
			w.Header().Set("ETag", etag(*res.Current))
		}
		return nil, f
	}
	return &res, nil
}

// unknownOutcome completes the problem of a write that ended without an answer: nobody can say whether it took effect.
func unknownOutcome(err error, op, id string) error {
	f := asFault(err)
	var failed *client.Error
	if f.cause.Kind != problem.NoVoice && (!errors.As(err, &failed) || !failed.MaybeApplied) {
		return f
	}
	p := *f.cause
	p.Op, p.Subject = op, id
	p.Detail = "the outcome is " + problem.Unknown + "; repeat it with the same Idempotency-Key, or read what is there"
	return fault{cause: &p, unknown: true}
}

// replyProblem says what a reply that is not OK comes to.
func replyProblem(reply *wire.Reply, op, id string) error {
	if reply.Status == wire.OK {
		return nil
	}
	p := &problem.Error{Op: op, Subject: id}
	switch reply.Status {
	case wire.KeyReused:
		p.Kind, p.Detail = problem.KeyReused, "take a new Idempotency-Key for another request"
	case wire.Overloaded:
		p.Kind, p.Detail = problem.Overloaded, "a queue is full; nothing was done"
	case wire.TooLarge:
		p.Kind, p.Field, p.Value = problem.TooLarge, "body", "over the limit of a command"
	case wire.NotLeader, wire.NoVoice, wire.Fenced, wire.NoSession:
		p.Kind = problem.NoVoice
	default:
		p.Kind, p.Detail = problem.Internal, "a reply of status "+strconv.Itoa(int(reply.Status))
	}
	return p
}

// jsonOf answers with a value that is asked for seldom.
func (s *Server) jsonOf(w http.ResponseWriter, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	return s.json(w, func(to []byte) []byte { return append(to, b...) })
}
