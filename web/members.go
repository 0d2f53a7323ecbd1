package web

import (
	"bytes"
	"context"
	"encoding/json"
	"io"
	"net/http"
	"strconv"

	"onevoice/members"
	"onevoice/problem"
	"onevoice/web/api"
	"onevoice/wire"
)

// Membership is what the web asks of the cluster's membership.
type Membership interface {
	// Members is the agreed membership, after a read barrier.
	Members(ctx context.Context) (api.Members, error)
	// Invite makes an invitation with its token.
	Invite(ctx context.Context, i api.Invite) (api.Invitation, error)
	// Join lets a server in.
	Join(ctx context.Context, j api.Join) (api.Joined, error)
	// Change runs another command of the membership.
	Change(ctx context.Context, c members.Command, key *wire.Key) (api.MembersChanged, error)
	// Transfer hands a group that this server leads to another.
	Transfer(t api.Transfer) error
	// View is a view that is held, with what led to it, or with 0 the newest one without; after a read barrier. Where it is not held, only First
	// and Last of the answer are set.
	View(ctx context.Context, number uint64) (api.View, error)
	// Views gives the views after one that are held, in order, as far as this server knows; it waits until there are some, or ctx ends (then
	// the error is that of ctx).
	Views(ctx context.Context, after uint64) ([]api.View, error)
	// Fence takes an incarnation of a server down, and gives the newest view after that.
	Fence(ctx context.Context, server, incarnation uint64, key *wire.Key) (api.View, error)
}

// maxMembersBody bounds the bodies of these requests: some names and addresses.
const maxMembersBody = 16 << 10

// noMembership answers where a server knows of no membership.
func noMembership(op string) error {
	return &problem.Error{Kind: problem.NotFound, Op: op, Detail: "this server has no membership to change"}
}

func (s *Server) getMembers(w http.ResponseWriter, r *http.Request) error {
	const op = "list members"
	if s.membership == nil {
		return noMembership(op)
	}
	if err := parseQuery(r, op).err; err != nil {
		return err
	}
	all, err := s.membership.Members(r.Context())
	if err != nil {
		return err
	}
	return s.answerJSON(w, all)
}

func (s *Server) invite(w http.ResponseWriter, r *http.Request) error {
	var in api.Invite
	ctx, done, err := s.membersRequest(w, r, "invite", &in)
	if err != nil {
		return err
	}
	defer done()
	out, err := s.membership.Invite(ctx, in)
	if err != nil {
		return err
	}
	return s.answerJSON(w, out)
}

func (s *Server) join(w http.ResponseWriter, r *http.Request) error {
	var in api.Join
	ctx, done, err := s.membersRequest(w, r, "join", &in)
	if err != nil {
		return err
	}
	defer done()
	out, err := s.membership.Join(ctx, in)
	if err != nil {
		return err
	}
	return s.answerJSON(w, out)
}

func (s *Server) promote(w http.ResponseWriter, r *http.Request) error {
	return s.changeMembers(w, r, "promote", nil, func(n uint64) members.Command { return members.Promote{Server: n} })
}

func (s *Server) removeMember(w http.ResponseWriter, r *http.Request) error {
	return s.changeMembers(w, r, "remove", nil, func(n uint64) members.Command { return members.Remove{Server: n} })
}

func (s *Server) replaceMember(w http.ResponseWriter, r *http.Request) error {
	var in api.Replace
	return s.changeMembers(w, r, "replace", &in, func(n uint64) members.Command { return members.Replace{Old: n, New: in.New} })
}

func (s *Server) setAddresses(w http.ResponseWriter, r *http.Request) error {
	var in api.Addresses
	return s.changeMembers(w, r, "set addresses", &in, func(n uint64) members.Command {
		return members.SetAddress{Server: n, HTTP: in.HTTP, Peer: in.Peer}
	})
}

func (s *Server) withdraw(w http.ResponseWriter, r *http.Request) error {
	return s.changeMembers(w, r, "withdraw", nil, func(n uint64) members.Command { return members.Withdraw{Invitation: n} })
}

// changeMembers runs the command that make makes of the number in the path and of the body.
func (s *Server) changeMembers(w http.ResponseWriter, r *http.Request, op string, into any, command func(number uint64) members.Command) error {
	number, err := strconv.ParseUint(r.PathValue("number"), 10, 64)
	if err != nil || number == 0 {
		return invalid(op, "number", r.PathValue("number"), "a number from 1")
	}
	ctx, done, err := s.membersRequest(w, r, op, into)
	if err != nil {
		return err
	}
	defer done()
	key, err := idempotencyKey(r, op, nil)
	if err != nil {
		return err
	}
	out, err := s.membership.Change(ctx, command(number), key)
	if err != nil {
		return unknownOutcome(err, op, strconv.FormatUint(number, 10))
	}
	return s.answerJSON(w, out)
}

func (s *Server) transfer(w http.ResponseWriter, r *http.Request) error {
	var in api.Transfer
	_, done, err := s.membersRequest(w, r, "hand over", &in)
	if err != nil {
		return err
	}
	defer done()
	if err := s.membership.Transfer(in); err != nil {
		return err
	}
	return s.answerJSON(w, in)
}

// membersRequest reads a request's body, where into is not nil, and bounds the time it may take.
func (s *Server) membersRequest(w http.ResponseWriter, r *http.Request, op string, into any) (context.Context, context.CancelFunc, error) {
	if s.membership == nil {
		return nil, nil, noMembership(op)
	}
	if err := parseQuery(r, op).err; err != nil {
		return nil, nil, err
	}
	if into != nil {
		if err := s.strictBody(w, r, op, into); err != nil {
			return nil, nil, err
		}
	}
	ctx, cancel := context.WithTimeout(r.Context(), commandTimeout)
	return ctx, cancel, nil
}

// strictBody reads a small JSON body that holds what is known and nothing else.
func (s *Server) strictBody(w http.ResponseWriter, r *http.Request, op string, into any) error {
	b, err := s.body(w, r, op, nil)
	if err != nil {
		return err
	}
	if len(b) > maxMembersBody {
		return tooLarge(op, int64(len(b)))
	}
	d := json.NewDecoder(bytes.NewReader(b))
	d.DisallowUnknownFields()
	if err := d.Decode(into); err != nil {
		return invalid(op, "body", err.Error(), "a JSON object as in /openapi.yaml")
	}
	if _, err := d.Token(); err != io.EOF {
		return invalid(op, "body", "more than one value", "one JSON object")
	}
	return nil
}

// answerJSON writes an answer that may hold a secret: nobody keeps a copy.
func (s *Server) answerJSON(w http.ResponseWriter, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	w.Header().Set(headerNode, s.node)
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Set("Content-Type", "application/json")
	return s.write(w, append(b, '\n'))
}
