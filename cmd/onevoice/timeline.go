package main

import (
	"fmt"
	"io"
	"net/url"
	"strings"

	"github.com/spf13/cobra"

	"onevoice/web/api"
)

func timelineCommand() *cobra.Command {
	var a asking
	var sector, from, to, known, after string
	var limit int
	cmd := &cobra.Command{
		Use:   "timeline {FLIGHT | --sector SECTOR}",
		Short: "How a flight was believed to go, one belief after another; or who is in a sector, drawn over time",
		Long: `Of a flight: what was believed of it, since when, and where it was to be when: known time downwards, valid time to the right. Of a sector: its
visits, drawn over the time asked for ("=" surely there, "-" perhaps), as believed now or --known-at a time. All times are UTC.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			switch {
			case (len(args) == 1) == (sector != ""):
				return usageError{fmt.Errorf("name a flight, or --sector, and not both; see %s --help", cmd.CommandPath())}
			case sector != "":
				var p api.Presences
				path := "/sectors/" + url.PathEscape(sector) + "/flights" + params(map[string]string{"known_at": known, "from": from, "to": to, "after": after}, limit)
				return a.show(cmd, path, &p, func(out io.Writer) error { return drawPresences(out, &p, known) })
			case from+to+known != "":
				return usageError{fmt.Errorf("--from, --to and --known-at are for a sector; of a flight all that is held is shown")}
			}
			var v api.Versions
			path := "/history" + params(map[string]string{"flight": args[0], "after": after}, limit)
			return a.show(cmd, path, &v, func(out io.Writer) error { return printVersions(out, &v) })
		},
	}
	cmd.Flags().StringVar(&sector, "sector", "", "draw the visits to this sector")
	cmd.Flags().StringVar(&from, "from", "", "of a sector: begin of the time asked for, RFC 3339 UTC (default: now, in service time)")
	cmd.Flags().StringVar(&to, "to", "", "of a sector: end of the time asked for (default: an hour after from)")
	knownFlag(cmd, &known)
	cmd.Flags().StringVar(&after, "after", "", "the next page, as the page before named it")
	cmd.Flags().IntVar(&limit, "limit", 0, "lines a page, 1 to 1000")
	askFlags(cmd, &a)
	return cmd
}

func printVersions(out io.Writer, v *api.Versions) error {
	name := ""
	if n := len(v.Versions); n > 0 && v.Versions[n-1].Flight.Callsign != "" {
		name = " " + v.Versions[n-1].Flight.Callsign
	}
	fmt.Fprintf(out, "%s%s, as it was believed, page of %d", v.Flight, name, len(v.Versions))
	if v.Horizon != nil {
		fmt.Fprintf(out, "; held from %s on", knownText(v.Horizon))
	}
	fmt.Fprintln(out)
	err := columns(out, "KNOWN SINCE\tINDEX\tUNTIL\tCHANGE\tVERSION\tBEGINS\tENDS\tSECTORS", func(w io.Writer) {
		for i := range v.Versions {
			k := &v.Versions[i]
			since, until := "-", "-"
			if k.Since.Time != nil {
				since = clock(*k.Since.Time)
			}
			if k.Until != nil {
				until = k.Until.Index
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", since, k.Since.Index, until, k.Change, k.Flight.Version, clock(k.Flight.Begins()), clock(k.Flight.Ends()),
				dash(strings.Join(windowTexts("", k.Flight.Windows), " ")))
		}
	})
	if err != nil {
		return err
	}
	return printNext(out, v.Next, "")
}

// timelineWidth is how many places a drawn time has.
const timelineWidth = 60

// drawPresences draws each visit as a bar over the time of the page.
func drawPresences(out io.Writer, p *api.Presences, known string) error {
	fmt.Fprintf(out, "%s from %s to %s: %d visits, a place is %s\n", p.Sector, clock(p.From), clock(p.To), len(p.Flights), millis(int64(p.To-p.From)/timelineWidth/1e6))
	for i := range p.Flights {
		f := &p.Flights[i]
		name := f.Callsign
		if name == "" {
			name = f.Flight
		}
		fmt.Fprintf(out, "%-12.12s |%s| %s-%s\n", name, visitBar(p.From, p.To, f), clock(f.EntersEarliest)[11:16], clock(f.LeavesLatest)[11:16])
	}
	return printSpanNext(out, p.From, p.To, p.Next, known)
}

// visitBar is a visit over a time: "-" where the flight may be there, "=" where it surely is.
func visitBar(from, to api.Time, f *api.Presence) string {
	bar := []byte(strings.Repeat(" ", timelineWidth))
	draw := func(begin, end api.Time, mark byte) {
		for i := range bar {
			at := from + api.Time(int64(to-from)*int64(i)/timelineWidth)
			next := from + api.Time(int64(to-from)*int64(i+1)/timelineWidth)
			if begin < next && at < end {
				bar[i] = mark
			}
		}
	}
	draw(f.EntersEarliest, f.LeavesLatest, '-')
	if f.Sure {
		draw(f.EntersLatest, f.LeavesEarliest, '=')
	}
	return string(bar)
}
