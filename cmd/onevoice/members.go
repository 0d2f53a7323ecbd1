package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
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

func membersCommand() *cobra.Command {
	var a asking
	cmd := &cobra.Command{
		Use: "members", Short: "Who belongs to the cluster, and what each group makes of it", Args: cobra.NoArgs,
		Long: `Who belongs to the cluster: what each server shall be (the wish, agreed), and what it is in each group. A change is one wish at a
time; groups come to it by themselves, and while they do, the change can be taken back: remove who comes, promote who goes. Who was to be
replaced is put back with that; if it is lost, remove it too.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := allMembers(cmd.Context(), &a)
			if err != nil {
				return err
			}
			if a.output == "json" {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(all)
			}
			return printMembers(cmd.OutOrStdout(), &all)
		},
	}
	askFlags(cmd, &a)
	cmd.AddCommand(
		addCommand(),
		memberCommand("promote SERVER", "Make a learner a voter, or take back a removal that is under way", "promote"),
		memberCommand("remove SERVER", "Remove a server, or take back an addition or promotion that is under way", "remove"),
		replaceCommand(), addressesCommand(), transferCommand(), withdrawCommand(),
	)
	return cmd
}

func jsonHeader() http.Header { return http.Header{"Content-Type": {"application/json"}} }

// allMembers asks every endpoint, and puts together what only the leaders know.
func allMembers(ctx context.Context, a *asking) (api.Members, error) {
	var all api.Members
	var failed error
	client := a.client()
	for _, endpoint := range client.Endpoints {
		var m api.Members
		one := &ask.Client{Endpoints: []string{endpoint}, HTTP: client.HTTP, Timeout: min(a.timeout, 2*time.Second)}
		if _, err := one.Do(ctx, ask.Request{Path: "/members"}, &m); err != nil {
			failed = cmp.Or(failed, err)
			continue
		}
		if all.Change == 0 {
			all = m
			continue
		}
		for i, g := range m.Groups {
			if g.Role == "leader" && i < len(all.Groups) && all.Groups[i].Number == g.Number {
				all.Groups[i] = g
			}
		}
	}
	if all.Change == 0 {
		return all, failed
	}
	return all, nil
}

func printMembers(out io.Writer, all *api.Members) error {
	header := "SERVER\tNAME\tWISH"
	for _, g := range all.Groups {
		header += fmt.Sprintf("\tGROUP %d", g.Number)
	}
	err := columns(out, header+"\tHTTP\tPEER\tDISK\tORGANISATION", func(w io.Writer) {
		for _, m := range all.Members {
			if m.Gone {
				continue
			}
			fmt.Fprintf(w, "%d\t%s\t%s", m.Number, m.Name, m.Wish)
			for _, g := range all.Groups {
				fmt.Fprintf(w, "\t%s", isIn(g, &m))
			}
			fmt.Fprintf(w, "\t%s\t%s\t%s\t%s\n", m.HTTP, m.Peer, cmp.Or(short(m.Store), "-"), cmp.Or(m.Organisation, "-"))
		}
	})
	if err != nil {
		return err
	}
	for _, i := range all.Invitations {
		fmt.Fprintf(out, "invitation %d for %s, until %s\n", i.Invitation, cmp.Or(i.Name, "any name"), clock(i.Expires))
	}
	if all.Settled {
		fmt.Fprintf(out, "change %d is reached in every group\n", all.Change)
		return nil
	}
	var behind []string
	for _, g := range all.Groups {
		if g.Reached != all.Change {
			behind = append(behind, strconv.FormatUint(uint64(g.Number), 10))
		}
	}
	fmt.Fprintf(out, "change %d, about server %d, is not reached yet in group %s\n", all.Change, all.About, strings.Join(behind, ", "))
	printAwaited(out, all)
	return nil
}

// printAwaited names the servers that a change cannot do without and that say nothing. Those that are lost never will.
func printAwaited(out io.Writer, all *api.Members) {
	for _, m := range all.Members {
		for _, g := range all.Groups {
			at := slices.IndexFunc(g.Members, func(in api.GroupMember) bool { return in.Number == m.Number })
			if m.Wish == "removed" || g.Reached == all.Change || at < 0 || g.Members[at].Is == m.Wish {
				continue
			}
			if active := g.Members[at].Active; active != nil && !*active {
				fmt.Fprintf(out, "group %d waits for server %d (%s), which is silent; if it is lost: onevoice members remove %d\n", g.Number, m.Number, m.Name, m.Number)
			}
		}
	}
}

// short is the beginning of a disk's identity, enough to tell one from another.
func short(store string) string { return store[:min(8, len(store))] }

// isIn is what a server is in a group, marked where that is not the wish.
func isIn(g api.Group, m *api.Member) string {
	at := slices.IndexFunc(g.Members, func(in api.GroupMember) bool { return in.Number == m.Number })
	if at < 0 {
		if m.Wish == "removed" {
			return "-"
		}
		return "- (!)"
	}
	in := g.Members[at]
	word := in.Is
	if g.Leader == m.Number {
		word = "leader"
	}
	if in.Lag != nil && *in.Lag > 0 {
		word += fmt.Sprintf(", %d behind", *in.Lag)
	}
	if in.Active != nil && !*in.Active {
		word += ", silent"
	}
	if in.Is != m.Wish {
		word += " (!)"
	}
	return word
}

// numberOf finds a server by name or number.
func numberOf(ctx context.Context, a *asking, who string) (uint64, error) {
	if n, err := strconv.ParseUint(who, 10, 64); err == nil {
		return n, nil
	}
	all, err := allMembers(ctx, a)
	if err != nil {
		return 0, err
	}
	var names []string
	for _, m := range slices.Backward(all.Members) {
		if m.Gone {
			continue
		}
		if m.Name == who {
			return m.Number, nil
		}
		names = append(names, m.Name)
	}
	slices.Sort(names)
	return 0, usageError{fmt.Errorf("members: no server is named %q, allowed: a number, or one of %s", problem.Clip(who), strings.Join(slices.Compact(names), ", "))}
}

// send posts a change and prints what came of it.
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

// busyPause is how long a command waits before it asks again while another change is under way.
const busyPause = 100 * time.Millisecond

// patiently asks for a change; while another one is under way it waits, as long as the timeout allows.
func (a *asking) patiently(ctx context.Context, r ask.Request, into any) error {
	client := a.client()
	for end := time.Now().Add(a.timeout); ; {
		_, err := client.Do(ctx, r, into)
		var p *problem.Error
		busy := errors.As(err, &p) && p.Kind == problem.Refused && p.Field == members.BusyField
		if !busy || time.Now().After(end) {
			return err
		}
		select {
		case <-ctx.Done():
			return err
		case <-time.After(busyPause):
		}
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

func memberCommand(use, short, what string) *cobra.Command {
	var a asking
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			n, err := numberOf(cmd.Context(), &a, args[0])
			if err != nil {
				return err
			}
			return changed(cmd, &a, http.MethodPost, fmt.Sprintf("/members/%d/%s", n, what), nil)
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
			old, err := numberOf(cmd.Context(), &o.asking, args[0])
			if err != nil {
				return err
			}
			if len(args) == 1 {
				return o.run(cmd, api.Invite{Replaces: old})
			}
			fresh, err := numberOf(cmd.Context(), &o.asking, args[1])
			if err != nil {
				return err
			}
			return changed(cmd, &o.asking, http.MethodPost, fmt.Sprintf("/members/%d/replace", old), api.Replace{New: fresh})
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
			n, err := numberOf(cmd.Context(), &a, args[0])
			if err != nil {
				return err
			}
			return changed(cmd, &a, http.MethodPut, fmt.Sprintf("/members/%d/addresses", n), to)
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

func transferCommand() *cobra.Command {
	var a asking
	var group uint32
	cmd := &cobra.Command{
		Use: "transfer [SERVER]", Short: "Hand leadership of a group to a voter (default: the most up-to-date one)", Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			to := uint64(0)
			if len(args) == 1 {
				var err error
				if to, err = numberOf(cmd.Context(), &a, args[0]); err != nil {
					return err
				}
			}
			all, err := allMembers(cmd.Context(), &a)
			if err != nil {
				return err
			}
			for _, g := range all.Groups {
				for _, m := range all.Members {
					if g.Number == group && g.Leader == m.Number {
						a.endpoints = m.HTTP
						return send(cmd, &a, http.MethodPost, "/members/transfer", api.Transfer{Group: group, To: to}, nil)
					}
				}
			}
			return &problem.Error{Kind: problem.NoVoice, Op: "hand over", Subject: fmt.Sprintf("group %d", group), Detail: "no leader is known"}
		},
	}
	askFlags(cmd, &a)
	cmd.Flags().Uint32Var(&group, "group", airspaceGroup, "the group")
	return cmd
}
