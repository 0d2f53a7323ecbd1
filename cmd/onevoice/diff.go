package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"slices"
	"strings"

	"github.com/spf13/cobra"

	"onevoice/web/api"
	"onevoice/web/ask"
)

func diffCommand() *cobra.Command {
	var a asking
	var sector string
	cmd := &cobra.Command{
		Use:   "diff FROM [TO]",
		Short: "What the service believes otherwise than at an earlier time",
		Long: `What the service believes otherwise at TO than at FROM: the sectors and flights that were added, removed or changed in between. Each is an index or an
instant of service time, RFC 3339 UTC; without TO it is the present. Windows with "-" held at FROM only, those with "+" at TO only.`,
		Args: cobra.RangeArgs(1, 2),
		RunE: func(cmd *cobra.Command, args []string) error {
			q := url.Values{"known_from": {args[0]}, "limit": {"1000"}}
			if len(args) == 2 {
				q.Set("known_to", args[1])
			}
			if sector != "" {
				q.Set("sector", sector)
			}
			all, line, err := a.allDifferences(cmd, q)
			if err != nil {
				return err
			}
			if a.output == "json" {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(all)
			}
			if err := printDiff(cmd.OutOrStdout(), all); err != nil {
				return err
			}
			_, err = fmt.Fprintln(cmd.ErrOrStderr(), line)
			return err
		},
	}
	cmd.Flags().StringVar(&sector, "sector", "", "only this sector, and flights with a window in it at either time")
	askFlags(cmd, &a)
	return cmd
}

// allDifferences asks for all pages, of the two entries that the first one is as of.
func (a *asking) allDifferences(cmd *cobra.Command, q url.Values) (*api.Diff, string, error) {
	client, all := a.client(), &api.Diff{Differences: []api.Difference{}}
	for {
		var page api.Diff
		proof, err := client.Do(cmd.Context(), ask.Request{Path: "/diff?" + q.Encode()}, &page)
		if err != nil {
			return nil, "", err
		}
		all.From, all.To, all.Differences = page.From, page.To, append(all.Differences, page.Differences...)
		if page.Next == "" {
			line, err := proofLine(cmd.Context(), client, proof)
			return all, line, err
		}
		q.Set("known_from", page.From.Index)
		q.Set("known_to", page.To.Index)
		q.Set("after", page.Next)
	}
}

func printDiff(out io.Writer, d *api.Diff) error {
	fmt.Fprintf(out, "from %s to %s: %d differences\n", knownText(&d.From), knownText(&d.To), len(d.Differences))
	if len(d.Differences) == 0 {
		return nil
	}
	return columns(out, "CHANGE\tKIND\tID\tCALLSIGN\tWHAT\tBEFORE\tAFTER\tWINDOWS", func(w io.Writer) {
		for i := range d.Differences {
			x := &d.Differences[i]
			kind, id := "flight", x.Flight
			if x.Sector != "" {
				kind, id = "sector", x.Sector
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", x.Change, kind, id, dash(x.Callsign), dash(strings.Join(x.What, ",")), dash(x.Before), dash(x.After),
				dash(strings.Join(slices.Concat(windowTexts("-", x.WindowsBefore), windowTexts("+", x.WindowsAfter)), " ")))
		}
	})
}

// knownText is an entry with its time.
func knownText(k *api.Known) string {
	if k.Time == nil {
		return "index " + k.Index
	}
	return fmt.Sprintf("index %s (%s)", k.Index, clock(*k.Time))
}

// windowTexts are windows from the earliest entry to the latest leaving, by the minute's clock, with a sign before each.
func windowTexts(sign string, windows []api.SectorWindow) []string {
	var list []string
	for _, w := range windows {
		list = append(list, fmt.Sprintf("%s%s[%s-%s]", sign, w.Sector, clock(w.EntersEarliest)[11:19], clock(w.LeavesLatest)[11:19]))
	}
	return list
}
