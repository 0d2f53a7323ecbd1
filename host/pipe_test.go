package host_test

import (
	"errors"
	"io"
	"testing"

	"onevoice/wire"
)

func TestAPipeEndsWithItsHost(t *testing.T) {
	c, s := alone(t)
	first, second := s.Pipe(), s.Pipe()
	if n := s.Status().Clients; n != 2 {
		t.Fatalf("%d clients", n)
	}
	if err := errors.Join(first.Close(), first.Close()); err != nil {
		t.Fatal(err)
	}
	if _, err := first.Recv(); !errors.Is(err, io.EOF) {
		t.Fatalf("receiving after close: %v", err)
	}
	query := (&wire.Query{Request: 1}).Encode(testGroup, epoch0)
	if err := first.Send([][]byte{query}); !errors.Is(err, io.ErrClosedPipe) {
		t.Fatalf("sending after close: %v", err)
	}
	if err := second.Send([][]byte{{1}}); err == nil {
		t.Fatal("a frame without a header was taken")
	}
	c.stop(1)
	if _, err := second.Recv(); !errors.Is(err, io.EOF) {
		t.Fatalf("receiving from a stopped host: %v", err)
	}
	if err := second.Send([][]byte{query}); !errors.Is(err, io.ErrClosedPipe) {
		t.Fatalf("sending to a stopped host: %v", err)
	}
}
