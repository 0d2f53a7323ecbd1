package host_test

import (
	"testing"
	"time"

	"onevoice/wire"
)

// TestWhoOnlyListensHearsNews: a client that has asked this server nothing hears from it who leads when that changes.
func TestWhoOnlyListensHearsNews(t *testing.T) {
	c := newCluster(t)
	c.startAll()
	leader := c.waitLeader()
	listener := leader%3 + 1
	conn := dialTCP(t, c.addrs[listener])
	conn.hello(t, wire.Hello{Role: wire.RoleClient, Cluster: c.id})
	if err := conn.Send([][]byte{wire.EncodeListen()}); err != nil {
		t.Fatal(err)
	}
	eventually(t, "the connection is known", func() bool { return c.servers[listener].Status().Clients > 0 })
	c.stop(leader)
	if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
		t.Fatal(err)
	}
	for {
		frames, err := conn.Recv()
		if err != nil {
			t.Fatal(err)
		}
		h, body, err := wire.Open(frames[0])
		if err != nil || h.Kind != wire.KindNews {
			t.Fatalf("a frame of kind %d: %v", h.Kind, err)
		}
		if news, err := wire.ReadNews(body); err != nil || h.Group != testGroup {
			t.Fatalf("%+v of group %d, %v", news, h.Group, err)
		} else if news.Leader != leader {
			return
		}
	}
}
