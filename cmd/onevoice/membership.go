package main

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"log/slog"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"time"

	"onevoice/client"
	"onevoice/host"
	"onevoice/internal/cluster"
	"onevoice/members"
	"onevoice/problem"
	"onevoice/server"
	"onevoice/web"
	"onevoice/web/api"
	"onevoice/wire"
)

const (
	// oldClientLife is how long a client of servers before a change goes on, for what it has under way.
	oldClientLife = 15 * time.Second
	// readPatience bounds the wait for the agreed membership, so that whoever asks is told why there is no answer.
	readPatience = time.Second
	// handOverPatience bounds the handing over before a stop: some round trips.
	handOverPatience = 500 * time.Millisecond
)

// membership is what this server has to do with the agreed membership, beside what package server does for every server.
type membership struct {
	gateway *gateway
	host    *host.Host
	log     *slog.Logger
	client  atomic.Pointer[client.Client]
	servers []cluster.Server
}

var _ web.Membership = (*membership)(nil)

func newMembership(g *gateway, log *slog.Logger) (*membership, error) {
	m := &membership{gateway: g, host: g.host, log: log, servers: g.known}
	c, err := g.dial(membersGroup, m.servers)
	if err != nil {
		return nil, err
	}
	m.client.Store(c)
	return m, nil
}

func (m *membership) close() { m.client.Load().Close() }

// run follows the membership until ctx ends.
func (m *membership) run(ctx context.Context) {
	k := server.Keeper{Host: m.host, Group: membersGroup, Taken: m.taken, Log: m.log, Do: func(ctx context.Context, c members.Command) error {
		_, err := m.do(ctx, c, nil)
		return err
	}}
	k.Run(ctx)
}

// taken has the clients ask the agreed servers.
func (m *membership) taken(s *members.State) {
	var servers []cluster.Server
	var present []members.Server
	for _, v := range s.Servers() {
		if !v.Gone {
			servers = append(servers, cluster.Server{Name: v.Name, Number: v.Number, HTTP: v.HTTP, Peer: v.Peer, Oracle: v.Oracle})
			present = append(present, v)
		}
	}
	m.gateway.servers.Store(&present)
	if slices.Equal(servers, m.servers) {
		return
	}
	m.servers = servers
	renew(&m.client, func() (*client.Client, error) { return m.gateway.dial(membersGroup, servers) }, m.log)
	renew(&m.gateway.client, func() (*client.Client, error) { return m.gateway.dial(m.gateway.group, servers) }, m.log)
}

// renew puts a new client in the place of one, which ends later.
func renew(at *atomic.Pointer[client.Client], dial func() (*client.Client, error), log *slog.Logger) {
	fresh, err := dial()
	if err != nil {
		log.Error("the servers were not exchanged", "error", err)
		return
	}
	old := at.Swap(fresh)
	time.AfterFunc(oldClientLife, func() { _ = old.Close() })
}

func (m *membership) do(ctx context.Context, c members.Command, key *wire.Key) (members.Result, error) {
	return m.order(ctx, members.Encode(c), key)
}

// order runs an encoded command, of the membership or of the oracle.
func (m *membership) order(ctx context.Context, op []byte, key *wire.Key) (members.Result, error) {
	reply, err := m.client.Load().Do(ctx, op, key)
	if err != nil {
		return members.Result{}, m.explain(err)
	}
	r, err := members.DecodeResult(reply.Result)
	if err == nil && r.Problem != nil {
		err = r.Problem
	}
	return r, err
}

// explain says what it means that the membership gives no answer where oracles of their own decide on it.
func (m *membership) explain(err error) error {
	var p *problem.Error
	s, ok := oracleOf(m.host.Latest(membersGroup))
	if !errors.As(err, &p) || p.Kind != problem.NoVoice || !ok || !s.Apart() {
		return err
	}
	var names []string
	for _, v := range s.Servers() {
		if v.Oracle && v.Wish == members.Voter {
			names = append(names, v.Name)
		}
	}
	silent := *p
	silent.Detail = fmt.Sprintf("no majority of the oracles %s answers: until one does nobody is called up or down, joins or leaves; the airspace goes on without: "+
		"start them again (onevoice oracle --dir DIR)", strings.Join(names, ", "))
	return &silent
}

// Change implements web.Membership.
func (m *membership) Change(ctx context.Context, c members.Command, key *wire.Key) (api.MembersChanged, error) {
	r, err := m.do(ctx, c, key)
	return api.MembersChanged{Number: r.Number, Change: r.Change}, err
}

// Invite implements web.Membership. The secret is made here and leaves in the answer alone.
func (m *membership) Invite(ctx context.Context, i api.Invite) (api.Invitation, error) {
	var secret [32]byte
	if _, err := rand.Read(secret[:]); err != nil {
		return api.Invitation{}, err
	}
	if i.TTLSeconds < 0 || i.TTLSeconds > members.MaxTTLNs/1_000_000_000 {
		return api.Invitation{}, &problem.Error{Kind: problem.Invalid, Op: "invite", Field: "ttl_s", Value: strconv.FormatInt(i.TTLSeconds, 10), Allowed: "60 to 2592000"}
	}
	r, err := m.do(ctx, members.Invite{
		Hash: members.HashOf(members.Proof(secret[:])), Name: i.Name, Organisation: i.Organisation, Replaces: i.Replaces,
		TTLNs: i.TTLSeconds * 1_000_000_000,
	}, nil)
	if err != nil {
		return api.Invitation{}, err
	}
	t := cluster.Token{
		Version: cluster.TokenVersion, Cluster: m.gateway.genesis.Cluster, Invitation: r.Number, Secret: hex.EncodeToString(secret[:]), Name: i.Name,
	}
	if s, ok := server.MembersOf(m.host.Latest(membersGroup)); ok {
		for _, v := range s.Servers() {
			if v.Wish == members.Voter && v.Number != i.Replaces && !v.Oracle {
				t.Endpoints = append(t.Endpoints, v.HTTP)
			}
		}
	}
	return api.Invitation{Invitation: r.Number, Token: t.String()}, nil
}

