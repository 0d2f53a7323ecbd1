package real

import (
	"net"
	"slices"
	"strings"
	"testing"
	"time"
)

// echo listens at an address and gives back what it gets, on port 9000.
func echo(t *testing.T, address string) {
	t.Helper()
	l, err := net.Listen("tcp", net.JoinHostPort(address, "9000"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			go func() {
				defer conn.Close()
				b := make([]byte, 64)
				for {
					n, err := conn.Read(b)
					if err != nil {
						return
					}
					if _, err := conn.Write(b[:n]); err != nil {
						return
					}
				}
			}()
		}
	}()
}

// silence is how long a lost packet is waited for; TCP says nothing of one that is cut.
const silence = 60 * time.Millisecond

func dial(from, to string) (net.Conn, error) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}, Timeout: silence}
	return d.Dial("tcp", net.JoinHostPort(to, "9000"))
}

// round sends a word there and back.
func round(conn net.Conn, patience time.Duration) error {
	if err := conn.SetDeadline(time.Now().Add(patience)); err != nil {
		return err
	}
	if _, err := conn.Write([]byte("word")); err != nil {
		return err
	}
	_, err := conn.Read(make([]byte, 64))
	return err
}

func reaches(from, to string) bool {
	conn, err := dial(from, to)
	if err != nil {
		return false
	}
	defer conn.Close()
	return round(conn, silence) == nil
}

func network(t *testing.T, n int) (*Network, []string) {
	t.Helper()
	needsSpace(t)
	net := &Network{}
	net.Heal()
	t.Cleanup(net.Close)
	var all []string
	for i := 1; i <= n; i++ {
		all = append(all, ServerAddress(i))
		echo(t, ServerAddress(i))
	}
	return net, all
}

// cutLinks lists the links, "ab" for numbers a below b, over which nothing comes.
func cutLinks(all []string) string {
	var cut []string
	for i, a := range all {
		for j, b := range all[i+1:] {
			if !reaches(a, b) {
				cut = append(cut, string(rune('1'+i))+string(rune('2'+i+j)))
			}
		}
	}
	return strings.Join(cut, " ")
}

func TestShapes(t *testing.T) {
	n, all := network(t, 5)
	for _, c := range []struct {
		name  string
		fault func() Undo
		want  string
	}{
		{"cut", func() Undo { return n.Cut(all[0], all[2]) }, "13"},
		{"one way", func() Undo { return n.CutOneWay(all[0], all[2]) }, "13"},
		{"the other way", func() Undo { return n.CutOneWay(all[2], all[0]) }, "13"},
		{"all lost", func() Undo { return n.Drop(all[1], all[2], 100) }, "23"},
		{"none lost", func() Undo { return n.Lossy(all, 0) }, ""},
		{"reset", func() Undo { return n.Reset(all[0], all[1]) }, "12"},
		{"isolate", func() Undo { return n.Isolate(all[1], []string{all[0], all[2], all[3], all[4]}) }, "12 23 24 25"},
		{"star", func() Undo { return n.Star(all[2], all) }, "12 14 15 24 25 45"},
		{"chain", func() Undo { return n.Chain(all) }, "13 14 15 24 25 35"},
		{"bridge", func() Undo { return n.Bridge(all) }, "14 15 24 25"},
	} {
		undo := c.fault()
		if got := cutLinks(all); got != c.want {
			t.Errorf("%s cuts %q, want %q", c.name, got, c.want)
		}
		undo()
		undo()
		if got := cutLinks(all); got != "" {
			t.Errorf("after %s is undone %q are cut", c.name, got)
		}
	}
}

// A cut in one direction lets the other pass: what is sent arrives, what comes back does not.
func TestFaultsAddUpAndHeal(t *testing.T) {
	n, all := network(t, 3)
	first, second := n.Cut(all[0], all[1]), n.Isolate(all[0], all[1:])
	first()
	if got := cutLinks(all); got != "12 13" {
		t.Errorf("%q are cut", got)
	}
	n.Cut(all[1], all[2])
	n.Heal()
	second()
	if got := cutLinks(all); got != "" {
		t.Errorf("healed, and %q are cut", got)
	}
}

