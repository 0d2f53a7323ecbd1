// Package ask asks /api/v1 over HTTP, from any of a cluster's servers, and checks that they speak with one voice.
// It is loud: sockets and the clock.
package ask

import (
	"bytes"
	"context"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"onevoice/problem"
	"onevoice/web/api"
)

// MaxAnswerBytes bounds an answer that is read: a page of 1,000 flights of 1,000 points.
const MaxAnswerBytes = 256 << 20

// roundPause is how long a client waits before it asks all servers again.
const roundPause = 100 * time.Millisecond

// Proof is what an answer says of itself: equal Index and unequal Hash are two voices.
type Proof struct {
	View  string `json:"view"`
	Index string `json:"index"`
	AsOf  string `json:"as_of"`
	Hash  string `json:"hash"`
	Node  string `json:"node"`
	// KnownIndex is the entry that an answer of the past is as of, empty for the present.
	KnownIndex string `json:"known_index,omitempty"`
}

// Request is one request below /api/v1.
type Request struct {
	Method string // GET where empty
	Path   string // as "/sectors?limit=10"
	Body   []byte
	Header http.Header
}

// Client asks the servers at its Endpoints, one after the other, until one answers. A request that changes something
// carries an Idempotency-Key, so that asking again does it once. A Client may be used from any goroutine.
type Client struct {
	// Endpoints are URLs, as "http://127.0.0.1:7480".
	Endpoints []string
	// HTTP makes the requests; http.DefaultClient where nil.
	HTTP *http.Client
	// Timeout bounds all attempts of one request together; 5 s where 0.
	Timeout time.Duration

	last atomic.Int32 // the endpoint that answered last
}

// Endpoint makes a URL of what people type: host:port, or a URL.
func Endpoint(text string) string {
	if strings.Contains(text, "://") {
		return strings.TrimSuffix(text, "/")
	}
	return "http://" + text
}

// Do asks until a server answers and decodes the answer's body into one of the types of api; into may be nil, or a *[]byte
// for the bytes as they are. An error that the service gave is a *problem.Error; where no server answers within the time it
// is of kind NoVoice, names those that were asked, and says UNKNOWN unless it is a change that reached nobody; and whom to ask next,
// where servers named others.
func (c *Client) Do(ctx context.Context, r Request, into any) (Proof, error) {
	timeout := c.Timeout
	if timeout == 0 {
		timeout = 5 * time.Second
	}
	ctx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	if r.Method == "" {
		r.Method = http.MethodGet
	}
	if r.Header = r.Header.Clone(); r.Header == nil {
		r.Header = http.Header{}
	}
	if r.Method != http.MethodGet && r.Header.Get("Idempotency-Key") == "" {
		r.Header.Set("Idempotency-Key", rand.Text())
	}
	var tried []string
	end := ending{request: r, known: c.Endpoints}
	for {
		refused := 0
		for range c.Endpoints {
			endpoint := c.Endpoints[int(c.last.Load())%len(c.Endpoints)]
			proof, err := c.once(ctx, endpoint, r, into)
			if !again(err) {
				return proof, err
			}
			tried = note(tried, endpoint, err)
			end.note(err)
			if noServer(err) {
				refused++
			}
			c.last.Add(1)
		}
		if refused == len(c.Endpoints) || !sleep(ctx, roundPause) {
			return Proof{}, &problem.Error{Kind: problem.NoVoice, Op: r.Method + " " + r.Path, Detail: end.text(tried)}
		}
	}
}

// once asks one server.
func (c *Client) once(ctx context.Context, endpoint string, r Request, into any) (Proof, error) {
	request, err := http.NewRequestWithContext(ctx, r.Method, endpoint+"/api/v1"+r.Path, bytes.NewReader(r.Body))
	if err != nil {
		return Proof{}, fmt.Errorf("ask %s: %w", endpoint, err)
	}
	request.Header = r.Header
	client := c.HTTP
	if client == nil {
		client = http.DefaultClient
	}
	answer, err := client.Do(request)
	if err != nil {
		return Proof{}, unreachable{err}
	}
	defer answer.Body.Close()
	body, err := io.ReadAll(io.LimitReader(answer.Body, MaxAnswerBytes))
	if err != nil {
		return Proof{}, unreachable{err}
	}
	if answer.StatusCode >= 300 {
		return Proof{}, Refusal(answer.StatusCode, body)
	}
	h := answer.Header
	proof := Proof{View: h.Get("Onevoice-View"), Index: h.Get("Onevoice-Index"), AsOf: h.Get("Onevoice-As-Of"), Hash: h.Get("Onevoice-Hash"), Node: h.Get("Onevoice-Node"), KnownIndex: h.Get("Onevoice-Known-Index")}
	switch to := into.(type) {
	case nil:
	case *[]byte:
		*to = body
	default:
		if err := json.Unmarshal(body, into); err != nil {
			return proof, fmt.Errorf("ask %s: answer to %s %s: %w", endpoint, r.Method, r.Path, err)
		}
	}
	return proof, nil
}