// Join implements web.Membership.
func (m *membership) Join(ctx context.Context, j api.Join) (api.Joined, error) {
	c := members.Join{Invitation: j.Invitation, Name: j.Name, HTTP: j.HTTP, Peer: j.Peer}
	secret, err := hex.DecodeString(j.Secret)
	if err != nil {
		return api.Joined{}, &problem.Error{Kind: problem.Invalid, Op: "join", Field: "secret", Value: "not hexadecimal", Allowed: "as in the invitation"}
	}
	c.Proof = members.Proof(secret)
	if n, err := hex.Decode(c.Store[:min(16, len(j.Store)/2)], []byte(j.Store)[:min(32, len(j.Store)/2*2)]); err != nil || n != 16 || len(j.Store) != 32 {
		return api.Joined{}, &problem.Error{Kind: problem.Invalid, Op: "join", Field: "store", Value: problem.Clip(j.Store), Allowed: "32 hexadecimal digits"}
	}
	r, err := m.do(ctx, c, nil)
	if err != nil {
		return api.Joined{}, err
	}
	now, err := m.Members(ctx) // after the command, so that the new server is in it
	if err != nil {
		return api.Joined{}, err
	}
	file, err := json.Marshal(m.gateway.genesis)
	servers := slices.DeleteFunc(now.Members, func(v api.Member) bool { return v.Gone })
	return api.Joined{Number: r.Number, Change: r.Change, Cluster: string(file), Servers: servers}, err
}

// Transfer implements web.Membership.
func (m *membership) Transfer(t api.Transfer) error {
	if m.host.Transfer(t.Group, t.To) {
		return nil
	}
	return &problem.Error{Kind: problem.Refused, Op: "hand over", Subject: fmt.Sprintf("group %d", t.Group),
		Detail: "this server does not lead it, or whom it is for cannot yet: ask the leader, or wait until that one has caught up (onevoice members shows both)"}
}

// Members implements web.Membership.
func (m *membership) Members(ctx context.Context) (api.Members, error) {
	limited, cancel := context.WithTimeout(ctx, readPatience)
	defer cancel()
	p, err := m.host.Read(limited, membersGroup)
	if err != nil {
		return api.Members{}, m.explain(err)
	}
	s, _ := oracleOf(p)
	now := s.View()
	all := api.Members{
		Node: m.gateway.self.Name, Change: s.Change(), About: s.About(), Settled: s.Settled(), View: uint64(now.Number),
		Members: []api.Member{}, Groups: []api.Group{}, Invitations: []api.OpenInvitation{},
	}
	for _, v := range s.Servers() {
		a := api.Member{
			Number: v.Number, Name: v.Name, HTTP: v.HTTP, Peer: v.Peer, Organisation: v.Organisation, Wish: v.Wish.String(), Change: v.Change,
			Oracle: v.Oracle, Replaces: v.Replaces, Gone: v.Gone,
		}
		if p, known := now.Process(v.Number); known {
			a.Standing, a.Incarnation, a.Start = p.Standing.String(), p.Incarnation, p.Boot
		}
		if v.Store != [16]byte{} {
			a.Store = hex.EncodeToString(v.Store[:])
		}
		all.Members = append(all.Members, a)
	}
	for _, i := range s.Invitations() {
		if i.UsedBy == 0 {
			all.Invitations = append(all.Invitations, api.OpenInvitation{Invitation: i.ID, Name: i.Name, Replaces: i.Replaces, Expires: api.Time(i.ExpiresNs)})
		}
	}
	for _, g := range m.host.Status().Groups {
		all.Groups = append(all.Groups, groupOf(g, s.State))
	}
	return all, nil
}

// groupOf is a group as this server sees it.
func groupOf(g host.GroupStatus, s *members.State) api.Group {
	a := api.Group{Number: g.Group, Role: roleOf(g.Role), Leader: g.Leader, Last: g.Last, Epoch: g.Epoch.String(), Members: []api.GroupMember{}}
	for _, agreed := range s.Groups() {
		if agreed.Number == g.Group {
			a.Reached = agreed.Reached
		}
	}
	for _, list := range []struct {
		is      string
		numbers []uint64
	}{{"voter", g.Voters}, {"learner", g.Learners}} {
		for _, n := range list.numbers {
			in := api.GroupMember{Number: n, Is: list.is}
			for _, p := range g.Peers {
				if p.Server == n {
					in.Lag, in.Active = new(g.Last-min(g.Last, p.Match)), new(p.Active || n == g.Server)
				}
			}
			a.Members = append(a.Members, in)
		}
	}
	return a
}
