package main

import (
	"fmt"
	"io"
	"net/url"

	"github.com/spf13/cobra"

	"onevoice/web/api"
)

func whoCommand() *cobra.Command {
	var a asking
	var at, known, from, to, after string
	var limit int
	cmd := &cobra.Command{
		Use:   "who SECTOR",
		Short: "Which flights may be in a sector, and when",
		Long: `Which flights may be in a sector, and when: all visits that may meet the time asked for, by earliest entry.
Without a time: from now, which is the airspace's service time, for an hour. With --known-at it is answered as it would have been then, from then on;
who controls a flight is not held of the past, and "-" there. All times are UTC.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var p api.Presences
			path := "/sectors/" + url.PathEscape(args[0]) + "/flights" + params(map[string]string{"at": at, "known_at": known, "from": from, "to": to, "after": after}, limit)
			return a.show(cmd, path, &p, func(out io.Writer) error { return printPresences(out, &p, known) })
		},
	}
	cmd.Flags().StringVar(&at, "at", "", "the moment to take as now, RFC 3339 UTC (default: service time)")
	knownFlag(cmd, &known)
	cmd.Flags().StringVar(&from, "from", "", "begin of the time asked for, RFC 3339 UTC (default: now)")
	cmd.Flags().StringVar(&to, "to", "", "end of the time asked for (default: an hour after from)")
	cmd.Flags().StringVar(&after, "after", "", "the next page, as the page before named it")
	cmd.Flags().IntVar(&limit, "limit", 0, "visits a page, 1 to 1000")
	askFlags(cmd, &a)
	return cmd
}

func printPresences(out io.Writer, p *api.Presences, known string) error {
	fmt.Fprintf(out, "%s from %s to %s: %d visits\n", p.Sector, clock(p.From), clock(p.To), len(p.Flights))
	err := columns(out, "CALLSIGN\tENTERS\tLEAVES\tFROM\tTO\tCONTROL\tPOSITION\tFLIGHT", func(w io.Writer) {
		for _, f := range p.Flights {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", dash(f.Callsign), span(f.EntersEarliest, f.EntersLatest),
				span(f.LeavesEarliest, f.LeavesLatest), dash(f.From), dash(f.To),
				dash(f.Control), controllerOf(f.Position, f.Attended), f.Flight)
		}
	})
	if err == nil {
		err = printSpanNext(out, p.From, p.To, p.Next, known)
	}
	return err
}

func dash(text string) string {
	if text == "" {
		return "-"
	}
	return text
}
