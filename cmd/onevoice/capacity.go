package main

import (
	"fmt"
	"io"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"onevoice/web/api"
)

func capacityCommand() *cobra.Command {
	var a asking
	var from, to, bucket, known string
	var p page
	cmd := &cobra.Command{
		Use:   "capacity [SECTOR]",
		Short: "How much traffic a sector is to expect, or which sectors are to expect too much",
		Long: `With a sector: its load in buckets of time, and how that stands to its thresholds. Without: the buckets of the next 24 hours in which the load of
a sector reaches a threshold. Flights count when they may be there; "sure" counts those that surely are. All times are UTC.`,
		Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 0 {
				if from+to+bucket != "" {
					return usageError{fmt.Errorf("--from, --to and --bucket are for one sector; without one, the next 24 hours are listed")}
				}
				var levels api.Levels
				p.known = known
				return a.show(cmd, "/capacity"+p.query(), &levels, func(out io.Writer) error { return printLevels(out, &levels, known) })
			}
			var l api.Load
			path := "/sectors/" + url.PathEscape(args[0]) + "/load" + params(map[string]string{"from": from, "to": to, "bucket": bucket, "known_at": known}, 0)
			return a.show(cmd, path, &l, func(out io.Writer) error { return printLoad(out, &l) })
		},
	}
	cmd.Flags().StringVar(&from, "from", "", "begin of the time asked for, RFC 3339 UTC (default: the bucket of now, in service time)")
	cmd.Flags().StringVar(&to, "to", "", "end of the time asked for (default: an hour after from)")
	cmd.Flags().StringVar(&bucket, "bucket", "", "length of a bucket in whole minutes, 1m to 1440m (default 10m)")
	knownFlag(cmd, &known)
	pageFlags(cmd, &p)
	askFlags(cmd, &a)
	return cmd
}

func printLoad(out io.Writer, l *api.Load) error {
	fmt.Fprintf(out, "%s from %s to %s, each %s; %s\n", l.Sector, clock(l.From), clock(l.To), time.Duration(l.Bucket), thresholds(l.Capacity))
	return columns(out, "FROM\tENTRIES\tHOUR\tPEAK\tSURE\tLEVEL\t", func(w io.Writer) {
		for _, b := range l.Buckets {
			fmt.Fprintf(w, "%s\t%d\t%d\t%d\t%d\t%s\t%s\n", clock(b.From), b.Entries, b.HourEntries, b.Peak, b.SurePeak, b.Level, bar(b))
		}
	})
}

func printLevels(out io.Writer, p *api.Levels, known string) error {
	if p.Counting {
		fmt.Fprintln(out, "counting: some sectors are still being counted; there may be more")
	}
	err := columns(out, "SECTOR\tFROM\tHOUR\tPEAK\tSURE\tLEVEL\tTHRESHOLDS\t", func(w io.Writer) {
		for _, l := range p.Levels {
			fmt.Fprintf(w, "%s\t%s\t%d\t%d\t%d\t%s\t%s\t%s\n", l.Sector, clock(l.Bucket.From), l.Bucket.HourEntries, l.Bucket.Peak, l.Bucket.SurePeak,
				l.Bucket.Level, thresholds(l.Capacity), bar(l.Bucket))
		}
	})
	if err != nil {
		return err
	}
	return printNext(out, p.Next, known)
}

// thresholds prints what is worth a warning and an alert.
func thresholds(c api.Capacity) string {
	pair := func(name string, warn, alert int) string {
		one := func(n int) string {
			if n == 0 {
				return "-"
			}
			return strconv.Itoa(n)
		}
		return name + " " + one(warn) + "/" + one(alert)
	}
	var list []string
	if c.OccupancyWarn+c.OccupancyAlert > 0 {
		list = append(list, pair("peak", c.OccupancyWarn, c.OccupancyAlert))
	}
	if c.EntriesWarn+c.EntriesAlert > 0 {
		list = append(list, pair("hour", c.EntriesWarn, c.EntriesAlert))
	}
	if list == nil {
		return "no thresholds"
	}
	return strings.Join(list, " ")
}

// longestBar is the most flights that a bar shows one by one.
const longestBar = 40

// bar draws a peak: flights that surely are there, and those that may be.
func bar(b api.Bucket) string {
	text := strings.Repeat("#", min(b.SurePeak, longestBar)) + strings.Repeat("-", max(min(b.Peak, longestBar)-b.SurePeak, 0))
	if b.Peak > longestBar {
		text += ">"
	}
	return text
}
