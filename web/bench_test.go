package web

import (
	"bufio"
	"bytes"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"onevoice/airspace"
	"onevoice/web/api"
	"onevoice/wire"
)

// rig is a server on a real socket with flights in one sector.
func rig(b *testing.B, flights int) (*Server, string) {
	_, s := newTest(b)
	must(b, s, 200, nil, "PUT", "/api/v1/sectors/BOX", box)
	for i := range flights {
		must(b, s, 200, nil, "PUT", fmt.Sprintf("/api/v1/flights/F%d", i), through)
	}
	return s, listen(b, s)
}

// listen serves on a real socket until the benchmark ends.
func listen(b *testing.B, s *Server) (address string) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(b.Context(), l) }()
	b.Cleanup(func() { <-done })
	return l.Addr().String()
}

// caller sends one request again and again over one connection, and reads no more of an answer than it must.
type caller struct {
	conn    net.Conn
	in      *bufio.Reader
	request []byte
}

func newCaller(b *testing.B, address, request string) *caller {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	return &caller{conn, bufio.NewReader(conn), []byte(request)}
}

func (c *caller) call() error {
	if _, err := c.conn.Write(c.request); err != nil {
		return err
	}
	length := -1
	for first := true; ; first = false {
		line, err := c.in.ReadSlice('\n')
		if err != nil {
			return err
		}
		if first && !bytes.HasPrefix(line, []byte("HTTP/1.1 200")) {
			return fmt.Errorf("%s", line)
		}
		if value, ok := bytes.CutPrefix(line, []byte("Content-Length: ")); ok {
			if length, err = strconv.Atoi(strings.TrimSpace(string(value))); err != nil {
				return err
			}
		}
		if len(line) == 2 {
			_, err := io.CopyN(io.Discard, c.in, int64(length))
			return err
		}
	}
}

