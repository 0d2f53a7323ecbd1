package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"onevoice/members"
	"onevoice/problem"
	"onevoice/web/api"
	"onevoice/web/ask"
)

// memberNamed finds a server by name, the newest of that name, or by number. One that is not known is left to the servers to refuse.
func memberNamed(all *api.Members, who string) (*api.Member, error) {
	number, err := strconv.ParseUint(who, 10, 64)
	var names []string
	for i := range slices.Backward(all.Members) {
		m := &all.Members[i]
		if m.Gone {
			continue
		}
		if m.Name == who || err == nil && m.Number == number {
			return m, nil
		}
		names = append(names, m.Name)
	}
	if err == nil {
		return &api.Member{Number: number}, nil
	}
	slices.Sort(names)
	return nil, usageError{fmt.Errorf("members: no server is named %q, allowed: a number, or one of %s", problem.Clip(who), strings.Join(slices.Compact(names), ", "))}
}

// before finds the members and those that are named, and says how many failures the cluster survives before anything is done.
func (a *asking) before(cmd *cobra.Command, names []string, change func(all *api.Members, named []*api.Member) func(*electorate)) (*api.Members, []*api.Member, error) {
	all, err := allMembers(cmd.Context(), a)
	if err != nil {
		return nil, nil, err
	}
	var named []*api.Member
	for _, name := range names {
		m, err := memberNamed(&all, name)
		if err != nil {
			return nil, nil, err
		}
		named = append(named, m)
	}
	_, err = fmt.Fprintln(cmd.ErrOrStderr(), survival(&all, len(named) > 0 && named[0].Oracle, change(&all, named)))
	return &all, named, err
}

// send posts a change and reads what came of it.
func send(cmd *cobra.Command, a *asking, method, path string, body any, into any) error {
	b := []byte(nil)
	if body != nil {
		var err error
		if b, err = json.Marshal(body); err != nil {
			return err
		}
	}
	return a.patiently(cmd.Context(), ask.Request{Method: method, Path: path, Body: b, Header: jsonHeader()}, into)
}

func jsonHeader() http.Header { return http.Header{"Content-Type": {"application/json"}} }

// busyPause is how long a command waits before it asks again while another change is under way.
const busyPause = 100 * time.Millisecond

// patiently asks for a change; while another one is under way it waits, as long as the timeout allows.
func (a *asking) patiently(ctx context.Context, r ask.Request, into any) error {
	client := a.client()
	for end := time.Now().Add(a.timeout); ; {
		_, err := client.Do(ctx, r, into)
		var p *problem.Error
		busy := errors.As(err, &p) && p.Kind == problem.Refused && p.Field == members.BusyField
		if !busy || time.Now().After(end) || !pauseFor(ctx, busyPause) {
			return err
		}
	}
}

// pauseFor waits; false where ctx ends.
func pauseFor(ctx context.Context, d time.Duration) bool {
	select {
	case <-ctx.Done():
		return false
	case <-time.After(d):
		return true
	}
}

func changed(cmd *cobra.Command, a *asking, method, path string, body any) error {
	var done api.MembersChanged
	if err := send(cmd, a, method, path, body, &done); err != nil {
		return err
	}
	if a.output == "json" {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(done)
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "change %d, about server %d; onevoice members shows when it is reached\n", done.Change, done.Number)
	return err
}

func promoteCommand() *cobra.Command {
	return memberCommand("promote SERVER", "Make a learner a voter, or take back a removal that is under way", "promote",
		func(_ *api.Members, named []*api.Member) func(*electorate) { return promoting(named[0]) })
}

func removeCommand() *cobra.Command {
	return memberCommand("remove SERVER", "Remove a server, or take back an addition or promotion that is under way", "remove",
		func(all *api.Members, named []*api.Member) func(*electorate) { return removing(all, named[0]) })
}

func memberCommand(use, short, what string, change func(*api.Members, []*api.Member) func(*electorate)) *cobra.Command {
	var a asking
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, named, err := a.before(cmd, args, change)
			if err != nil {
				return err
			}
			return changed(cmd, &a, http.MethodPost, fmt.Sprintf("/members/%d/%s", named[0].Number, what), nil)
		},
	}
	askFlags(cmd, &a)
	return cmd
}

// inviting are the flags of an invitation.
type inviting struct {
	asking
	ttl          time.Duration
	organisation string
}

func (o *inviting) flags(cmd *cobra.Command) {
	askFlags(cmd, &o.asking)
	cmd.Flags().DurationVar(&o.ttl, "ttl", defaultTTL, "how long the invitation can be used, 1m to 720h")
	cmd.Flags().StringVar(&o.organisation, "organisation", "", "who runs the new server")
}

func (o *inviting) run(cmd *cobra.Command, i api.Invite) error {
	i.TTLSeconds, i.Organisation = int64(o.ttl/time.Second), o.organisation
	var answer api.Invitation
	if err := send(cmd, &o.asking, http.MethodPost, "/members/invitations", i, &answer); err != nil {
		return err
	}
	if o.output == "json" {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(answer)
	}
	fmt.Fprintln(cmd.OutOrStdout(), answer.Token)
	_, err := fmt.Fprintf(cmd.ErrOrStderr(), "invitation %d, for %v; whoever has it can join. next, on the new machine:\n"+
		"onevoice join --dir DIR --invitation - --name NAME --http HOST:PORT --peer HOST:PORT\n", answer.Invitation, o.ttl)
	return err
}

