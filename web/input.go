package web

import (
	"crypto/sha256"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
	"maps"
	"mime"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"strings"

	"onevoice/airspace"
	"onevoice/problem"
	"onevoice/web/api"
	"onevoice/wire"
)

// smallBody is the size up to which a body is read without taking one of the places for large ones.
const smallBody = 64 << 10

// body reads a JSON body of at most MaxBodyBytes. A small one whose length is known goes into room, as far as there is some.
func (s *Server) body(w http.ResponseWriter, r *http.Request, op string, room []byte) ([]byte, error) {
	if kind := r.Header.Get("Content-Type"); kind != "" && kind != "application/json" {
		if media, _, err := mime.ParseMediaType(kind); err != nil || media != "application/json" {
			e := invalid(op, "Content-Type", kind, "application/json")
			return nil, fault{cause: e, status: http.StatusUnsupportedMediaType}
		}
	}
	if r.ContentLength > MaxBodyBytes {
		return nil, tooLarge(op, r.ContentLength)
	}
	if r.ContentLength >= 0 && r.ContentLength <= smallBody {
		// net/http gives no more than that, so nothing has to be bounded here.
		b := slices.Grow(room[:0], int(r.ContentLength))[:r.ContentLength]
		_, err := io.ReadFull(r.Body, b)
		return b, wholeBody(op, err)
	}
	limited := http.MaxBytesReader(w, r.Body, MaxBodyBytes)
	b, err := fill(limited, make([]byte, 0, min(max(r.ContentLength, 512), smallBody)+1), smallBody+1)
	if err == nil && len(b) > smallBody {
		if s.largeBodies.Add(1) > MaxLargeBodies {
			s.largeBodies.Add(-1)
			return nil, refused(problem.Overloaded, op, "too many large bodies are being read")
		}
		defer s.largeBodies.Add(-1)
		b, err = readRest(limited, b, r.ContentLength)
	}
	var over *http.MaxBytesError
	if errors.As(err, &over) {
		return nil, tooLarge(op, -1)
	}
	return b, wholeBody(op, err)
}

// wholeBody is the refusal of a body that could not be read.
func wholeBody(op string, err error) error {
	if err == nil {
		return nil
	}
	return invalid(op, "body", err.Error(), "a whole body")
}

// readRest reads on to the end; hint is the whole length, where it is known.
func readRest(r io.Reader, b []byte, hint int64) ([]byte, error) {
	b = slices.Grow(b, max(int(hint)-len(b), 0)+1)
	return fill(r, b, MaxBodyBytes+1)
}

// fill appends what r gives until its end, or until b holds most bytes.
func fill(r io.Reader, b []byte, most int) ([]byte, error) {
	for len(b) < most {
		if len(b) == cap(b) {
			b = slices.Grow(b, len(b)+512)
		}
		n, err := r.Read(b[len(b):min(cap(b), most)])
		b = b[:len(b)+n]
		if err == io.EOF {
			return b, nil
		}
		if err != nil {
			return b, err
		}
	}
	return b, nil
}

func tooLarge(op string, bytes int64) error {
	value := "over the limit"
	if bytes >= 0 {
		value = strconv.FormatInt(bytes, 10) + " bytes"
	}
	return &problem.Error{Kind: problem.TooLarge, Op: op, Field: "body", Value: value, Allowed: fmt.Sprintf("at most %d bytes", MaxBodyBytes)}
}

// query is the parameters of a request, each at most once.
type query struct {
	op     string
	values url.Values
	err    error // the first thing that is wrong
}

// parseQuery refuses parameters that are not known, or come twice.
func parseQuery(r *http.Request, op string, known ...string) query {
	q, _ := parseLists(r, op, nil, known...)
	return q
}

// parseLists lets the parameters of lists come more than once, and gives all values.
func parseLists(r *http.Request, op string, lists []string, known ...string) (query, url.Values) {
	q := query{op: op}
	if r.URL.RawQuery == "" {
		return q, nil
	}
	known = slices.Concat(known, lists)
	values, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		q.err = invalid(op, "query", r.URL.RawQuery, "name=value&name=value, percent-encoded")
		return q, nil
	}
	for _, name := range slices.Sorted(maps.Keys(values)) {
		all := values[name]
		if !slices.Contains(known, name) {
			q.refuse(problem.Clip(name), all[0], "only "+strings.Join(known, ", "))
		} else if len(all) > 1 && !slices.Contains(lists, name) {
			q.refuse(name, strings.Join(all, " and "), "one value")
		}
	}
	q.values = values
	return q, values
}

