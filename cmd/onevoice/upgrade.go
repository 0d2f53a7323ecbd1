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
	"strings"
	"sync"
	"time"

	"github.com/spf13/cobra"

	"onevoice/airspace"
	"onevoice/consensus"
	"onevoice/problem"
	"onevoice/web"
	"onevoice/web/api"
	"onevoice/web/ask"
)

// versions are the machine versions that this build supports.
func versions() consensus.Versions {
	return consensus.Versions{Min: consensus.FirstVersion, Max: airspace.MaxVersion}
}

var _ web.Upgrader = (*gateway)(nil)

// Upgrade implements web.Upgrader.
func (g *gateway) Upgrade() api.Upgrade {
	own := g.host.Program()
	u := api.Upgrade{Node: g.self.Name, Server: g.self.Number, Build: own.Build, Min: own.Min, Max: own.Max, Groups: []api.GroupVersion{}, Others: []api.Program{}}
	for _, at := range g.host.Status().Groups {
		u.Groups = append(u.Groups, api.GroupVersion{Group: at.Group, Version: at.Version, Role: roleOf(at.Role), Leader: at.Leader})
	}
	for number, p := range g.host.Programs() {
		if number != g.self.Number {
			u.Others = append(u.Others, api.Program{Server: number, Build: p.Build, Min: p.Min, Max: p.Max})
		}
	}
	slices.SortFunc(u.Others, func(a, b api.Program) int { return cmp.Compare(a.Server, b.Server) })
	return u
}

// Raise implements web.Upgrader.
func (g *gateway) Raise() (int, error) { return g.host.Raise() }

func upgradeCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "upgrade", Short: "Which builds the servers run, and the end of a rolling upgrade",
		Long: `A rolling upgrade restarts the servers one by one with the new build. Until it is finished all of them do what the old build does,
and every one can go back to the old build. "upgrade finish" raises the replicated version: from one index of the log on all
servers do what the new build does, and the old build will not start any more on their directories.`,
	}
	cmd.AddCommand(upgradeStatusCommand(), upgradeFinishCommand())
	return cmd
}

func upgradeStatusCommand() *cobra.Command {
	var a asking
	cmd := &cobra.Command{
		Use: "status", Short: "The build of each server, the versions it supports, and those in force", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return printUpgrade(cmd.OutOrStdout(), &a, askUpgrade(cmd.Context(), &a, http.MethodGet))
		},
	}
	askFlags(cmd, &a)
	return cmd
}

func upgradeFinishCommand() *cobra.Command {
	var a asking
	cmd := &cobra.Command{
		Use: "finish", Short: "Raise the version to the highest that every server supports: for good", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all, err := finishUpgrade(cmd.Context(), &a)
			if err != nil {
				return err
			}
			return printUpgrade(cmd.OutOrStdout(), &a, all)
		},
	}
	askFlags(cmd, &a)
	return cmd
}

// built is what one endpoint says of its build.
type built struct {
	Endpoint string       `json:"endpoint"`
	Upgrade  *api.Upgrade `json:"upgrade,omitempty"`
	Error    string       `json:"error,omitempty"`
	err      error
}

// askUpgrade asks every endpoint by itself, all at once.
func askUpgrade(ctx context.Context, a *asking, method string) []built {
	client := a.client()
	all := make([]built, len(client.Endpoints))
	var group sync.WaitGroup
	for i, endpoint := range client.Endpoints {
		group.Go(func() {
			one := &ask.Client{Endpoints: []string{endpoint}, Timeout: min(a.timeout, 2*time.Second), HTTP: a.http}
			all[i].Endpoint = endpoint
			var u api.Upgrade
			if _, err := one.Do(ctx, ask.Request{Method: method, Path: "/upgrade"}, &u); err != nil {
				all[i].Error, all[i].err = err.Error(), err
				return
			}
			all[i].Upgrade = &u
		})
	}
	group.Wait()
	return all
}

// finishPause lies between two rounds of asking: the raise is one entry of the log, a few milliseconds.
const finishPause = 100 * time.Millisecond

