package web

import (
	"context"
	"net/http"

	"onevoice/fence"
	"onevoice/lease"
	"onevoice/problem"
	"onevoice/web/api"
	"onevoice/wire"
)

// Locks is what the web asks of the cluster's locks.
type Locks interface {
	// Locks is the state of the locks, after a read barrier.
	Locks(ctx context.Context) (*lease.State, error)
	// Lock runs a command; that it was refused is in the result.
	Lock(ctx context.Context, c lease.Command, key *wire.Key) (lease.Result, error)
}

func (s *Server) listLocks(w http.ResponseWriter, r *http.Request) error {
	q := parseQuery(r, "list locks", "after", "limit")
	after, limit := q.get("after"), q.limit()
	if q.err != nil {
		return q.err
	}
	state, err := s.lockState(r, q.op)
	if err != nil {
		return err
	}
	page := state.List(after, limit)
	answer := api.Locks{Node: s.node, Now: api.Time(state.NowNs()), Locks: []api.Lock{}}
	if len(page) == limit && len(state.List(page[limit-1].Name, 1)) > 0 {
		answer.Next = page[limit-1].Name
	}
	for i := range page {
		answer.Locks = append(answer.Locks, api.FromLease(&page[i], state.NowNs()))
	}
	return s.answerJSON(w, answer)
}

func (s *Server) getLock(w http.ResponseWriter, r *http.Request) error {
	const op = "get lock"
	if err := parseQuery(r, op).err; err != nil {
		return err
	}
	state, err := s.lockState(r, op)
	if err != nil {
		return err
	}
	l, ok := state.Find(r.PathValue("lock"))
	if !ok {
		return &problem.Error{Kind: problem.NotFound, Op: op, Subject: problem.Clip(r.PathValue("lock")), Detail: "nobody holds it"}
	}
	return s.answerJSON(w, api.FromLease(&l, state.NowNs()))
}

func (s *Server) lockState(r *http.Request, op string) (*lease.State, error) {
	if s.locks == nil {
		return nil, noLocks(op)
	}
	return s.locks.Locks(r.Context())
}

func noLocks(op string) error {
	return &problem.Error{Kind: problem.NotFound, Op: op, Detail: "this server has no locks"}
}

func (s *Server) grantLock(w http.ResponseWriter, r *http.Request) error {
	var in api.LockGrant
	return s.lock(w, r, lease.OpGrant, &in, func(name string) (lease.Command, error) {
		h, err := fence.ParseHolder(in.Holder)
		return lease.Grant{Name: name, Holder: h, TTLMs: in.TTLMs, DelayMs: in.DelayMs, Owner: in.Owner}, err
	})
}

func (s *Server) keepLock(w http.ResponseWriter, r *http.Request) error {
	var in api.LockHolder
	return s.lock(w, r, lease.OpKeep, &in, func(name string) (lease.Command, error) {
		h, err := fence.ParseHolder(in.Holder)
		return lease.Keep{Name: name, Holder: h}, err
	})
}

func (s *Server) releaseLock(w http.ResponseWriter, r *http.Request) error {
	var in api.LockHolder
	return s.lock(w, r, lease.OpRelease, &in, func(name string) (lease.Command, error) {
		h, err := fence.ParseHolder(in.Holder)
		return lease.Release{Name: name, Holder: h}, err
	})
}

func (s *Server) revokeLock(w http.ResponseWriter, r *http.Request) error {
	var in api.LockRevoke
	return s.lock(w, r, lease.OpRevoke, &in, func(name string) (lease.Command, error) {
		t, err := fence.ParseToken(in.Token)
		return lease.Revoke{Name: name, Seq: t.Seq}, err
	})
}

// lock runs the command that make makes of the name in the path and of the body. An error of make is about the body.
func (s *Server) lock(w http.ResponseWriter, r *http.Request, op string, into any, command func(name string) (lease.Command, error)) error {
	if s.locks == nil {
		return noLocks(op)
	}
	name := r.PathValue("lock")
	if err := parseQuery(r, op).err; err != nil {
		return err
	}
	if err := s.strictBody(w, r, op, into); err != nil {
		return err
	}
	c, err := command(name)
	if err != nil {
		return &problem.Error{Kind: problem.Invalid, Op: op, Subject: problem.Clip(name), Detail: err.Error()}
	}
	key, err := idempotencyKey(r, op, lease.Encode(c))
	if err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(r.Context(), commandTimeout)
	defer cancel()
	result, err := s.locks.Lock(ctx, c, key)
	switch {
	case err != nil:
		return unknownOutcome(err, op, problem.Clip(name))
	case result.Problem != nil:
		return result.Problem
	}
	return s.answerJSON(w, api.FromLease(&result.Lease, result.NowNs))
}
