package server

import (
	"context"
	crand "crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"onevoice/client"
	"onevoice/internal/cluster"
	"onevoice/members"
	"onevoice/replica"
	"onevoice/wire"
)

// Invite makes an invitation, good once and for ttl, a minute to thirty days: whoever starts a server with it joins. The new server
// learns first, and votes after a members.Promote; one that is invited to replace a voter takes its place by itself. The invitation is a secret.
func (s *Server) Invite(ctx context.Context, ttl time.Duration, replaces uint64) (string, error) {
	var secret [32]byte
	if _, err := crand.Read(secret[:]); err != nil {
		return "", fmt.Errorf("server: %w", err)
	}
	number, err := s.Change(ctx, members.Invite{Hash: members.HashOf(members.Proof(secret[:])), Replaces: replaces, TTLNs: int64(ttl)})
	if err != nil {
		return "", err
	}
	t := cluster.Token{Version: cluster.TokenVersion, Cluster: s.record.Cluster, Invitation: number, Secret: hex.EncodeToString(secret[:])}
	now, _ := MembersOf(s.Host().Latest(Membership))
	for _, v := range now.Servers() {
		if v.Wish == members.Voter && v.Number != replaces {
			t.Endpoints = append(t.Endpoints, strconv.FormatUint(v.Number, 10)+"="+v.Peer)
		}
	}
	return t.String(), nil
}

// Change gives the membership a command, such as members.Promote or members.Remove. The number is what its result names: an
// invitation, a server, or else the change.
func (s *Server) Change(ctx context.Context, c members.Command) (uint64, error) {
	return change(ctx, s.now.Load().tie.client.Load(), c)
}

// join makes the directory of a server that was invited.
func join(ctx context.Context, o *Options) (record, error) {
	t, err := cluster.ParseToken(o.Invitation)
	if err != nil {
		return record{}, fmt.Errorf("server: %w", err)
	}
	if err := checkAddress("Address", o.Address); err != nil {
		return record{}, err
	}
	r := record{Format: recordFormat, Cluster: t.Cluster, Address: o.Address, Joined: true}
	for _, e := range t.Endpoints {
		text, address, _ := strings.Cut(e, "=")
		number, err := strconv.ParseUint(text, 10, 64)
		if err != nil {
			return r, fmt.Errorf("server: invitation: it names the server %q, allowed: number=host:port", e)
		}
		r.Servers = append(r.Servers, known{number, address})
	}
	disk, err := newDisk(o.Dir)
	if err != nil {
		return r, err
	}
	if r.Number, err = r.ask(ctx, o, t, disk); err != nil {
		return r, err
	}
	r.Servers = append(r.Servers, known{r.Number, o.Address})
	return r, r.write(o, disk, replica.Vacant)
}

// ask uses the invitation.
func (r *record) ask(ctx context.Context, o *Options, t cluster.Token, disk wire.ID) (uint64, error) {
	asking := client.Options{Group: Membership, Cluster: r.id(), Dial: func(ctx context.Context, e client.Endpoint) (client.Conn, error) {
		return o.dial(ctx, e, r.id())
	}}
	for _, k := range r.Servers {
		asking.Endpoints = append(asking.Endpoints, client.Endpoint{Number: k.Number, Addr: k.Address})
	}
	c, err := client.Dial(asking)
	if err != nil {
		return 0, err
	}
	defer c.Close()
	secret, err := hex.DecodeString(t.Secret)
	if err != nil {
		return 0, fmt.Errorf("server: invitation: %w", err)
	}
	return change(ctx, c, members.Join{
		Invitation: t.Invitation, Proof: members.Proof(secret), Store: disk, Name: nameOf(o.Address), HTTP: noHTTP(o.Address), Peer: o.Address,
	})
}

// newDisk is the identity of a disk that joins: made at the first attempt and kept for the next, which is then the same server's.
func newDisk(dir string) (id wire.ID, err error) {
	path := filepath.Join(dir, diskName)
	b, err := os.ReadFile(path)
	switch {
	case err == nil:
		if n, err := hex.Decode(id[:], []byte(strings.TrimSpace(string(b)))); err != nil || n != len(id) {
			return id, fmt.Errorf("server: %s is damaged: remove the directory and ask for a new invitation", path)
		}
		return id, nil
	case !errors.Is(err, os.ErrNotExist):
		return id, fmt.Errorf("server: %w", err)
	}
	if _, err := crand.Read(id[:]); err != nil {
		return id, fmt.Errorf("server: %w", err)
	}
	return id, keep(path, []byte(hex.EncodeToString(id[:])+"\n"))
}
