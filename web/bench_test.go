package web

import (
	"bufio"
	"bytes"
	"fmt"
	"io"
	"net"
	"net/http/httptest"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"onevoice/web/api"
)

// rig is a server on a real socket with flights in one sector.
func rig(b *testing.B, flights int) (*Server, string) {
	_, s := newTest(b)
	must(b, s, 200, nil, "PUT", "/api/v1/sectors/BOX", box)
	for i := range flights {
		must(b, s, 200, nil, "PUT", fmt.Sprintf("/api/v1/flights/F%d", i), through)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	done := make(chan error, 1)
	go func() { done <- s.Serve(b.Context(), l) }()
	b.Cleanup(func() { <-done })
	return s, l.Addr().String()
}

// caller sends one request again and again over one connection, and reads no more of an answer than it must.
type caller struct {
	conn    net.Conn
	in      *bufio.Reader
	request []byte
}

func newCaller(b *testing.B, address, path string) *caller {
	conn, err := net.Dial("tcp", address)
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { conn.Close() })
	return &caller{conn, bufio.NewReader(conn), []byte("GET " + path + " HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")}
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
			b.SetParallelism(16)
			before := cpu(b)
			b.RunParallel(func(pb *testing.PB) {
				c := newCaller(b, address, "/api/v1/sectors/BOX/flights?limit=1000")
				for pb.Next() {
					if err := c.call(); err != nil {
						b.Fatal(err)
					}
				}
			})
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "answers/s")
			b.ReportMetric(float64((cpu(b)-before).Microseconds())/float64(b.N), "cpu-us/op")
		})
	}
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