// unreachable is a server that gave no answer.
type unreachable struct{ error }

func (u unreachable) Unwrap() error { return u.error }

// refusal is a problem with what HTTP alone tells of it.
type refusal struct {
	cause   *problem.Error
	outcome string
	try     []string
}

func (r refusal) Error() string { return r.cause.Error() }
func (r refusal) Unwrap() error { return r.cause }

// ending collects what may be said of a request that nobody answers.
type ending struct {
	request Request
	known   []string // are asked anyway
	open    bool     // it may have been done
	others  []string // that servers named
}

func (e *ending) note(err error) {
	var r refusal
	if !errors.As(err, &r) {
		e.open = e.open || !noServer(err)
		return
	}
	e.open = e.open || r.outcome != ""
	for _, url := range r.try {
		if !slices.Contains(e.known, url) && !slices.Contains(e.others, url) {
			e.others = append(e.others, url)
		}
	}
}

func (e *ending) text(tried []string) string {
	text := "no server answered: " + strings.Join(tried, "; ")
	next := "the same servers later"
	if len(e.others) > 0 {
		next = strings.Join(e.others, ", ")
	}
	switch key := e.request.Header.Get("Idempotency-Key"); {
	case e.request.Method == http.MethodGet:
		return problem.Unknown + ": " + text + "; ask next: " + next
	case e.open:
		return problem.Unknown + ", done once or not at all: " + text + "; repeat it with Idempotency-Key " + key +
			", or read what is there; ask next: " + next
	}
	return text + "; nothing was done"
}

// Refusal is the error that an answer of a status from 300 comes to: a *problem.Error where the service gave one.
func Refusal(status int, body []byte) error {
	var p api.Problem
	if bytes.Contains(body, []byte("HTTP request to an HTTPS server")) {
		return errors.New("the server speaks TLS only: give --ca, and --cert and --key to prove who asks")
	}
	if err := json.Unmarshal(body, &p); err != nil || p.Type == "" {
		return fmt.Errorf("the server answered %d: %s", status, problem.Clip(string(body)))
	}
	return refusal{p.Err(), p.Outcome, p.Try}
}

// again says whether another server, or the same later, may answer.
func again(err error) bool {
	var u unreachable
	var p *problem.Error
	return errors.As(err, &u) || errors.As(err, &p) && (p.Kind == problem.NoVoice || p.Kind == problem.Overloaded)
}

// noServer says whether nothing at all listens there.
func noServer(err error) bool {
	var u unreachable
	return errors.As(err, &u) && strings.Contains(err.Error(), "connection refused")
}

func note(tried []string, endpoint string, err error) []string {
	text := endpoint + " (" + reason(err) + ")"
	if slices.Contains(tried, text) {
		return tried
	}
	return append(tried, text)
}

func reason(err error) string {
	var p *problem.Error
	var authority x509.UnknownAuthorityError
	var host x509.HostnameError
	var record tls.RecordHeaderError
	switch {
	case errors.As(err, &authority):
		return "its certificate is of no authority that is trusted here"
	case errors.As(err, &host):
		return "its certificate is for other names"
	case errors.As(err, &record) || err != nil && strings.Contains(err.Error(), "HTTP response to HTTPS client"):
		return "it does not speak TLS"
	case errors.As(err, &p):
		return p.Kind.String()
	case noServer(err):
		return "nothing listens there"
	case errors.Is(err, context.DeadlineExceeded):
		return "no answer in time"
	}
	return "connection failed"
}

func sleep(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

// Confirm asks the other servers for the hash at the index of a proof until one holds it. It returns the name of the one
// that agrees, or a problem.TwoVoices; where no other holds that index in time the name is empty, without an error.
func (c *Client) Confirm(ctx context.Context, p Proof) (by string, err error) {
	ctx, cancel := context.WithTimeout(ctx, confirmTime)
	defer cancel()
	for {
		for i := range c.Endpoints {
			// The server that answered is asked last: it would only agree with itself.
			endpoint := c.Endpoints[(int(c.last.Load())+1+i)%len(c.Endpoints)]
			var h api.Hash
			other, err := c.once(ctx, endpoint, Request{Method: http.MethodGet, Path: "/hash?index=" + p.Index}, &h)
			if err != nil || other.Node == p.Node {
				continue
			}
			if h.Hash != p.Hash {
				return "", &problem.Error{Kind: problem.TwoVoices, Op: "compare hashes", Subject: "index " + p.Index,
					Detail: fmt.Sprintf("%s says %s, %s says %s; stop and keep both servers' data as evidence", p.Node, p.Hash, other.Node, h.Hash)}
			}
			return other.Node, nil
		}
		if !sleep(ctx, confirmPause) {
			return "", nil
		}
	}
}

const (
	confirmTime  = 500 * time.Millisecond
	confirmPause = 20 * time.Millisecond
)
