package main

import (
	"context"

	"onevoice/lease"
	"onevoice/oracle"
	"onevoice/web"
	"onevoice/wire"
)

var _ web.Locks = (*membership)(nil)

// Locks implements web.Locks.
func (m *membership) Locks(ctx context.Context) (*lease.State, error) {
	p, err := m.host.Read(ctx, membersGroup)
	if err != nil {
		return nil, err
	}
	return p.Root.(*oracle.State).Leases(), nil
}

// Lock implements web.Locks.
func (m *membership) Lock(ctx context.Context, c lease.Command, key *wire.Key) (lease.Result, error) {
	reply, err := m.client.Load().Do(ctx, lease.Encode(c), key)
	if err != nil {
		return lease.Result{}, err
	}
	return lease.DecodeResult(reply.Result)
}
