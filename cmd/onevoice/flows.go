package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"onevoice/web/api"
	"onevoice/web/ask"
)

// flowOptions are what questions about flows take.
type flowOptions struct {
	asking
	from, to, sector, known string
}

func (o *flowOptions) flags(cmd *cobra.Command, forms ...string) {
	cmd.Flags().StringVar(&o.from, "from", "", "begin of the time asked for, RFC 3339 UTC (default: now, which is service time)")
	knownFlag(cmd, &o.known)
	cmd.Flags().StringVar(&o.to, "to", "", "end of the time asked for (default: an hour after from)")
	cmd.Flags().StringVar(&o.sector, "sector", "", "only what has to do with this sector")
	askFlags(cmd, &o.asking, forms...)
}

func (o *flowOptions) query(limit int) url.Values {
	q := url.Values{"limit": {strconv.Itoa(limit)}}
	for name, value := range map[string]string{"from": o.from, "to": o.to, "sector": o.sector, "known_at": o.known} {
		if value != "" {
			q.Set(name, value)
		}
	}
	return q
}

// allPages asks for all pages of a list, which take gives the next of; later pages are of the same time as the first.
func (o *flowOptions) allPages(ctx context.Context, path string, limit int, take func(body []byte) (from, to api.Time, next string, err error)) (string, error) {
	client, q := o.client(), o.query(limit)
	var first ask.Proof
	for {
		var body []byte
		proof, err := client.Do(ctx, ask.Request{Path: path + "?" + q.Encode()}, &body)
		if err != nil {
			return "", err
		}
		from, to, next, err := take(body)
		if err != nil {
			return "", fmt.Errorf("answer to %s: %w", path, err)
		}
		if first == (ask.Proof{}) {
			first = proof
		}
		if next == "" {
			line, err := proofLine(ctx, client, proof)
			if proof.Index != first.Index {
				line = "pages of several indices, from " + first.Index + " on; the last: " + line
			}
			return line, err
		}
		q.Set("from", from.String())
		q.Set("to", to.String())
		q.Set("after", next)
	}
}

func flowsCommand() *cobra.Command {
	var o flowOptions
	cmd := &cobra.Command{
		Use: "flows", Short: "How flights go from sector to sector: who feeds whom, how much, how late", Args: cobra.NoArgs,
		Long: `How flights go from sector to sector in a time, by the agreed plans: who feeds whom, how much, and how much later than first planned.
With -o dot it is a graph that Graphviz draws (onevoice flows -o dot | dot -Tsvg), with -o csv a table for others.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			all := api.Flows{Flows: []api.Flow{}}
			line, err := o.allPages(cmd.Context(), "/flows", 1000, func(body []byte) (api.Time, api.Time, string, error) {
				var page api.Flows
				err := json.Unmarshal(body, &page)
				all.From, all.To, all.Flows = page.From, page.To, append(all.Flows, page.Flows...)
				return page.From, page.To, page.Next, err
			})
			if err == nil {
				err = printFlows(cmd.OutOrStdout(), o.output, &all)
			}
			if err == nil && o.output == "" {
				fmt.Fprintln(cmd.ErrOrStderr(), line)
			}
			return err
		},
	}
	o.flags(cmd, "dot", "csv")
	return cmd
}

func printFlows(out io.Writer, output string, p *api.Flows) error {
	switch output {
	case "json":
		return json.NewEncoder(out).Encode(p)
	case "dot":
		return drawFlows(out, p)
	case "csv":
		return tabulateFlows(out, p)
	}
	fmt.Fprintf(out, "from %s to %s: %d flows\n", clock(p.From), clock(p.To), len(p.Flows))
	return columns(out, "FROM\tTO\tCOUNT\tFIRST\tLAST\tMEAN LATE\tWORST LATE\tKNOWN OF", func(w io.Writer) {
		for _, f := range p.Flows {
			mean, worst, known := "unknown", "unknown", 0
			if f.Late != nil {
				mean, worst, known = lateness(f.Late.MeanMs), lateness(f.Late.WorstMs), f.Late.Known
			}
			fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%s\t%s\t%d\n", outside(f.From), outside(f.To), f.Count, clock(f.First), clock(f.Last), mean, worst, known)
		}
	})
}

// lateness prints milliseconds to the second.
func lateness(ms int64) string {
	return (time.Duration(ms) * time.Millisecond).Round(time.Second).String()
}

func outside(sector string) string {
	if sector == "" {
		return "(outside)"
	}
	return sector
}

// drawFlows writes a graph for Graphviz. What comes in and what goes out are two nodes, so that flows run one way through the picture.
func drawFlows(out io.Writer, p *api.Flows) error {
	most := 1
	for _, f := range p.Flows {
		most = max(most, f.Count)
	}
	fmt.Fprintf(out, "digraph flows {\n  label=\"%s to %s\";\n  rankdir=LR;\n  node [shape=box];\n", clock(p.From), clock(p.To))
	for _, f := range p.Flows {
		from, to, style := f.From, f.To, ""
		if from == "" {
			from, style = "in", ", style=dashed"
		}
		if to == "" {
			to, style = "out", ", style=dashed"
		}
		label := strconv.Itoa(f.Count)
		if f.Late != nil {
			label += ", late " + lateness(f.Late.MeanMs)
		}
		fmt.Fprintf(out, "  %s -> %s [label=%q, penwidth=%.1f%s];\n", node(f.From, from), node(f.To, to), label, 1+4*float64(f.Count)/float64(most), style)
	}
	_, err := fmt.Fprintln(out, "}")
	return err
}

// node names a node of the graph: sectors by themselves, in and out with a space, which no sector's identifier has.
func node(sector, name string) string {
	if sector == "" {
		return strconv.Quote("outside " + name)
	}
	return strconv.Quote(name)
}

func tabulateFlows(out io.Writer, p *api.Flows) error {
	w := csv.NewWriter(out)
	rows := [][]string{{"from", "to", "count", "first", "last", "late_known", "late_mean_ms", "late_worst_ms"}}
	for _, f := range p.Flows {
		row := []string{f.From, f.To, strconv.Itoa(f.Count), f.First.String(), f.Last.String(), "0", "", ""}
		if f.Late != nil {
			row = append(row[:5], strconv.Itoa(f.Late.Known), strconv.FormatInt(f.Late.MeanMs, 10), strconv.FormatInt(f.Late.WorstMs, 10))
		}
		rows = append(rows, row)
	}
	return w.WriteAll(rows)
}