func (q *query) refuse(field, value, allowed string) {
	if q.err == nil {
		q.err = invalid(q.op, field, strconv.Quote(value), allowed)
	}
}

func (q *query) has(name string) bool { return len(q.values[name]) > 0 }

func (q *query) get(name string) string {
	if !q.has(name) {
		return ""
	}
	return q.values[name][0]
}

// time is a parameter that is an instant; nil where it is absent.
func (q *query) time(name string) *api.Time {
	if !q.has(name) {
		return nil
	}
	t, err := api.ParseTime(q.get(name))
	if err != nil {
		q.refuse(name, q.get(name), "RFC 3339 in UTC, such as 2018-08-01T05:00:00Z, from 1970 to 2200")
	}
	return &t
}

// defaultLimit is the size of a page unless the request says another.
const defaultLimit = 100

func (q *query) limit() int {
	if !q.has("limit") {
		return defaultLimit
	}
	n, err := strconv.Atoi(q.get("limit"))
	if err != nil || n < 1 || n > airspace.MaxPage {
		q.refuse("limit", q.get("limit"), fmt.Sprintf("1 to %d", airspace.MaxPage))
	}
	return n
}

// id is a parameter that is an identifier, or empty where it is absent.
func (q *query) id(name string) string {
	if id := q.get(name); q.has(name) && !airspace.ValidID(id) {
		q.refuse(name, id, api.AllowedID)
	}
	return q.get(name)
}

// precondition reads If-Match ("index.i") and If-None-Match (*) of a write.
func precondition(r *http.Request, op, subject string) (airspace.Precondition, error) {
	var p airspace.Precondition
	match, none := r.Header["If-Match"], r.Header["If-None-Match"]
	wrong := func(field string, values []string, allowed string) error {
		e := invalid(op, field, strings.Join(values, ", "), allowed)
		e.Subject = subject
		return e
	}
	if len(match) > 0 && len(none) > 0 {
		return p, wrong("If-None-Match", none, "not together with If-Match")
	}
	if len(none) > 0 {
		if len(none) > 1 || none[0] != "*" {
			return p, wrong("If-None-Match", none, "*")
		}
		p.Absent = true
	}
	if len(match) > 0 {
		v, ok := parseETag(match[0])
		if !ok || len(match) > 1 {
			return p, wrong("If-Match", match, `one version in quotes, as "1021.3"`)
		}
		p.Match = &v
	}
	return p, nil
}

func parseETag(s string) (airspace.Version, bool) {
	if len(s) < 2 || s[0] != '"' || s[len(s)-1] != '"' {
		return airspace.Version{}, false
	}
	v, err := airspace.ParseVersion(s[1 : len(s)-1])
	return v, err == nil
}

func etag(v airspace.Version) string {
	return string(append(v.Append(append(make([]byte, 0, 40), '"')), '"'))
}

// maxKeyBytes bounds an Idempotency-Key.
const maxKeyBytes = 64

// idempotencyKey makes the replicated key of a request that carries an Idempotency-Key; nil where it carries none. Who asks is
// part of it, so that nobody takes another's answer.
func idempotencyKey(r *http.Request, op string, body []byte) (*wire.Key, error) {
	values := r.Header["Idempotency-Key"]
	if len(values) == 0 {
		return nil, nil
	}
	key := values[0]
	printable := !strings.ContainsFunc(key, func(c rune) bool { return c < ' ' || c > '~' })
	if len(values) > 1 || len(key) == 0 || len(key) > maxKeyBytes || !printable {
		return nil, invalid(op, "Idempotency-Key", strconv.Quote(key), "one of 1 to 64 printable ASCII characters")
	}
	b := make([]byte, 0, sumBytes)
	name := part(part(part(part(b, subjectOf(r).Key()), r.Method), r.URL.Path), key)
	k := &wire.Key{Name: sha256.Sum256(name)}
	whole := part(part(part(b, body), strings.Join(r.Header["If-Match"], ",")), strings.Join(r.Header["If-None-Match"], ","))
	k.Body = sha256.Sum256(whole)
	return k, nil
}

// part appends a text with its length, so that no two lists of texts are the same bytes.
func part[T string | []byte](b []byte, text T) []byte {
	return append(binary.BigEndian.AppendUint64(b, uint64(len(text))), text...)
}

// sumBytes is room for what most sums are made over, small enough to stay on the stack.
const sumBytes = 2048
