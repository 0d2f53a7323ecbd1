package server

import (
	"context"
	"fmt"
	"log/slog"
	"time"

	"onevoice/consensus"
	"onevoice/host"
	"onevoice/members"
	"onevoice/oracle"
)

const (
	// keepPause is how often a server looks whether the membership has changed: well below what a person notices.
	keepPause = 50 * time.Millisecond
	// reportPause is how long who does not lead a group leaves it to the leader to say what the group has reached.
	reportPause = time.Second
)

// Keeper keeps a running host with the agreed membership: whom it dials and lets in, and what it tells of itself and of the groups.
// Package server keeps its own; who wires a host otherwise runs one beside it.
type Keeper struct {
	Host *host.Host
	// Group is the number of the membership's group.
	Group uint32
	// Do gives that group a command.
	Do func(context.Context, members.Command) error
	// Taken is called with each membership after the host has it.
	Taken func(*members.State)
	Log   *slog.Logger

	last  uint64    // index of the state taken last
	unmet time.Time // since when a change is not reached
	told  time.Time // when this server spoke last
}

// Run follows the membership until ctx ends.
func (k *Keeper) Run(ctx context.Context) {
	ticker := time.NewTicker(keepPause)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		}
		p := k.Host.Latest(k.Group)
		s, ok := MembersOf(p)
		if !ok || s.Change() == 0 {
			continue // this server has joined and heard nothing yet
		}
		if p.Index != k.last {
			k.last = p.Index
			k.take(s)
		}
		k.tell(ctx, s)
	}
}

// MembersOf is the membership in a state of its group; false where there is none yet.
func MembersOf(p consensus.Published) (*members.State, bool) {
	s, ok := p.Root.(*oracle.State)
	if !ok {
		return nil, false
	}
	return s.State, true
}

// take makes the agreed servers those that are dialled and let in.
func (k *Keeper) take(s *members.State) {
	var peers []host.Peer
	for _, v := range s.Servers() {
		peers = append(peers, host.Peer{Number: v.Number, Address: v.Peer, Store: v.Store, Gone: v.Gone})
	}
	if err := k.Host.SetPeers(peers); err != nil {
		k.Log.Error("the membership was not taken", "error", err)
	}
	k.Taken(s)
}

// tell says what is not known yet: this server's disk, and what groups have reached.
func (k *Keeper) tell(ctx context.Context, s *members.State) {
	now := time.Now()
	if s.Settled() {
		k.unmet = time.Time{}
	} else if k.unmet.IsZero() {
		k.unmet = now
	}
	if now.Sub(k.told) < 4*keepPause {
		return
	}
	h := k.Host.Status()
	if v, ok := s.Server(h.Identity.Server); ok && v.Store == [16]byte{} {
		k.say(ctx, members.Claim{Server: v.Number, Store: h.Identity.Store})
	}
	if s.Settled() {
		k.told = now
		return
	}
	for _, g := range h.Groups {
		c, due := s.Due(g.Group, g.Change, g.Voters, g.Learners)
		if due && (g.Role == consensus.RoleLeader || now.Sub(k.unmet) > reportPause) {
			k.say(ctx, c)
		}
	}
}

// say runs a command whose refusal is not grave: it is said again while it is true.
func (k *Keeper) say(ctx context.Context, c members.Command) {
	k.told = time.Now()
	ctx, cancel := context.WithTimeout(ctx, reportPause)
	defer cancel()
	if err := k.Do(ctx, c); err != nil {
		k.Log.Debug("the membership was not told", "command", fmt.Sprintf("%T", c), "error", err)
	}
}