func addCommand() *cobra.Command {
	var o inviting
	cmd := &cobra.Command{
		Use: "add [NAME]", Aliases: []string{"invite"}, Short: "Invite a server; prints the invitation", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if _, _, err := o.before(cmd, nil, func(*api.Members, []*api.Member) func(*electorate) { return nothing }); err != nil {
				return err
			}
			return o.run(cmd, api.Invite{Name: strings.Join(args, "")})
		},
	}
	o.flags(cmd)
	return cmd
}

func replaceCommand() *cobra.Command {
	var o inviting
	cmd := &cobra.Command{
		Use: "replace OLD [NEW]", Short: "Put another server in a voter's place: a learner that is there, or one that is invited now", Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			_, named, err := o.before(cmd, args, func(_ *api.Members, named []*api.Member) func(*electorate) {
				return replacing(named[0], append(named, &api.Member{})[1].Number)
			})
			if err != nil {
				return err
			}
			if len(named) == 1 {
				return o.run(cmd, api.Invite{Replaces: named[0].Number})
			}
			return changed(cmd, &o.asking, http.MethodPost, fmt.Sprintf("/members/%d/replace", named[0].Number), api.Replace{New: named[1].Number})
		},
	}
	o.flags(cmd)
	return cmd
}

func addressesCommand() *cobra.Command {
	var a asking
	var to api.Addresses
	cmd := &cobra.Command{
		Use: "address SERVER --http HOST:PORT --peer HOST:PORT", Short: "Change where a server is found", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			all, err := allMembers(cmd.Context(), &a)
			if err != nil {
				return err
			}
			m, err := memberNamed(&all, args[0])
			if err != nil {
				return err
			}
			return changed(cmd, &a, http.MethodPut, fmt.Sprintf("/members/%d/addresses", m.Number), to)
		},
	}
	askFlags(cmd, &a)
	cmd.Flags().StringVar(&to.HTTP, "http", "", "where it answers HTTP")
	cmd.Flags().StringVar(&to.Peer, "peer", "", "where it listens for servers and clients")
	return cmd
}

func withdrawCommand() *cobra.Command {
	var a asking
	cmd := &cobra.Command{
		Use: "withdraw INVITATION", Short: "End an invitation that nobody has used", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := strconv.ParseUint(args[0], 10, 64)
			if err != nil {
				return usageError{fmt.Errorf("members: invitation is %q, allowed: a number, as onevoice members prints it", problem.Clip(args[0]))}
			}
			return send(cmd, &a, http.MethodDelete, fmt.Sprintf("/members/invitations/%d", n), nil, nil)
		},
	}
	askFlags(cmd, &a)
	return cmd
}

func fenceCommand() *cobra.Command {
	var a asking
	cmd := &cobra.Command{
		Use: "fence SERVER", Short: "Take a server's process down: it ends, and comes back as its next incarnation", Args: cobra.ExactArgs(1),
		Long: `Take a server's process down by an operator's word, agreed like any verdict: nobody listens to that incarnation any more. The process ends when
it hears so and starts itself anew, as its next incarnation; one that hangs does when it can. It is refused where less than a
majority of the voters would be up without it. The command waits, as long as --timeout says, until the next incarnation is up.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			_, named, err := a.before(cmd, args, func(_ *api.Members, named []*api.Member) func(*electorate) { return fencing(named[0]) })
			if err != nil {
				return err
			}
			return fenceOff(cmd, &a, named[0])
		},
	}
	askFlags(cmd, &a)
	return cmd
}

// comeBackPause is how often a command looks whether a server is back.
const comeBackPause = 20 * time.Millisecond

func fenceOff(cmd *cobra.Command, a *asking, m *api.Member) error {
	if m.Incarnation == 0 {
		return &problem.Error{Kind: problem.NotFound, Op: "fence", Subject: cmp.Or(m.Name, fmt.Sprintf("server %d", m.Number)), Detail: "it is not in the view: onevoice view lists who is"}
	}
	var v api.View
	began := time.Now()
	if err := send(cmd, a, http.MethodPost, fmt.Sprintf("/members/%d/fence", m.Number), api.Fence{Incarnation: m.Incarnation}, &v); err != nil {
		return err
	}
	if a.output == "json" {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(v)
	}
	out := cmd.OutOrStdout()
	if p := processIn(&v, m.Number); p != nil && p.Incarnation == m.Incarnation {
		fmt.Fprintf(out, "%s, incarnation %d, is down since view %d (%s)\n", m.Name, m.Incarnation, p.Since, p.Why)
	}
	client := a.client()
	for end := began.Add(a.timeout); time.Now().Before(end) && pauseFor(cmd.Context(), comeBackPause); {
		if _, err := client.Do(cmd.Context(), ask.Request{Path: "/view"}, &v); err != nil {
			return err
		}
		if p := processIn(&v, m.Number); p != nil && p.Incarnation != m.Incarnation && p.Standing == "up" {
			_, err := fmt.Fprintf(out, "it is back: incarnation %d, start %d, is up since view %d, %d ms later\n", p.Incarnation, p.Start, p.Since, time.Since(began).Milliseconds())
			return err
		}
	}
	_, err := fmt.Fprintf(cmd.ErrOrStderr(), "it is not up again after %v; onevoice view --watch shows when\n", a.timeout)
	return err
}