// finishUpgrade has the leaders raise what they lead, and waits until every server has applied it.
func finishUpgrade(ctx context.Context, a *asking) ([]built, error) {
	ctx, cancel := context.WithTimeout(ctx, a.timeout)
	defer cancel()
	all := askUpgrade(ctx, a, http.MethodGet)
	if r := rangeOf(all); r.lowest >= r.all && r.most > r.all {
		return nil, &problem.Error{Kind: problem.Refused, Op: "upgrade finish", Detail: upgradeLine(all)}
	}
	for {
		all = askUpgrade(ctx, a, http.MethodPost)
		for _, b := range all {
			var p *problem.Error
			if errors.As(b.err, &p) && p.Kind != problem.NoVoice {
				return nil, b.err // refused: somebody is not ready
			}
		}
		all = askUpgrade(ctx, a, http.MethodGet)
		behind := behindIn(all)
		if behind == "" {
			return all, nil
		}
		select {
		case <-ctx.Done():
			return nil, &problem.Error{Kind: problem.NoVoice, Op: "upgrade finish", Detail: "not raised everywhere in time: " + behind +
				"; ask again, it goes on where it was (--endpoints must name every server)"}
		case <-time.After(finishPause):
		}
	}
}

// behindIn says what is not at the highest version that all support; empty where nothing is.
func behindIn(all []built) string {
	to := rangeOf(all).all
	for _, b := range all {
		if b.Upgrade == nil {
			return b.Endpoint + " does not answer: " + b.Error
		}
		for _, g := range b.Upgrade.Groups {
			if g.Version < to {
				return fmt.Sprintf("%s has group %d at version %d, to be %d; its leader is server %d", b.Upgrade.Node, g.Group, g.Version, to, g.Leader)
			}
		}
	}
	return ""
}

// versionRange is where the servers that answer stand.
type versionRange struct {
	all, most, lowest uint32 // the highest version that all support, that any supports, and the lowest in force
	slow              string // a server that supports no more than all
}

func rangeOf(all []built) versionRange {
	r := versionRange{lowest: ^uint32(0)}
	for _, b := range all {
		if b.Upgrade == nil {
			continue
		}
		if r.slow == "" || b.Upgrade.Max < r.all {
			r.all, r.slow = b.Upgrade.Max, b.Upgrade.Node
		}
		r.most = max(r.most, b.Upgrade.Max)
		for _, g := range b.Upgrade.Groups {
			r.lowest = min(r.lowest, g.Version)
		}
	}
	return r
}

func printUpgrade(out io.Writer, a *asking, all []built) error {
	if a.output == "json" {
		return json.NewEncoder(out).Encode(all)
	}
	header := "SERVER\tBUILD\tSUPPORTS"
	for _, b := range all {
		if b.Upgrade != nil {
			for _, g := range b.Upgrade.Groups {
				header += fmt.Sprintf("\tGROUP %d", g.Group)
			}
			break
		}
	}
	cells := strings.Count(header, "\t") - 2
	err := columns(out, header+"\tENDPOINT", func(w io.Writer) {
		for _, b := range all {
			if b.Upgrade == nil {
				fmt.Fprintf(w, "-\tno answer\t-%s\t%s\n", strings.Repeat("\t-", cells), b.Endpoint)
				continue
			}
			u := b.Upgrade
			fmt.Fprintf(w, "%s\t%s\t%d to %d", u.Node, u.Build, u.Min, u.Max)
			for _, g := range u.Groups {
				fmt.Fprintf(w, "\t%d", g.Version)
			}
			fmt.Fprintf(w, "\t%s\n", b.Endpoint)
		}
	})
	if err == nil {
		_, err = fmt.Fprintln(out, upgradeLine(all))
	}
	return err
}

// upgradeLine says where the upgrade stands, and the next step.
func upgradeLine(all []built) string {
	for _, b := range all {
		if b.Upgrade == nil {
			return "not every server answers: an upgrade can only be finished when all of them run"
		}
	}
	r := rangeOf(all)
	switch {
	case r.most > r.all:
		return fmt.Sprintf("version %d is in force; %s supports up to %d, others up to %d: restart the servers that are behind with the new build, "+
			"or those that are ahead with the old one", r.lowest, r.slow, r.all, r.most)
	case r.lowest < r.all:
		return fmt.Sprintf("version %d is in force, and every server supports %d: onevoice upgrade finish raises it, for good; until then any server "+
			"can go back to the old build", r.lowest, r.all)
	}
	return fmt.Sprintf("version %d is in force, the highest of these builds", r.lowest)
}