func TestResetBreaksConnections(t *testing.T) {
	n, all := network(t, 2)
	conn, err := dial(all[0], all[1])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	if err := round(conn, time.Second); err != nil {
		t.Fatal(err)
	}
	undo := n.Reset(all[0], all[1])
	if err := round(conn, time.Second); err == nil || !strings.Contains(err.Error(), "reset") {
		t.Errorf("the connection is not reset: %v", err)
	}
	undo()
}

func TestFlap(t *testing.T) {
	n, all := network(t, 2)
	seen := []bool{reaches(all[0], all[1])}
	undo := n.Flap(2*silence, 2*silence, func() Undo { return n.Cut(all[0], all[1]) })
	for end := time.Now().Add(30 * time.Second); len(seen) < 5 && time.Now().Before(end); {
		if now := reaches(all[0], all[1]); now != seen[len(seen)-1] {
			seen = append(seen, now)
		}
	}
	undo()
	if !slices.Equal(seen, []bool{true, false, true, false, true}) || !reaches(all[0], all[1]) {
		t.Errorf("the link went %v", seen)
	}
}

func TestDelay(t *testing.T) {
	n, all := network(t, 2)
	before, err := dial(all[0], all[1])
	if err != nil {
		t.Fatal(err)
	}
	defer before.Close()
	const late = 40 * time.Millisecond
	undo, err := n.Delay(all[0], net.JoinHostPort(all[1], "9000"), late)
	if err != nil {
		t.Fatal(err)
	}
	if err := round(before, time.Second); err == nil {
		t.Error("a connection goes past the relay")
	}
	conn, err := dial(all[0], all[1])
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	began := time.Now()
	if err := round(conn, 10*time.Second); err != nil || time.Since(began) < 2*late {
		t.Errorf("there and back in %v, %v", time.Since(began), err)
	}
	for _, fault := range []func() Undo{
		func() Undo { return n.CutOneWay(all[0], all[1]) }, func() Undo { return n.CutOneWay(all[1], all[0]) },
	} {
		cut := fault()
		if err := round(conn, 4*late); err == nil {
			t.Error("what is relayed passes a cut")
		}
		cut()
	}
	undo()
	direct, err := dial(all[0], all[1])
	if err != nil {
		t.Fatal(err)
	}
	defer direct.Close()
	if err := round(direct, time.Second); err != nil {
		t.Errorf("after the delay: %v", err)
	}
}

// TestFar: what is on its way when its sender becomes mute arrives, what comes later does not; and the end of a connection is late too.
func TestFar(t *testing.T) {
	n, all := network(t, 2)
	const late = 100 * time.Millisecond
	if err := n.Far(all, []string{net.JoinHostPort(all[0], "9000"), net.JoinHostPort(all[1], "9000")}, late); err != nil {
		t.Fatal(err)
	}
	there, err := dial(all[0], all[1])
	if err != nil {
		t.Fatal(err)
	}
	defer there.Close()
	for range 2 {
		began := time.Now()
		if err := round(there, 10*time.Second); err != nil || time.Since(began) < 2*late {
			t.Fatalf("there and back in %v, %v", time.Since(began), err)
		}
	}
	began := time.Now()
	if _, err := there.Write([]byte("word")); err != nil {
		t.Fatal(err)
	}
	pause(t.Context(), late/2)
	undo := n.Mute(all[0])
	if _, err := there.Read(make([]byte, 64)); err != nil || time.Since(began) < 2*late {
		t.Errorf("what was on its way came back in %v, %v", time.Since(began), err)
	}
	if err := round(there, 4*late); err == nil {
		t.Error("a mute one is heard")
	}
	undo()
	refused, err := (&net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(all[0])}}).Dial("tcp", net.JoinHostPort(all[1], "9001"))
	if err == nil {
		refused.Close()
		t.Error("a port that nobody has asked for is relayed")
	}
}
