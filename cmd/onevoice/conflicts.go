package main

import (
	"encoding/json"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"

	"github.com/spf13/cobra"

	"onevoice/geojson"
	"onevoice/web/api"
	"onevoice/web/ask"
)

// params makes a query of those that are not empty; a number of 0 is.
func params(values map[string]string, limit int) string {
	q := url.Values{}
	for name, value := range values {
		if value != "" {
			q.Set(name, value)
		}
	}
	if limit > 0 {
		q.Set("limit", strconv.Itoa(limit))
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

func conflictsCommand() *cobra.Command {
	var a asking
	var sector, flight, from, to, after string
	var limit int
	cmd := &cobra.Command{
		Use:   "conflicts",
		Short: "Which plans come too close, when and where",
		Long: `Which plans come too close: pairs of flights that keep less than the separation of their sectors (5 NM and 1,000 ft unless a sector or
the rules say another) at once, by when that begins. Plans decide, not how uncertain they are; a plan of volumes says of no moment where the flight is, and
is in no conflict. All times are UTC.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var p api.Conflicts
			if a.output == asMap {
				return a.drawConflicts(cmd, map[string]string{"sector": sector, "flight": flight, "from": from, "to": to, "after": after}, limit)
			}
			path := "/conflicts" + params(map[string]string{"sector": sector, "flight": flight, "from": from, "to": to, "after": after}, limit)
			return a.show(cmd, path, &p, func(out io.Writer) error { return printConflicts(out, &p) })
		},
	}
	cmd.Flags().StringVar(&sector, "sector", "", "only where a flight may be in this sector while the two are too close")
	cmd.Flags().StringVar(&flight, "flight", "", "only those of this flight")
	cmd.Flags().StringVar(&from, "from", "", "begin of the time asked for, RFC 3339 UTC (default: now, in service time)")
	cmd.Flags().StringVar(&to, "to", "", "end of the time asked for (default: an hour after from)")
	cmd.Flags().StringVar(&after, "after", "", "the next page, as the page before named it")
	cmd.Flags().IntVar(&limit, "limit", 0, "conflicts a page, 1 to 1000")
	askFlags(cmd, &a, asMap)
	return cmd
}

// drawConflicts draws all conflicts of a time by their closest points.
func (a *asking) drawConflicts(cmd *cobra.Command, values map[string]string, limit int) error {
	q, err := url.ParseQuery(strings.TrimPrefix(params(values, limit), "?"))
	if err != nil {
		return err
	}
	d := drawing{a, "/conflicts", q, func(body []byte, _ ask.Proof) (drawn []geojson.Feature, next url.Values, err error) {
		var p api.Conflicts
		if err := json.Unmarshal(body, &p); err != nil {
			return nil, nil, err
		}
		for i := range p.Conflicts {
			drawn = append(drawn, geojson.OfConflict(&p.Conflicts[i])...)
		}
		if p.Next != "" {
			next = url.Values{"from": {p.From.String()}, "to": {p.To.String()}, "after": {p.Next}}
		}
		return drawn, next, nil
	}}
	return d.draw(cmd)
}

func printConflicts(out io.Writer, p *api.Conflicts) error {
	more := ""
	if p.Next != "" {
		more = " and more"
	}
	fmt.Fprintf(out, "from %s to %s: %d conflicts%s\n", clock(p.From), clock(p.To), len(p.Conflicts), more)
	if p.Computing {
		fmt.Fprintln(out, "computing: conflicts of some flights are still being worked out; there may be more")
	}
	if p.Crowded {
		fmt.Fprintln(out, "crowded: some flights have more conflicts than are kept")
	}
	err := columns(out, "CLOSEST\tNM\tFT\tTOO CLOSE\tA\tB\tSECTORS", func(w io.Writer) {
		for _, c := range p.Conflicts {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\n", clock(c.Closest.Time), miles(c.Closest.Lateral), feet(c.Closest.Vertical),
				times(c.Spans), named(c.A), named(c.B), dash(strings.Join(c.Sectors, ",")))
		}
	})
	if err == nil {
		err = printSpanNext(out, p.From, p.To, p.Next, "")
	}
	return err
}

// times prints from when to when two flights are too close, and how often where it is not once.
func times(spans []api.Span) string {
	text := span(spans[0].From, spans[len(spans)-1].To)
	if n := len(spans); n > 1 {
		text += fmt.Sprintf(", %d times", n)
	}
	return text
}

// named is a flight as people call it, and as the service does.
func named(f api.ConflictFlight) string {
	if f.Callsign == "" || f.Callsign == f.Flight {
		return f.Flight
	}
	return f.Callsign + " " + f.Flight
}

// miles prints a distance in NM to a tenth, rounded down: never more than it is.
func miles(l api.Length) string {
	tenths := int64(l) * 10 / 185_200
	return fmt.Sprintf("%d.%d", tenths/10, tenths%10)
}

// feet prints a height in whole feet, rounded down.
func feet(h api.Height) string { return strconv.FormatInt(int64(h)*100/3048, 10) }
