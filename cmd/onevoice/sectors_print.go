package main

import (
	"fmt"
	"io"
	"strings"

	"onevoice/web/api"
)

func printSectors(out io.Writer, sectors []api.Sector) error {
	return columns(out, "SECTOR\tNAME\tVOLUMES\tLOWEST\tHIGHEST\tVERSION", func(w io.Writer) {
		for _, s := range sectors {
			low, high := "-", "-"
			if len(s.Volumes) > 0 {
				low, high = lowest(s).String(), highest(s).String()
			}
			fmt.Fprintf(w, "%s\t%s\t%d\t%s\t%s\t%s\n", s.ID, s.Name, len(s.Volumes), low, high, s.Version)
		}
	})
}

func lowest(s api.Sector) api.Altitude {
	low := s.Volumes[0].Floor
	for _, v := range s.Volumes[1:] {
		if v.Floor.Cm < low.Cm {
			low = v.Floor
		}
	}
	return low
}

func highest(s api.Sector) api.Altitude {
	high := s.Volumes[0].Ceiling
	for _, v := range s.Volumes[1:] {
		if v.Ceiling.Cm > high.Cm {
			high = v.Ceiling
		}
	}
	return high
}

func printSector(out io.Writer, s *api.Sector) error {
	fmt.Fprintf(out, "%s %s, version %s\n", s.ID, s.Name, s.Version)
	if c := s.Staged; c != nil {
		fmt.Fprintf(out, "being changed since %s, version %s: %s, %d of about %d flights\n", clock(c.Since), c.Version, c.Phase, c.Done, c.Of)
	}
	printHours(out, s.Hours)
	if p := s.Separation; p != nil {
		fmt.Fprintf(out, "separation %s NM or %s ft\n", miles(p.Lateral), feet(p.Vertical))
	}
	if c := s.Capacity; c != nil {
		fmt.Fprintln(out, thresholds(*c))
	}
	return columns(out, "VOLUME\tFLOOR\tCEILING\tCORNERS\tFROM\tTO", func(w io.Writer) {
		for i, v := range s.Volumes {
			corners := 0
			for _, ring := range v.Polygon {
				corners += len(ring) - 1 // the last position is the first one again
			}
			fmt.Fprintf(w, "%d\t%s\t%s\t%d\t%s\t%s\n", i+1, v.Floor, v.Ceiling, corners, instantText(v.From), instantText(v.To))
		}
	})
}

// printHours says when a sector is open, in the order in which its hours count: a period over the week.
func printHours(out io.Writer, h *api.Hours) {
	if h == nil {
		fmt.Fprintln(out, "always open")
		return
	}
	for _, shift := range h.Weekly {
		fmt.Fprintf(out, "open %s from %s to %s\n", strings.ReplaceAll(shift.Days, " ", ", "), shift.From, shift.To)
	}
	if len(h.Weekly) == 0 && h.Shut {
		fmt.Fprintln(out, "closed, but for what is said below")
	}
	for _, p := range h.Periods {
		what := "closed"
		if p.Opens {
			what = "open"
		}
		fmt.Fprintf(out, "%s%s", what, betweenText(p.From, p.To))
		if p.Into != "" {
			fmt.Fprintf(out, ", combined into %s", p.Into)
		}
		fmt.Fprintln(out)
	}
}

// betweenText says from when to when, of what may have no begin and no end.
func betweenText(from, to *api.Time) string {
	switch {
	case from == nil && to == nil:
		return " always"
	case from == nil:
		return " until " + to.String()
	case to == nil:
		return " from " + from.String() + " on"
	}
	return " from " + from.String() + " to " + to.String()
}

// instantText is an instant with its day, or a dash for never.
func instantText(t *api.Time) string {
	if t == nil {
		return "-"
	}
	return t.String()
}
