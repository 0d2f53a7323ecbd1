package host_test

import (
	"context"
	"fmt"
	"testing"
	"time"

	"onevoice/cert"
	"onevoice/client"
)

// BenchmarkSealed commits 256 bytes and reads through the client library, without and with TLS, on three servers of this process:
// what encryption costs beside all else.
func BenchmarkSealed(b *testing.B) {
	for _, sealed := range []bool{false, true} {
		c := newCluster(b)
		if sealed {
			a := authority(b, c.id)
			c.certs = map[uint64]*cert.Keeper{}
			for number := range c.addrs {
				c.certs[number] = keeper(b, c.id, number, issue(b, a, serverRequest(number), time.Now()), nil)
			}
			var err error
			if c.tls, err = cert.ClientTLS(issue(b, a, clientRequest(0), time.Now())); err != nil {
				b.Fatal(err)
			}
		}
		c.startAll()
		c.waitLeader()
		op := append(add(1), make([]byte, 256)...)
		asks := map[string]func(*client.Client) error{
			"write": func(cl *client.Client) error { _, err := cl.Do(context.Background(), op, nil); return err },
			"read":  func(cl *client.Client) error { _, err := cl.Query(context.Background(), nil); return err },
		}
		cl := c.client()
		for _, what := range []string{"write", "read"} {
			for _, clients := range []int{1, 64} {
				b.Run(fmt.Sprintf("%s/%d/tls=%v", what, clients, sealed), func(b *testing.B) {
					spread(b, clients, func() error { return asks[what](cl) })
				})
			}
		}
		for number := range c.addrs {
			c.stop(number)
		}
	}
}

// BenchmarkHandshake makes a connection and greets, as after each loss of one.
func BenchmarkHandshake(b *testing.B) {
	c := newCluster(b)
	a := authority(b, c.id)
	c.create(1)
	c.certs = map[uint64]*cert.Keeper{1: keeper(b, c.id, 1, issue(b, a, serverRequest(1), time.Now()), nil)}
	c.start(1)
	config, err := cert.ClientTLS(issue(b, a, clientRequest(0), time.Now()))
	if err != nil {
		b.Fatal(err)
	}
	for b.Loop() {
		conn, err := client.DialTLS(context.Background(), client.Endpoint{Number: 1, Addr: c.addrs[1]}, c.id, config)
		if err != nil {
			b.Fatal(err)
		}
		_ = conn.Close()
	}
}
