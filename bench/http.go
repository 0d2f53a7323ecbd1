package bench

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"strconv"
	"sync"
	"time"
)

// HTTP loads one server over HTTP/1.1 at little cost to the machine that both run on, as the load programs of others do: it writes
// each request as one piece over a connection that stays open, and of an answer it reads what Answer holds. It follows no redirect
// and tries nothing again. It may be used from any goroutine; each request under way has a connection of its own.
type HTTP struct {
	// Address is the server's host:port.
	Address string

	mu   sync.Mutex
	idle []*httpConn
}

// Answer is what is read of an answer.
type Answer struct {
	Status int
	// Index is the header Onevoice-Index, 0 where there is none.
	Index uint64
	// Body is valid until check returns.
	Body []byte
}

const (
	// httpPatience is how long a request may take, and armedFor how much longer it may get, since a deadline that was set that
	// recently is left as it is.
	httpPatience = 10 * time.Second
	armedFor     = time.Second
	// maxAnswer bounds the body of an answer that is read.
	maxAnswer  = 1 << 20
	httpBuffer = 8 << 10
)

// httpConn is one connection.
type httpConn struct {
	net.Conn
	in       *bufio.Reader
	out      []byte
	body     []byte
	deadline time.Time
}

// Do sends the whole request, head and body, that fill appends, and has check look at the answer.
func (h *HTTP) Do(ctx context.Context, fill func(b []byte) []byte, check func(Answer) error) error {
	c, err := h.take(ctx)
	if err != nil {
		return err
	}
	if err := c.arm(ctx); err != nil {
		return c.broken(err)
	}
	c.out = fill(c.out[:0])
	if _, err := c.Write(c.out); err != nil {
		return c.broken(err)
	}
	a, err := c.read()
	if err != nil {
		return c.broken(err)
	}
	err = check(a)
	h.mu.Lock()
	h.idle = append(h.idle, c)
	h.mu.Unlock()
	return err
}

func (h *HTTP) take(ctx context.Context) (*httpConn, error) {
	h.mu.Lock()
	if n := len(h.idle); n > 0 {
		c := h.idle[n-1]
		h.idle = h.idle[:n-1]
		h.mu.Unlock()
		return c, nil
	}
	h.mu.Unlock()
	conn, err := new(net.Dialer).DialContext(ctx, "tcp", h.Address)
	if err != nil {
		return nil, fmt.Errorf("bench: %w", err)
	}
	return &httpConn{Conn: conn, in: bufio.NewReaderSize(conn, httpBuffer)}, nil
}

// Close closes the connections that are not in use.
func (h *HTTP) Close() {
	h.mu.Lock()
	defer h.mu.Unlock()
	for _, c := range h.idle {
		_ = c.Close() // nothing is lost
	}
	h.idle = nil
}

// arm sets the deadline of a request.
func (c *httpConn) arm(ctx context.Context) error {
	deadline := time.Now().Add(httpPatience + armedFor)
	if ends, ok := ctx.Deadline(); ok && ends.Before(deadline) {
		deadline = ends
	} else if still := deadline.Sub(c.deadline); still >= 0 && still < armedFor {
		return nil
	}
	c.deadline = deadline
	return c.SetDeadline(deadline)
}

func (c *httpConn) broken(err error) error {
	_ = c.Close() // it is of no more use
	return fmt.Errorf("bench: %w", err)
}

// read takes one answer, which must say how long its body is.
func (c *httpConn) read() (Answer, error) {
	line, err := c.in.ReadSlice('\n')
	if err != nil {
		return Answer{}, err
	}
	status, ok := bytes.CutPrefix(line, []byte("HTTP/1.1 "))
	if !ok || len(status) < 3 {
		return Answer{}, fmt.Errorf("an answer begins with %q", line)
	}
	var a Answer
	if a.Status, err = strconv.Atoi(string(status[:3])); err != nil {
		return Answer{}, fmt.Errorf("an answer begins with %q", line)
	}
	length := -1
	for {
		if line, err = c.in.ReadSlice('\n'); err != nil {
			return Answer{}, err
		}
		if line = bytes.TrimRight(line, "\r\n"); len(line) == 0 {
			break
		}
		name, value, _ := bytes.Cut(line, []byte(": "))
		switch string(name) {
		case "Content-Length":
			length, err = strconv.Atoi(string(value))
		case "Onevoice-Index":
			a.Index, err = strconv.ParseUint(string(value), 10, 64)
		}
		if err != nil {
			return Answer{}, err
		}
	}
	if length < 0 || length > maxAnswer {
		return Answer{}, errors.New("an answer does not say that it has at most 1 MiB")
	}
	if cap(c.body) < length {
		c.body = make([]byte, length)
	}
	a.Body = c.body[:length]
	_, err = io.ReadFull(c.in, a.Body)
	return a, err
}
