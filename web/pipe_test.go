package web

import (
	"bufio"
	"context"
	"io"
	"net"
	"net/http"
	"strings"
	"testing"
	"testing/synctest"

	"onevoice/watch"
)

// pipes is a listener without sockets, so that the time of its connections is that of synctest.
type pipes struct {
	conns  chan net.Conn
	closed chan struct{}
}

func (p *pipes) Accept() (net.Conn, error) {
	select {
	case c := <-p.conns:
		return c, nil
	case <-p.closed:
		return nil, net.ErrClosed
	}
}

func (p *pipes) Close() error {
	select {
	case <-p.closed:
	default:
		close(p.closed)
	}
	return nil
}

func (p *pipes) Addr() net.Addr { return &net.TCPAddr{IP: net.IPv4(127, 0, 0, 1), Port: 7480} }

// dial opens a connection to the server.
func (p *pipes) dial() net.Conn {
	near, far := net.Pipe()
	p.conns <- far
	return near
}

// serve runs a server over pipes inside a synctest bubble until the test ends.
func serve(t *testing.T, s *Server) (p *pipes, end func()) {
	p = &pipes{make(chan net.Conn), make(chan struct{})}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- s.Serve(ctx, p) }()
	return p, func() {
		cancel()
		if err := <-done; err != nil {
			t.Errorf("serve: %v", err)
		}
	}
}

// reader follows one stream.
type reader struct {
	t    *testing.T
	conn net.Conn
	resp *http.Response
	in   *bufio.Reader
}

// open sends a GET and reads the head of its answer.
func (p *pipes) open(t *testing.T, path string, header ...string) *reader {
	t.Helper()
	conn := p.dial()
	req, err := http.NewRequest("GET", "http://127.0.0.1:7480"+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	if err := req.Write(conn); err != nil {
		t.Fatal(err)
	}
	in := bufio.NewReader(conn)
	resp, err := http.ReadResponse(in, req)
	if err != nil {
		t.Fatal(err)
	}
	return &reader{t, conn, resp, bufio.NewReader(resp.Body)}
}

// block reads up to the next empty line of an event stream.
func (r *reader) block() string {
	r.t.Helper()
	var b strings.Builder
	for {
		line, err := r.in.ReadString('\n')
		if line == "\n" {
			return b.String()
		}
		b.WriteString(line)
		if err == io.EOF {
			return b.String() + "(end)"
		}
		if err != nil {
			r.t.Fatal(err)
		}
	}
}

// next is the next event of a stream that is not a heartbeat.
func (r *reader) next() string {
	r.t.Helper()
	for {
		b := r.block()
		if !strings.HasPrefix(b, ": ") && !strings.HasPrefix(b, "retry: ") {
			return b
		}
	}
}

// bubble runs a test against a server over pipes, in the time of synctest.
func bubble(t *testing.T, run func(t *testing.T, f *fake, s *Server, p *pipes)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) { within(t, run) })
}

// within is bubble for a test that is in a bubble already.
func within(t *testing.T, run func(t *testing.T, f *fake, s *Server, p *pipes)) {
	t.Helper()
	f, s := newTest(t)
	p, end := serve(t, s)
	run(t, f, s, p)
	end()
	synctest.Wait()
	counts(t, "streams", &s.streams, 0)
}

// smallJournal lets a fake hold two events only.
func smallJournal(f *fake) {
	f.set(func() {
		last, _ := f.journal.At(f.latest.Index)
		f.journal = watch.NewLog(watch.Limits{Marks: 2, Events: 2, Bytes: 1 << 20})
		f.journal.Restart(last)
	})
}
