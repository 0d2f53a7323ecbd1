package members

import (
	"fmt"
	"slices"

	"onevoice/problem"
)

func (t *turn) invite(c Invite) (uint64, *problem.Error) {
	const op = "invite"
	switch {
	case c.TTLNs < MinTTLNs || c.TTLNs > MaxTTLNs:
		return 0, invalid(op, "ttl", fmt.Sprint(c.TTLNs)+" ns", "a minute to thirty days")
	case c.Name != "" && !validName(c.Name):
		return 0, invalid(op, "name", c.Name, "1 to 64 letters, digits, dots, dashes and underscores")
	case !validText(c.Organisation, MaxOrganisationBytes):
		return 0, invalid(op, "organisation", c.Organisation, "up to 128 printable characters")
	case len(t.invitations) >= MaxInvitations:
		return 0, refused(op, "there are %d invitations, allowed: up to %d: withdraw some, or wait until they expire", len(t.invitations), MaxInvitations)
	}
	if c.Replaces != 0 {
		old, err := t.known(op, c.Replaces)
		if err != nil {
			return 0, err
		}
		if old.Wish != Voter {
			return 0, refused(op, "server %d is no voter: only a voter can be replaced", c.Replaces)
		}
	}
	// The place in the log is unique for ever: there is no counter to keep.
	id := t.at.Index<<16 | uint64(t.at.Sub)
	t.invitations = append(slices.Clone(t.invitations), Invitation{
		ID: id, Hash: c.Hash, Name: c.Name, Organisation: c.Organisation, Replaces: c.Replaces, ExpiresNs: t.at.LogTimeNs + c.TTLNs,
	})
	t.events = append(t.events, Event{InvitationChanged, id, t.change})
	return id, nil
}

func (t *turn) withdraw(c Withdraw) *problem.Error {
	i := t.invitation(c.Invitation)
	if i < 0 {
		return &problem.Error{Kind: problem.NotFound, Op: "withdraw", Subject: fmt.Sprintf("invitation %d", c.Invitation)}
	}
	t.invitations = slices.Delete(slices.Clone(t.invitations), i, i+1)
	t.events = append(t.events, Event{InvitationChanged, c.Invitation, t.change})
	return nil
}

func (t *turn) invitation(id uint64) int {
	return slices.IndexFunc(t.invitations, func(i Invitation) bool { return i.ID == id })
}

func (t *turn) join(c Join) (uint64, *problem.Error) {
	const op = "join"
	at := t.invitation(c.Invitation)
	// One answer for an unknown, an expired and a forged invitation: it tells a stranger nothing.
	if at < 0 || t.invitations[at].Hash != HashOf(c.Proof) {
		return 0, &problem.Error{Kind: problem.Forbidden, Op: op, Detail: "no such invitation, or it has expired: ask for a new one (onevoice members add)"}
	}
	i := t.invitations[at]
	if i.UsedBy != 0 {
		if v, ok := t.Server(i.UsedBy); ok && v.Store == c.Store && !v.Gone {
			return v.Number, nil
		}
		return 0, refused(op, "the invitation was used by server %d: ask for a new one", i.UsedBy)
	}
	if err := t.mayJoin(c, i); err != nil {
		return 0, err
	}
	number := t.next
	t.next++
	t.begin(number)
	old, _ := t.Server(i.Replaces)
	t.servers = append(slices.Clone(t.servers), Server{
		Number: number, Name: c.Name, HTTP: c.HTTP, Peer: c.Peer, Store: c.Store, Organisation: i.Organisation, Oracle: old.Oracle, Wish: Learner, Change: t.change,
	})
	t.events = append(t.events, Event{WishChanged, number, t.change})
	t.invitations = slices.Clone(t.invitations)
	t.invitations[at].UsedBy = number
	t.events = append(t.events, Event{InvitationChanged, i.ID, t.change})
	if i.Replaces != 0 {
		t.takePlace(number, i.Replaces)
	}
	return number, nil
}

// mayJoin checks a new server against the rules.
func (t *turn) mayJoin(c Join, i Invitation) *problem.Error {
	const op = "join"
	switch {
	case !validName(c.Name) || i.Name != "" && i.Name != c.Name:
		allowed := "1 to 64 letters, digits, dots, dashes and underscores"
		if i.Name != "" {
			allowed = i.Name
		}
		return invalid(op, "name", c.Name, allowed)
	case c.Store == [16]byte{}:
		return invalid(op, "store", "zero", "the identity of a disk")
	case t.busy(op) != nil:
		return t.busy(op)
	case t.next > MaxNumber:
		return refused(op, "all %d numbers have been used: restore a backup into a new cluster", MaxNumber)
	case t.count(Voter)+t.count(Learner) >= MaxServers:
		return refused(op, "there are %d servers, allowed: up to %d", t.count(Voter)+t.count(Learner), MaxServers)
	}
	if i.Replaces != 0 {
		if v, ok := t.Server(i.Replaces); !ok || v.Wish != Voter {
			return refused(op, "server %d, which it was to replace, is no voter any more: ask for a new invitation", i.Replaces)
		}
	}
	for _, v := range t.servers {
		if v.Store == c.Store {
			return refused(op, "this disk is that of server %d: a disk joins once", v.Number)
		}
		if v.Wish != Removed && v.Name == c.Name && v.Number != i.Replaces {
			return refused(op, "server %d is named %s already", v.Number, c.Name)
		}
	}
	return t.checkAddresses(op, c.HTTP, c.Peer, 0, i.Replaces)
}
