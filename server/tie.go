package server

import (
	"cmp"
	"context"
	"slices"
	"sync"
	"sync/atomic"
	"time"

	"onevoice/client"
	"onevoice/host"
	"onevoice/members"
	"onevoice/wire"
)

// oldClientLife is how long a client of servers before a change goes on, for what it has under way.
const oldClientLife = 15 * time.Second

// tie is what binds one start to the membership: a client of it, and the keeper.
type tie struct {
	server  *Server
	host    *host.Host
	client  atomic.Pointer[client.Client]
	servers []known // that the client asks
	cancel  context.CancelFunc
	group   sync.WaitGroup
}

func (s *Server) bind(h *host.Host) (*tie, error) {
	t := &tie{server: s, host: h}
	if err := t.renew(s.record.Servers); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithCancel(context.Background())
	t.cancel = cancel
	k := Keeper{Host: h, Group: Membership, Do: t.say, Taken: t.taken, Log: s.options.log()}
	t.group.Go(func() { k.Run(ctx) })
	return t, nil
}

func (t *tie) end() {
	t.cancel()
	t.group.Wait()
	_ = t.client.Load().Close() // it never fails
}

// taken exchanges the client where the servers are others.
func (t *tie) taken(s *members.State) {
	var servers []known
	for _, v := range s.Servers() {
		if !v.Gone {
			servers = append(servers, known{v.Number, v.Peer})
		}
	}
	if slices.Equal(servers, t.servers) {
		return
	}
	if err := t.renew(servers); err != nil {
		t.server.options.log().Error("the servers were not exchanged", "error", err)
	}
}

func (t *tie) renew(servers []known) error {
	o := client.Options{Group: Membership, Cluster: t.server.record.id(), Dial: t.dial}
	for _, k := range servers {
		o.Endpoints = append(o.Endpoints, client.Endpoint{Number: k.Number, Addr: k.Address, From: host.SourceFor(t.server.record.Address, k.Address)})
	}
	c, err := client.Dial(o)
	if err != nil {
		return err
	}
	t.servers = servers
	if old := t.client.Swap(c); old != nil {
		time.AfterFunc(oldClientLife, func() { _ = old.Close() })
	}
	return nil
}

// dial asks this server within the process.
func (t *tie) dial(ctx context.Context, e client.Endpoint) (client.Conn, error) {
	if e.Number == t.server.record.Number {
		return t.host.Pipe(), nil
	}
	return t.server.options.dial(ctx, e, t.server.record.id())
}

func (o *Options) dial(ctx context.Context, e client.Endpoint, cluster wire.ID) (client.Conn, error) {
	if o.Certs == nil {
		return client.DialTCP(ctx, e, cluster)
	}
	return client.DialTLS(ctx, e, cluster, o.Certs.Dialing())
}

func (t *tie) say(ctx context.Context, c members.Command) error {
	_, err := change(ctx, t.client.Load(), c)
	return err
}

// change gives the membership a command; the number is that of its result.
func change(ctx context.Context, c *client.Client, command members.Command) (uint64, error) {
	reply, err := c.Do(ctx, members.Encode(command), nil)
	if err != nil {
		return 0, err
	}
	r, err := members.DecodeResult(reply.Result)
	if err == nil && r.Problem != nil {
		err = r.Problem
	}
	return cmp.Or(r.Number, r.Change), err
}
