package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"

	"onevoice/client/lock"
	"onevoice/fence"
	"onevoice/lease"
	"onevoice/problem"
	"onevoice/web/api"
	"onevoice/web/ask"
)

func locksCommand() *cobra.Command {
	var a asking
	var p page
	cmd := &cobra.Command{
		Use: "locks", Short: "Who holds which lock, and until when", Args: cobra.NoArgs,
		Long: `Who holds which lock: what of several processes only one may do at a time, as to import. A lease ends by the servers' log time unless it
is kept; the token is what its holder shows to resources, view/term/number/holder, the later the higher.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var all api.Locks
			if _, err := a.client().Do(cmd.Context(), ask.Request{Path: "/locks" + p.query()}, &all); err != nil {
				return err
			}
			if a.output == "json" {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(all)
			}
			return errors.Join(printLocks(cmd.OutOrStdout(), all.Locks), printNext(cmd.OutOrStdout(), all.Next, ""))
		},
	}
	pageFlags(cmd, &p)
	askFlags(cmd, &a)
	cmd.AddCommand(revokeCommand())
	return cmd
}

func printLocks(out io.Writer, locks []api.Lock) error {
	if len(locks) == 0 {
		_, err := fmt.Fprintln(out, "no lock is held")
		return err
	}
	return columns(out, "LOCK\tIS\tENDS IN\tTHEN DELAY\tTOKEN\tOWNER", func(w io.Writer) {
		for _, l := range locks {
			delay := millis(l.DelayMs)
			if l.Is == "lapsed" {
				delay = "-" // it is this that ends
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", l.Name, l.Is, millis(l.EndsInMs), delay, l.Token, dash(l.Owner))
		}
	})
}

// millis prints milliseconds as seconds, rounded up to a tenth.
func millis(ms int64) string {
	tenths := (ms + 99) / 100
	return fmt.Sprintf("%d.%d s", tenths/10, tenths%10)
}

func revokeCommand() *cobra.Command {
	var a asking
	cmd := &cobra.Command{
		Use: "revoke LOCK", Short: "End a lock for its holder", Args: cobra.ExactArgs(1),
		Long: `End a lock for its holder, who may be stuck and keep it. It is not kept any more, and free for others when its lease would have lapsed and its
lock-delay is over: so a holder that does not hear of it has stopped by then, and at no moment do two hold it.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			var l api.Lock
			path := "/locks/" + url.PathEscape(args[0])
			if _, err := a.client().Do(cmd.Context(), ask.Request{Path: path}, &l); err != nil {
				return err
			}
			if err := send(cmd, &a, http.MethodPost, path+"/revoke", api.LockRevoke{Token: l.Token}, &l); err != nil {
				return err
			}
			if a.output == "json" {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(l)
			}
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s is revoked; it ends in %s, then its lock-delay of %s\n", l.Name, millis(l.EndsInMs), millis(l.DelayMs))
			return err
		},
	}
	askFlags(cmd, &a)
	return cmd
}

// webLocks holds locks over HTTP. It implements lock.Oracle.
type webLocks struct{ client *ask.Client }

// Do implements lock.Oracle.
func (o webLocks) Do(ctx context.Context, c lease.Command) (lease.Lease, error) {
	switch c := c.(type) {
	case lease.Grant:
		return o.post(ctx, c.Name, "", api.LockGrant{Holder: c.Holder.String(), TTLMs: c.TTLMs, DelayMs: c.DelayMs, Owner: c.Owner})
	case lease.Keep:
		return o.post(ctx, c.Name, "/keep", api.LockHolder{Holder: c.Holder.String()})
	case lease.Release:
		return o.post(ctx, c.Name, "/release", api.LockHolder{Holder: c.Holder.String()})
	}
	return lease.Lease{}, fmt.Errorf("lock: %T cannot be asked for over HTTP", c)
}

func (o webLocks) post(ctx context.Context, name, verb string, body any) (lease.Lease, error) {
	content, err := json.Marshal(body)
	if err != nil {
		return lease.Lease{}, err
	}
	var l api.Lock
	r := ask.Request{Method: http.MethodPost, Path: "/locks/" + url.PathEscape(name) + verb, Body: content, Header: jsonHeader()}
	if _, err := o.client.Do(ctx, r, &l); err != nil {
		return lease.Lease{}, err
	}
	return leaseOf(l)
}

func leaseOf(l api.Lock) (lease.Lease, error) {
	t, err := fence.ParseToken(l.Token)
	return lease.Lease{Name: l.Name, Token: t, Owner: l.Owner, TTLMs: l.TTLMs, DelayMs: l.DelayMs, EndsNs: int64(l.Ends)}, err
}

// Find implements lock.Oracle.
func (o webLocks) Find(ctx context.Context, name string) (lease.Lease, bool, error) {
	var l api.Lock
	_, err := o.client.Do(ctx, ask.Request{Path: "/locks/" + url.PathEscape(name)}, &l)
	var p *problem.Error
	if errors.As(err, &p) && p.Kind == problem.NotFound {
		return lease.Lease{}, false, nil
	}
	if err != nil {
		return lease.Lease{}, false, err
	}
	found, err := leaseOf(l)
	return found, err == nil, err
}

// single is what runs once at a time: a lock for each name, waited for as long as wait says.
type single struct {
	what  string
	names []string
	wait  time.Duration
}

// singleDelay is the lock-delay: what a process that is gone has sent last comes through by then, or not at all.
const singleDelay = 5 * time.Second

// run takes the locks, and runs what ends with the first that is lost.
func (o *single) run(ctx context.Context, a *asking, do func(context.Context) error) error {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	for _, name := range o.names {
		l, err := o.acquire(ctx, a, name)
		if err != nil {
			return fmt.Errorf("onevoice %s runs once at a time: %w", o.what, err)
		}
		defer giveBack(l)
		go func() {
			<-l.Done()
			cancel(l.Err())
		}()
	}
	err := do(ctx)
	if lost := context.Cause(ctx); lost != nil {
		return lost
	}
	return err
}

func (o *single) acquire(ctx context.Context, a *asking, name string) (*lock.Lock, error) {
	host, err := os.Hostname()
	if err != nil {
		host = "an unnamed host"
	}
	opt := lock.Options{Delay: singleDelay, Owner: fmt.Sprintf("onevoice %s on %s, process %d", o.what, host, os.Getpid())}
	if o.wait <= 0 {
		return lock.Acquire(ctx, webLocks{a.client()}, name, opt)
	}
	ctx, cancel := context.WithTimeout(ctx, o.wait)
	defer cancel()
	return lock.Await(ctx, webLocks{a.client()}, name, opt)
}

// giveBackPatience bounds the release of a lock. Where it is not heard, the lease lapses.
const giveBackPatience = 2 * time.Second

func giveBack(l *lock.Lock) {
	ctx, cancel := context.WithTimeout(context.Background(), giveBackPatience)
	defer cancel()
	_ = l.Release(ctx)
}
