package main

import (
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"onevoice/problem"
	"onevoice/web/api"
	"onevoice/web/ask"
)

func leaderCommand() *cobra.Command {
	cmd := &cobra.Command{Use: "leader", Short: "Hand over the lead of a group"}
	cmd.AddCommand(transferCommand())
	return cmd
}

func transferCommand() *cobra.Command {
	var a asking
	var group, to string
	cmd := &cobra.Command{
		Use: "transfer", Short: "Hand the lead of a group to another voter, and wait until it leads", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			number, err := groupNamed(group)
			if err != nil {
				return err
			}
			return transfer(cmd, &a, number, to)
		},
	}
	askFlags(cmd, &a)
	cmd.Flags().StringVar(&group, "group", groupName(airspaceGroup), "the group: airspace or members")
	cmd.Flags().StringVar(&to, "to", "", "who shall lead (default: the most up-to-date voter)")
	return cmd
}

// groupNamed finds a group by its name.
func groupNamed(name string) (uint32, error) {
	for number, is := range groupNames {
		if is == name {
			return number, nil
		}
	}
	return 0, usageError{fmt.Errorf("--group is %q, allowed: %s", problem.Clip(name), strings.Join(slices.Sorted(maps.Values(groupNames)), ", "))}
}

// handedOver is what a transfer came to.
type handedOver struct {
	Group  uint32 `json:"group"`
	From   string `json:"from"`
	To     string `json:"to"`
	TookMs int64  `json:"took_ms"`
}

// lookPause is how often a command looks who leads.
const lookPause = 5 * time.Millisecond

func transfer(cmd *cobra.Command, a *asking, group uint32, to string) error {
	var names []string
	if to != "" {
		names = []string{to}
	}
	all, named, err := a.before(cmd, names, func(*api.Members, []*api.Member) func(*electorate) { return nothing })
	if err != nil {
		return err
	}
	from := leaderOf(all, group)
	if from == nil {
		return &problem.Error{Kind: problem.NoVoice, Op: "hand over", Subject: groupName(group), Detail: "no leader is known"}
	}
	order := api.Transfer{Group: group}
	if len(named) > 0 {
		if order.To = named[0].Number; order.To == from.Number {
			_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s leads %s already\n", from.Name, groupName(group))
			return err
		}
	}
	leader := *a
	leader.endpoints = from.HTTP
	began := time.Now()
	if err := send(cmd, &leader, http.MethodPost, "/members/transfer", order, nil); err != nil {
		return err
	}
	client := a.client()
	for {
		var now api.Members
		if _, err := client.Do(cmd.Context(), ask.Request{Path: "/members"}, &now); err != nil {
			return err
		}
		if l := leaderOf(&now, group); l != nil && l.Number != from.Number {
			return printHandedOver(cmd, a, handedOver{group, from.Name, l.Name, time.Since(began).Milliseconds()})
		}
		if time.Since(began) > a.timeout || !pauseFor(cmd.Context(), lookPause) {
			return &problem.Error{Kind: problem.NoVoice, Op: "hand over", Subject: groupName(group),
				Detail: fmt.Sprintf("nobody else leads after %v: onevoice view shows who does", a.timeout)}
		}
	}
}

func printHandedOver(cmd *cobra.Command, a *asking, h handedOver) error {
	if a.output == "json" {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(h)
	}
	_, err := fmt.Fprintf(cmd.OutOrStdout(), "%s leads %s; it took %d ms from %s, as seen from here\n", h.To, groupName(h.Group), h.TookMs, h.From)
	return err
}

// leaderOf is who leads a group, nil where that is not known.
func leaderOf(all *api.Members, group uint32) *api.Member {
	for _, g := range all.Groups {
		for i := range all.Members {
			if m := &all.Members[i]; g.Number == group && m.Number == g.Leader {
				return m
			}
		}
	}
	return nil
}
