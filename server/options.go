package server

import (
	"fmt"
	"log/slog"
	"net"
	"slices"

	"onevoice/cert"
	"onevoice/client"
	"onevoice/host"
	"onevoice/machine"
	"onevoice/members"
)

// The groups of a server.
const (
	// Group is the number of the machine's group.
	Group = 1
	// Membership is that of the oracle's.
	Membership = 2
)

// Options say what a server is.
type Options struct {
	// Dir holds all that the server knows. It is made the first time.
	Dir string
	// First makes the directory that of one of the servers that a cluster begins with; not used later.
	First *First
	// Invitation, where First is nil, makes the directory that of a server which joins a running cluster: see Server.Invite. Address is where
	// it will listen. Neither is used later.
	Invitation, Address string
	// Machine makes an empty machine. It is called at each start, on every server alike.
	Machine func() machine.Machine
	// Certs and Needs are those of host.Options: without them servers and clients talk on loopback addresses only.
	Certs *cert.Keeper
	Needs host.Needs
	// Log gets what people want to know; nil for nothing.
	Log *slog.Logger
}

// First is a server of the beginning. All servers of a cluster must be given the same Cluster and Addresses.
type First struct {
	// Cluster is a name. Servers of one name and other addresses, or the other way about, refuse one another.
	Cluster string
	// Number is the server's, from 1.
	Number uint64
	// Addresses are those of all first servers, by number.
	Addresses []string
}

func (f *First) check() error {
	if n := len(f.Addresses); n < 1 || n > members.MaxVoters {
		return fmt.Errorf("server: First.Addresses has %d, allowed: 1 to %d", n, members.MaxVoters)
	}
	if f.Number < 1 || f.Number > uint64(len(f.Addresses)) {
		return fmt.Errorf("server: First.Number is %d, allowed: 1 to %d", f.Number, len(f.Addresses))
	}
	for i, a := range f.Addresses {
		if err := checkAddress(fmt.Sprintf("First.Addresses[%d]", i), a); err != nil {
			return err
		}
		if slices.Contains(f.Addresses[:i], a) {
			return fmt.Errorf("server: First.Addresses has %s twice", a)
		}
	}
	return nil
}

func checkAddress(field, address string) error {
	if _, _, err := net.SplitHostPort(address); err != nil {
		return fmt.Errorf("server: %s is %q, allowed: host:port: %w", field, address, err)
	}
	return nil
}

func (o *Options) log() *slog.Logger {
	if o.Log == nil {
		return slog.New(slog.DiscardHandler)
	}
	return o.Log
}

// Client are the options of a client of the machine, by servers' addresses.
func Client(addresses ...string) client.Options {
	o := client.Options{Group: Group}
	for _, a := range addresses {
		o.Endpoints = append(o.Endpoints, client.Endpoint{Addr: a})
	}
	return o
}
