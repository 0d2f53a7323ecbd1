package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"sync"

	"github.com/spf13/cobra"

	"onevoice/problem"
	"onevoice/web/api"
	"onevoice/web/ask"
)

// standing is what one endpoint says of itself.
type standing struct {
	Endpoint string      `json:"endpoint"`
	Status   *api.Status `json:"status,omitempty"`
	Error    string      `json:"error,omitempty"`
}

func statusCommand() *cobra.Command {
	var a asking
	cmd := &cobra.Command{
		Use: "status", Short: "What each server says of itself, and whether they speak with one voice", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			client := a.client()
			all := standings(cmd.Context(), &a, client)
			if a.output == "json" {
				if err := json.NewEncoder(cmd.OutOrStdout()).Encode(all); err != nil {
					return err
				}
			} else if err := printStandings(cmd.OutOrStdout(), all); err != nil {
				return err
			}
			return oneVoice(cmd, client, a.output == "json")
		},
	}
	askFlags(cmd, &a)
	return cmd
}

// standings asks every endpoint by itself, all at once.
func standings(ctx context.Context, a *asking, client *ask.Client) []standing {
	all := make([]standing, len(client.Endpoints))
	var group sync.WaitGroup
	for i, endpoint := range client.Endpoints {
		group.Go(func() {
			one := &ask.Client{Endpoints: []string{endpoint}, Timeout: a.timeout, HTTP: a.http}
			all[i].Endpoint = endpoint
			var s api.Status
			if _, err := one.Do(ctx, ask.Request{Path: "/status"}, &s); err != nil {
				all[i].Error = err.Error()
				return
			}
			all[i].Status = &s
		})
	}
	group.Wait()
	return all
}

func printStandings(out io.Writer, all []standing) error {
	err := columns(out, "SERVER\tVOICE\tROLE\tLEADER\tVIEW\tINDEX\tAS OF\tHASH\tAGREED\tCLOCK\tSECTORS\tFLIGHTS\tENDPOINT", func(w io.Writer) {
		for _, s := range all {
			if s.Status == nil {
				fmt.Fprintf(w, "-\tno answer\t-\t-\t-\t-\t-\t-\t-\t-\t-\t-\t%s\n", s.Endpoint)
				continue
			}
			v := s.Status
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%d\t%d\t%s\t%.12s\t%s\t%s\t%d\t%d\t%s\n", v.Node, v.Voice, v.Role, cmp.Or(v.Leader, "unknown"),
				v.View, v.Index, clock(v.ServiceTime), v.Hash, age(v.AgreedAgeMs), offset(v), v.Sectors, v.Flights, s.Endpoint)
		}
	})
	if err == nil {
		_, err = io.WriteString(out, deafTo(all))
	}
	return err
}

// offset is how far a server's clock is from the others'.
func offset(v *api.Status) string {
	if v.ClockState == "unknown" || v.ClockState == "" {
		return "unknown"
	}
	text := fmt.Sprintf("%+.1f ms", v.ClockOffsetMs)
	if v.ClockState != "good" {
		text += ", " + v.ClockState
	}
	return text
}

func age(ms int64) string {
	if ms < 0 {
		return "never"
	}
	return fmt.Sprintf("%d ms ago", ms)
}

// oneVoice asks a question that needs a majority and has a second server confirm the answer.
func oneVoice(cmd *cobra.Command, client *ask.Client, quiet bool) error {
	proof, err := client.Do(cmd.Context(), ask.Request{Path: "/sectors?limit=1"}, nil)
	if err != nil {
		return err
	}
	if proof.Hash == "" {
		return &problem.Error{Kind: problem.Internal, Op: "status", Detail: "the answer of " + proof.Node + " carries no proof"}
	}
	line, err := proofLine(cmd.Context(), client, proof)
	if err == nil && !quiet {
		_, err = fmt.Fprintln(cmd.ErrOrStderr(), line)
	}
	return err
}