// cpu is the processor time that this process has taken: what an answer costs, however busy the machine is otherwise.
func cpu(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkQuestionOverHTTP asks who is in a sector over loopback, the callers in the same process.
func BenchmarkQuestionOverHTTP(b *testing.B) {
	for _, flights := range []int{0, 10, 100} {
		b.Run(fmt.Sprint(flights), func(b *testing.B) {
			_, address := rig(b, flights)
			overHTTP(b, address, "GET /api/v1/sectors/BOX/flights?limit=1000 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
		})
	}
}

// BenchmarkWriteOverHTTP is one write over loopback, without the node, the callers in the same process.
func BenchmarkWriteOverHTTP(b *testing.B) {
	s, _, _ := newConstant(b)
	overHTTP(b, listen(b, s), fmt.Sprintf("PUT /api/v1/flights/BENCH-0001-0001 HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n"+
		"Idempotency-Key: bench-1\r\nContent-Length: %d\r\n\r\n%s", len(plan), plan))
}

// overHTTP sends one request again and again over several connections.
func overHTTP(b *testing.B, address, request string) {
	b.SetParallelism(16)
	b.ReportAllocs()
	before := cpu(b)
	b.RunParallel(func(pb *testing.PB) {
		c := newCaller(b, address, request)
		for pb.Next() {
			if err := c.call(); err != nil {
				b.Fatal(err)
			}
		}
	})
	b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "answers/s")
	b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-us/op")
}

// BenchmarkQuestion is the handler alone.
func BenchmarkQuestion(b *testing.B) {
	s, _ := rig(b, 10)
	r := httptest.NewRequest("GET", "http://127.0.0.1:7480/api/v1/sectors/BOX/flights", nil)
	b.ReportAllocs()
	for b.Loop() {
		s.Handler().ServeHTTP(httptest.NewRecorder(), r)
	}
}

// constant is a service that answers at once and always the same, so that a benchmark sees what web itself costs.
type constant struct {
	*fake
	at    Snapshot
	reply wire.Reply
}

// Read implements Service.
func (c *constant) Read(context.Context) (Snapshot, error) { return c.at, nil }

// Do implements Service.
func (c *constant) Do(context.Context, time.Time, []byte, *wire.Key) (wire.Reply, error) {
	return c.reply, nil
}

// newConstant is a server of what holds after one flight was filed, and the requests that write and read that flight.
func newConstant(t testing.TB) (s *Server, put, get func() *http.Request) {
	f, first := newTest(t)
	must(t, first, 200, nil, "PUT", "/api/v1/sectors/BOX", box)
	flight, err := api.ReadFlight("BENCH-0001-0001", []byte(plan))
	if err != nil {
		t.Fatal(err)
	}
	reply, err := f.Do(t.Context(), time.Time{}, airspace.Encode(airspace.PutFlight{Flight: flight}), nil)
	if err != nil {
		t.Fatal(err)
	}
	s = New(Options{Service: &constant{f, f.Latest(), reply}, Node: "n1", Listen: "127.0.0.1:7480"})
	request := func(method, body string) func() *http.Request {
		r := httptest.NewRequest(method, "http://127.0.0.1:7480/api/v1/flights/BENCH-0001-0001", nil)
		r.RemoteAddr = "127.0.0.1:50000"
		r.ContentLength = int64(len(body))
		if body != "" {
			r.Header.Set("Content-Type", "application/json")
			r.Header.Set("Idempotency-Key", "bench-123456")
		}
		content := strings.NewReader(body)
		r.Body = io.NopCloser(content)
		return func() *http.Request {
			content.Reset(body)
			return r
		}
	}
	return s, request("PUT", plan), request("GET", "")
}

// plan is a flight of four points, as the load of the bench files it.
const plan = `{"id":"BENCH-0001-0001","callsign":"BCH0001","from":"LSZH","to":"LSGG","path":[` +
	`{"position":[8.5492,47.4647],"altitude":{"value":360,"unit":"FL","ref":"STD"},"time":"2018-08-01T05:10:00Z"},` +
	`{"position":[8.5112,47.4347],"altitude":{"value":360,"unit":"FL","ref":"STD"},"time":"2018-08-01T05:15:00Z"},` +
	`{"position":[8.4592,47.4047],"altitude":{"value":360,"unit":"FL","ref":"STD"},"time":"2018-08-01T05:20:00Z"},` +
	`{"position":[8.3992,47.3747],"altitude":{"value":360,"unit":"FL","ref":"STD"},"time":"2018-08-01T05:25:00Z"}],` +
	`"uncertainty":{"lateral":{"value":0,"unit":"NM"},"vertical":{"value":0,"unit":"ft"},"time":{"value":0,"unit":"s"}}}`

// sink takes an answer and keeps its status.
type sink struct {
	header http.Header
	status int
	bytes  int
}

// Header implements http.ResponseWriter.
func (s *sink) Header() http.Header { return s.header }

// WriteHeader implements http.ResponseWriter.
func (s *sink) WriteHeader(status int) { s.status = status }

// Write implements http.ResponseWriter.
func (s *sink) Write(b []byte) (int, error) {
	s.bytes += len(b)
	return len(b), nil
}

// serveOnce answers one request into a sink; net/http gives each a new map of headers.
func serveOnce(t testing.TB, s *Server, w *sink, r *http.Request) {
	*w = sink{header: http.Header{}}
	s.Handler().ServeHTTP(w, r)
	if w.status > http.StatusOK || w.bytes == 0 {
		t.Fatalf("%s: status %d, %d bytes", r.Method, w.status, w.bytes)
	}
}

// BenchmarkHandler is one request through the handler, without net/http and without the node.
func BenchmarkHandler(b *testing.B) {
	s, put, get := newConstant(b)
	for _, next := range []func() *http.Request{put, get} {
		b.Run(next().Method, func(b *testing.B) {
			w := &sink{}
			b.ReportAllocs()
			before := cpu(b)
			for b.Loop() {
				serveOnce(b, s, w, next())
			}
			b.ReportMetric(float64((cpu(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
		})
	}
}

// BenchmarkReadFlight is what a plan of 100 points costs to read.
func BenchmarkReadFlight(b *testing.B) {
	points := make([]string, 100)
	for i := range points {
		points[i] = point(fmt.Sprintf("[8.%07d,47.%07d]", i*100_003, i*99_991), level, fmt.Sprintf("2018-08-01T05:%02d:%02dZ", i/60, i%60))
	}
	body := []byte(flightWith(points...))
	b.SetBytes(int64(len(body)))
	b.ReportAllocs()
	for b.Loop() {
		if _, err := api.ReadFlight("F", body); err != nil {
			b.Fatal(err)
		}
	}
}
