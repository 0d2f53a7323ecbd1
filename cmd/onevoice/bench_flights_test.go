package main

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"syscall"
	"testing"
	"time"

	"onevoice/bench"
)

// BenchmarkLoad is what the bench's own part of a write over HTTP costs, against an echo that costs next to nothing.
func BenchmarkLoad(b *testing.B) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() { l.Close() })
	load := &flightsBench{load: &bench.HTTP{Address: l.Addr().String()}, begins: time.Unix(1_800_000_000, 0)}
	f := load.flight(0, 0)
	body := `{"id":"` + f.ID + `","version":"7.1"}`
	answer := fmt.Appendf(nil, "HTTP/1.1 200 OK\r\nOnevoice-Index: 7\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
	go func() {
		conn, err := l.Accept()
		if err != nil {
			return
		}
		in := bufio.NewReaderSize(conn, 1<<16)
		for {
			if _, err := in.Peek(1); err != nil {
				return
			}
			if _, err := io.CopyN(io.Discard, in, int64(in.Buffered())); err != nil {
				return
			}
			if _, err := conn.Write(answer); err != nil {
				return
			}
		}
	}()
	b.ReportAllocs()
	before := selfCPU(b)
	for b.Loop() {
		if err := load.putHTTP(b.Context(), 0, 0); err != nil {
			b.Fatal(err)
		}
	}
	b.ReportMetric(float64((selfCPU(b)-before).Nanoseconds())/float64(b.N), "cpu-ns/op")
}

// selfCPU is the processor time that this process has taken.
func selfCPU(b *testing.B) time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
