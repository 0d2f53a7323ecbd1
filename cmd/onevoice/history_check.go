package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"strconv"

	"github.com/spf13/cobra"

	"onevoice/export"
	"onevoice/export/place"
	"onevoice/problem"
	"onevoice/web/api"
	"onevoice/web/ask"
)

// historyReport is what a check came to, with the word of the cluster where it was asked.
type historyReport struct {
	export.Report
	From string `json:"from"`
	// Compared are the servers that hold a hash of the history's, and the newest such index of each.
	Compared []comparedHash `json:"compared,omitempty"`
}

type comparedHash struct {
	Server string `json:"server"`
	Index  uint64 `json:"index,string"`
}

func historyCheckCommand() *cobra.Command {
	var a asking
	from := place.Options{}
	cmd := &cobra.Command{
		Use: "check --from PLACE", Short: "Prove that an exported history is whole, in order, and that of the cluster", Args: cobra.NoArgs,
		Long: `Prove that an exported history is whole and in order: every file is as its manifest says, every index is there once, every event of every
entry, the columns say what the events say, and the chain hash leads over them from the beginning to the end. Needs no server; with
--endpoints the chain hash is compared with every server's that still holds it.

What it cannot prove: the hash that it begins with, which is the word of the server that was asked then, and whole states after a gap.
Exit code 0 where all is as it should be, 1 where it is not, 6 where the cluster has another hash.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			at, err := openPlace(cmd.Context(), from, "from")
			if err != nil {
				return err
			}
			r := historyReport{From: from.To}
			if r.Report, err = export.Check(at, build()); err != nil {
				return err
			}
			var compared error
			if cmd.Flags().Changed("endpoints") {
				compared = r.compare(cmd.Context(), &a)
			}
			if err := r.print(cmd.OutOrStdout(), a.output); err != nil || compared != nil {
				return cmp.Or(compared, err)
			}
			if n := len(r.Findings); n > 0 {
				return fmt.Errorf("%s: %d findings: the history is not whole", from.To, n)
			}
			return nil
		},
	}
	placeFlags(cmd, &from, "from", "where the history is")
	askFlags(cmd, &a)
	return cmd
}

// compare holds the newest hash that each server still has against the history's.
func (r *historyReport) compare(ctx context.Context, a *asking) error {
	var silent error
	for _, server := range eachServer(a, 0) {
		index, err := r.compareWith(ctx, server)
		switch {
		case kindOf(err) == problem.NoVoice:
			silent = err
		case err != nil:
			return err
		case index > 0:
			r.Compared = append(r.Compared, comparedHash{server.Endpoints[0], index})
		}
	}
	if len(r.Compared) == 0 {
		return silent
	}
	return nil
}

// compareWith gives the newest index of the history whose hash a server holds and is equal; 0 where it holds none.
func (r *historyReport) compareWith(ctx context.Context, server *ask.Client) (uint64, error) {
	var s api.Status
	if _, err := server.Do(ctx, ask.Request{Path: "/status"}, &s); err != nil {
		return 0, err
	}
	if s.Cluster != r.Cluster {
		return 0, fmt.Errorf("the history is of cluster %s, %s is of %s", r.Cluster, server.Endpoints[0], s.Cluster)
	}
	for _, anchor := range r.Anchors {
		var h api.Hash
		_, err := server.Do(ctx, ask.Request{Path: "/hash?index=" + strconv.FormatUint(anchor.Index, 10)}, &h)
		switch {
		case kindOf(err) == problem.NotFound:
			continue
		case err != nil:
			return 0, err
		case h.Hash != anchor.Hash:
			return 0, &problem.Error{Kind: problem.TwoVoices, Op: "compare hashes", Subject: fmt.Sprintf("index %d", anchor.Index),
				Detail: fmt.Sprintf("the history says %s, %s says %s; keep both as evidence", anchor.Hash, server.Endpoints[0], h.Hash)}
		}
		return anchor.Index, nil
	}
	return 0, nil
}

func (r *historyReport) print(out io.Writer, output string) error {
	if output == "json" {
		return json.NewEncoder(out).Encode(r)
	}
	word := "whole"
	if len(r.Findings) > 0 {
		word = "NOT WHOLE"
	}
	fmt.Fprintf(out, "%s: %s, cluster %s\n", r.From, word, r.Cluster)
	fmt.Fprintf(out, "index %d to %d: %d entries with %d events in %d segments, %d bases, %d files, %d bytes\n", r.First, r.Last, r.Entries, r.Events,
		r.Segments, r.Bases, r.Files, r.Bytes)
	fmt.Fprintf(out, "hash %.16s at %d leads to %.16s at %d\n", dash(r.FirstHash), max(r.First, 1)-1, r.Hash, r.Last)
	for _, g := range r.Gaps {
		fmt.Fprintf(out, "GAP: entries %d to %d are missing: %s\n", g.First, g.Last, g.Reason)
	}
	for _, c := range r.Compared {
		fmt.Fprintf(out, "%s holds the same hash at %d\n", c.Server, c.Index)
	}
	for _, f := range r.Findings {
		fmt.Fprintf(out, "wrong: %s\n", f)
	}
	if len(r.Findings) >= export.MaxFindings {
		fmt.Fprintf(out, "and perhaps more: the check ended after %d\n", export.MaxFindings)
	}
	return nil
}
