package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"onevoice/web/api"
	"onevoice/web/ask"
)

func membersCommand() *cobra.Command {
	var a asking
	cmd := &cobra.Command{
		Use: "members", Short: "Who belongs to the cluster, how each server is, and what each group makes of it", Args: cobra.NoArgs,
		Long: `Who belongs to the cluster: what each server shall be (the wish, agreed), and what it is in each group. A change is one wish at a
time; groups come to it by themselves, and while they do, the change can be taken back: remove who comes, promote who goes. Who was to be
replaced is put back with that; if it is lost, remove it too.

Standing and incarnation are agreed; lag, fsync, clock and version are what each server says of itself, and "-" where it does not answer.
Each command below says, before it acts, how many failures the cluster survives then.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := listMembers(cmd.Context(), &a)
			if err != nil {
				_, saying := io.WriteString(cmd.ErrOrStderr(), deafTo(standings(cmd.Context(), &a, a.client())))
				return errors.Join(err, saying)
			}
			if a.output == "json" {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(all)
			}
			return printMembers(cmd.OutOrStdout(), &all)
		},
	}
	askFlags(cmd, &a)
	cmd.AddCommand(
		addCommand(), promoteCommand(), removeCommand(), replaceCommand(), addressesCommand(), fenceCommand(), withdrawCommand(),
	)
	return cmd
}

// listed is the membership with what each server says of itself.
type listed struct {
	api.Members
	Servers []api.Status `json:"servers"` // that answered
}

// askPatience bounds how long one server may take to say what it knows.
const askPatience = 2 * time.Second

// listMembers asks the endpoints and all members.
func listMembers(ctx context.Context, a *asking) (listed, error) {
	all, err := allMembers(ctx, a)
	if err != nil {
		return listed{}, err
	}
	l := listed{Members: all, Servers: []api.Status{}}
	every := *a
	every.endpoints = endpointsOf(&all)
	answers, _ := askEach[api.Members](ctx, &every, "/members")
	l.Members = merged(append([]api.Members{all}, answers...))
	l.Servers, _ = askEach[api.Status](ctx, &every, "/status")
	return l, nil
}

// endpointsOf are the addresses of all members.
func endpointsOf(all *api.Members) string {
	var list []string
	for _, m := range all.Members {
		if !m.Gone {
			list = append(list, m.HTTP)
		}
	}
	return strings.Join(list, ",")
}

// askEach asks every endpoint by itself, all at once, and gives the answers that came; the error is one of the others.
func askEach[T any](ctx context.Context, a *asking, path string) ([]T, error) {
	client := a.client()
	answers, errs := make([]*T, len(client.Endpoints)), make([]error, len(client.Endpoints))
	var group sync.WaitGroup
	for i, endpoint := range client.Endpoints {
		group.Go(func() {
			one := &ask.Client{Endpoints: []string{endpoint}, HTTP: client.HTTP, Timeout: min(a.timeout, askPatience)}
			var answer T
			if _, errs[i] = one.Do(ctx, ask.Request{Path: path}, &answer); errs[i] == nil {
				answers[i] = &answer
			}
		})
	}
	group.Wait()
	var came []T
	for _, answer := range answers {
		if answer != nil {
			came = append(came, *answer)
		}
	}
	return came, cmp.Or(errs...)
}

// allMembers asks every endpoint, and puts together what only the leaders know.
func allMembers(ctx context.Context, a *asking) (api.Members, error) {
	answers, err := askEach[api.Members](ctx, a, "/members")
	if all := merged(answers); all.Change != 0 {
		return all, nil
	}
	return api.Members{}, err
}

// merged is the newest of some answers, with each group as its leader sees it where that one has answered.
func merged(answers []api.Members) api.Members {
	var all api.Members
	for _, m := range answers {
		if cmp.Or(cmp.Compare(m.Change, all.Change), cmp.Compare(m.View, all.View)) > 0 {
			all = m
		}
	}
	all.Groups = append([]api.Group{}, all.Groups...)
	for _, m := range answers {
		for _, g := range m.Groups {
			for i := range all.Groups {
				if g.Role == "leader" && all.Groups[i].Number == g.Number {
					all.Groups[i] = g
				}
			}
		}
	}
	return all
}
