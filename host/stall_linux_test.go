//go:build amd64 || arm64

package host

import (
	"net"
	"syscall"
	"testing"
)

func TestWhatIsOnItsWay(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	d := net.Dialer{Control: impatient}
	conn, err := d.DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	taken, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	if _, err := conn.Write([]byte("x")); err != nil {
		t.Fatal(err)
	}
	if _, err := taken.Read(make([]byte, 1)); err != nil {
		t.Fatal(err)
	}
	if o, ok := sent(conn); !ok || o.segments > 1 || o.repeats != 0 || o.rtt <= 0 {
		t.Errorf("a healthy connection: %+v, known: %v", o, ok)
	}
	conn.Close()
	if _, ok := sent(conn); ok {
		t.Error("something is known of a closed connection")
	}
	one, other := net.Pipe()
	defer one.Close()
	defer other.Close()
	if _, ok := sent(one); ok {
		t.Error("something is known of a connection that is not TCP's")
	}
}

func TestConnectionsToPeersAreImpatient(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	d := net.Dialer{Control: impatient}
	conn, err := d.DialContext(t.Context(), "tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	raw, err := conn.(*net.TCPConn).SyscallConn()
	if err != nil {
		t.Fatal(err)
	}
	got := 0
	if failed := raw.Control(func(fd uintptr) { got, err = syscall.GetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout) }); failed != nil || err != nil {
		t.Fatal(failed, err)
	}
	if got != unheardMs {
		t.Errorf("TCP_USER_TIMEOUT is %d ms, want %d", got, unheardMs)
	}
}

// TestWhatIsReadIsAcknowledged sends one small piece after the other: the system must not leave them without an acknowledgement for long, or
// every quiet connection would count as stalled.
func TestWhatIsReadIsAcknowledged(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	conn, err := net.Dial("tcp", listener.Addr().String())
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	taken, err := listener.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for i := range 100 {
		if _, err := conn.Write([]byte("x")); err != nil {
			t.Fatal(err)
		}
		if _, err := taken.Read(make([]byte, 1)); err != nil {
			t.Fatal(err)
		}
		if o, ok := sent(conn); !ok || o.segments != 0 {
			t.Fatalf("piece %d: %+v, known: %v", i, o, ok)
		}
	}
}
