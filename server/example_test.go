package server_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"onevoice/client"
	"onevoice/examples/counter"
	"onevoice/internal/ports"
	"onevoice/server"
)

// Three servers of a machine of one's own: what the leader did before it stopped, another one knows.
func Example() {
	dir, err := os.MkdirTemp("", "counter")
	check(err)
	defer os.RemoveAll(dir)
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()

	addresses, err := ports.Addresses(3)
	check(err)
	servers := map[uint64]*server.Server{}
	for n := uint64(1); n <= 3; n++ {
		servers[n], err = server.Start(ctx, server.Options{
			Dir:     filepath.Join(dir, fmt.Sprint(n)),
			First:   &server.First{Cluster: "example", Number: n, Addresses: addresses},
			Machine: counter.New,
		})
		check(err)
	}

	c, err := client.Dial(server.Client(addresses...))
	check(err)
	defer c.Close()
	for range 4 {
		_, err = c.Do(ctx, counter.Add(10), nil)
		check(err)
	}

	leader := c.Status().Leader
	check(servers[leader].Stop())
	delete(servers, leader)

	reply, err := c.Query(ctx, counter.Get())
	check(err)
	fmt.Println(counter.Total(reply.Result), "from another server:", reply.Server != leader)
	reply, err = c.Do(ctx, counter.Add(2), nil)
	check(err)
	fmt.Println(counter.Total(reply.Result))

	for _, s := range servers {
		check(s.Stop())
	}
	// Output:
	// 40 from another server: true
	// 42
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
