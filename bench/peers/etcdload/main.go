// Command etcdload loads three etcd servers over their own gRPC client and prints what it measured as one line of JSON.
// It is a laboratory: clocks, sockets and goroutines are its business.
//
// It is the load program that onevoice bench races itself against. It writes "measuring" and "measured" to standard error when
// the measured time begins and ends, so that a parent knows when to read the servers' processor time.
package main

import (
	"context"
	"encoding/json"
	"flag"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"
)

// options are the flags.
type options struct {
	endpoints   []string
	mode        string
	clients     int
	keys        int
	valueBytes  int
	warm        time.Duration
	measure     time.Duration
	watchers    int
	connections int
	rate        int
}

// clientsPerConnection is how many clients of a closed loop share one connection, all of them to the leader.
const clientsPerConnection = 16

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	if err := run(ctx, os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "etcdload:", err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	o, err := parse(args)
	if err != nil {
		return err
	}
	t, err := connect(ctx, o)
	if err != nil {
		return err
	}
	defer t.close()
	var result any
	switch o.mode {
	case "write":
		result, err = t.closed(ctx, t.put)
	case "read":
		result, err = t.closed(ctx, t.get)
	default:
		result, err = t.fanOut(ctx)
	}
	if err != nil {
		return err
	}
	return json.NewEncoder(os.Stdout).Encode(result)
}

func parse(args []string) (options, error) {
	var o options
	var endpoints string
	flags := flag.NewFlagSet("etcdload", flag.ExitOnError)
	flags.StringVar(&endpoints, "endpoints", "127.0.0.1:2379", "the servers' client addresses, host:port, separated by commas")
	flags.StringVar(&o.mode, "mode", "write", "write, read (linearizable), watch (closed-loop writer) or watchrate (writes at -rate)")
	flags.IntVar(&o.clients, "clients", 64, "clients of write and read, each with one operation under way; 16 share a connection to the leader")
	flags.IntVar(&o.keys, "keys", 1000, "how many keys are used in turn")
	flags.IntVar(&o.valueBytes, "value", 256, "bytes of a value, at least 16")
	flags.DurationVar(&o.warm, "warm", 2*time.Second, "how long it warms up")
	flags.DurationVar(&o.measure, "measure", 10*time.Second, "how long it measures")
	flags.IntVar(&o.watchers, "watchers", 100, "watchers of all keys, spread over all servers")
	flags.IntVar(&o.connections, "connections", 100, "connections that the watchers share")
	flags.IntVar(&o.rate, "rate", 100, "writes per second of watchrate, sent when due whether or not the last one is answered")
	if err := flags.Parse(args); err != nil {
		return o, err
	}
	o.endpoints = strings.Split(endpoints, ",")
	return o, o.check()
}

func (o options) check() error {
	switch o.mode {
	case "write", "read", "watch", "watchrate":
	default:
		return fmt.Errorf("-mode is %q, allowed: write, read, watch, watchrate", o.mode)
	}
	for _, v := range []struct {
		flag        string
		is, lo, top int
	}{
		{"clients", o.clients, 1, 4096}, {"keys", o.keys, 1, 1_000_000}, {"value", o.valueBytes, 16, 1 << 20},
		{"watchers", o.watchers, 1, 10_000}, {"connections", o.connections, 1, 1000}, {"rate", o.rate, 1, 100_000},
	} {
		if v.is < v.lo || v.is > v.top {
			return fmt.Errorf("-%s is %d, allowed: %d to %d", v.flag, v.is, v.lo, v.top)
		}
	}
	return nil
}
