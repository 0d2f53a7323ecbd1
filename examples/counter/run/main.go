// Command run is a replicated counter: three servers, and a client that asks them as one. See README.md, "Your own replicated service".
// It is wiring.
package main

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"os/signal"
	"path/filepath"
	"strconv"
	"syscall"

	"onevoice/client"
	"onevoice/examples/counter"
	"onevoice/server"
	"onevoice/wire"
)

var addresses = []string{"127.0.0.1:7001", "127.0.0.1:7002", "127.0.0.1:7003"}

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, append(os.Args[1:], "", "")[:2])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	n, err := strconv.ParseUint(args[1], 10, 64)
	switch {
	case args[0] == "get":
		return ask(func(c *client.Client) (wire.Reply, error) { return c.Query(ctx, counter.Get()) })
	case args[0] == "add" && err == nil:
		return ask(func(c *client.Client) (wire.Reply, error) { return c.Do(ctx, counter.Add(n), nil) })
	case args[0] == "serve" && err == nil:
		return serve(ctx, n)
	}
	return fmt.Errorf("usage: run serve 1|2|3, run add N, run get")
}

func serve(ctx context.Context, number uint64) error {
	s, err := server.Start(ctx, server.Options{
		Dir:     filepath.Join("counter-data", strconv.FormatUint(number, 10)),
		First:   &server.First{Cluster: "counter", Number: number, Addresses: addresses},
		Machine: counter.New,
		Log:     slog.Default(),
	})
	if err != nil {
		return err
	}
	return s.Wait()
}

func ask(request func(*client.Client) (wire.Reply, error)) error {
	c, err := client.Dial(server.Client(addresses...))
	if err != nil {
		return err
	}
	defer c.Close()
	reply, err := request(c)
	if err == nil {
		fmt.Printf("%d, as of index %d, says server %d\n", counter.Total(reply.Result), reply.Index, reply.Server)
	}
	return err
}
