package lock

import (
	"context"

	"onevoice/client"
	"onevoice/lease"
)

// Oracle is who grants locks. It does each command exactly once, and gives up when ctx ends.
type Oracle interface {
	// Do runs a command and gives the lease that it leaves. That the machine refused is a *problem.Error.
	Do(ctx context.Context, c lease.Command) (lease.Lease, error)
	// Find gives the lease of a name; false where the name is free.
	Find(ctx context.Context, name string) (lease.Lease, bool, error)
}

// Over is the oracle that a client of its group talks to.
func Over(c *client.Client) Oracle { return framed{c} }

type framed struct{ client *client.Client }

func (f framed) Do(ctx context.Context, c lease.Command) (lease.Lease, error) {
	reply, err := f.client.Do(ctx, lease.Encode(c), nil)
	if err != nil {
		return lease.Lease{}, err
	}
	r, err := lease.DecodeResult(reply.Result)
	if err == nil && r.Problem != nil {
		err = r.Problem
	}
	return r.Lease, err
}

func (f framed) Find(ctx context.Context, name string) (lease.Lease, bool, error) {
	reply, err := f.client.Query(ctx, lease.AskHolder(name))
	if err != nil {
		return lease.Lease{}, false, err
	}
	_, list, err := lease.DecodeLeases(reply.Result)
	if err != nil || len(list) == 0 {
		return lease.Lease{}, false, err
	}
	return list[0], true, nil
}
