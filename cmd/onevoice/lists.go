package main

import (
	"errors"
	"fmt"
	"io"
	"net/url"
	"strconv"
	"time"

	"github.com/spf13/cobra"

	"onevoice/geojson"
	"onevoice/web/api"
)

// knownFlag adds the flag that says as known when a question is asked.
func knownFlag(cmd *cobra.Command, known *string) {
	cmd.Flags().StringVar(known, "known-at", "", "as known when: an index, or RFC 3339 UTC in service time (default: the present)")
}

// page is what commands that list things take.
type page struct {
	after, known string
	limit        int
}

func pageFlags(cmd *cobra.Command, p *page) {
	cmd.Flags().StringVar(&p.after, "after", "", "begin after this identifier")
	cmd.Flags().IntVar(&p.limit, "limit", 0, "lines a page, 1 to 1000")
}

func (p page) query() string {
	q := url.Values{}
	if p.after != "" {
		q.Set("after", p.after)
	}
	if p.known != "" {
		q.Set("known_at", p.known)
	}
	if p.limit > 0 {
		q.Set("limit", strconv.Itoa(p.limit))
	}
	if len(q) == 0 {
		return ""
	}
	return "?" + q.Encode()
}

// printNext says what to ask for the next page: the same question with these flags. A question as of a known time names it again.
func printNext(out io.Writer, next, known string) error {
	return printMore(out, "", next, known)
}

// printSpanNext is printNext of a question about a time, which the next page names as the answer did.
func printSpanNext(out io.Writer, from, to api.Time, next, known string) error {
	return printMore(out, fmt.Sprintf("--from %s --to %s ", clock(from), clock(to)), next, known)
}

func printMore(out io.Writer, flags, next, known string) error {
	if next == "" {
		return nil
	}
	if known != "" {
		flags += "--known-at " + known + " "
	}
	_, err := fmt.Fprintf(out, "more: %s--after %s\n", flags, next)
	return err
}

// shown says how things of one kind are shown: one by itself, a page of them, and on a map; list takes a page apart.
type shown[one, many any] struct {
	printOne  func(io.Writer, *one) error
	printMany func(out io.Writer, page *many, known string) error
	list      func(*many) (things []one, next string)
	features  func(*one) []geojson.Feature
	now       bool // of what the past is not held
}

// listing makes a command that lists things of one kind, or shows the one that is named.
func listing[one, many any](use, short, path string, of shown[one, many]) *cobra.Command {
	var a asking
	var p page
	cmd := &cobra.Command{
		Use: use, Short: short, Args: cobra.MaximumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if len(args) == 1 {
				into, path1 := new(one), path+"/"+url.PathEscape(args[0])+page{known: p.known}.query()
				if a.output == asMap {
					return drawOne(&a, cmd, path1, of.features)
				}
				return a.show(cmd, path1, into, func(out io.Writer) error { return of.printOne(out, into) })
			}
			if a.output == asMap {
				return drawMany(&a, cmd, path, p, of)
			}
			into := new(many)
			return a.show(cmd, path+p.query(), into, func(out io.Writer) error { return of.printMany(out, into, p.known) })
		},
	}
	pageFlags(cmd, &p)
	knownFlag(cmd, &p.known)
	askFlags(cmd, &a, asMap)
	return cmd
}

func flightsCommand() *cobra.Command {
	return listing("flights [FLIGHT]", "List the flights, or show one with its sector windows", "/flights", shown[api.Flight, api.Flights]{printFlight,
		func(out io.Writer, page *api.Flights, known string) error {
			return errors.Join(printFlights(out, page.Flights), printNext(out, page.Next, known))
		}, func(page *api.Flights) ([]api.Flight, string) { return page.Flights, page.Next }, geojson.OfFlight, false})
}

func printFlights(out io.Writer, flights []api.Flight) error {
	return columns(out, "FLIGHT\tCALLSIGN\tFROM\tTO\tBEGINS\tENDS\tSECTORS\tVERSION", func(w io.Writer) {
		for _, f := range flights {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\n", f.ID, dash(f.Callsign), dash(f.From), dash(f.To),
				clock(f.Begins()), clock(f.Ends()), len(f.Windows), f.Version)
		}
	})
}

func printFlight(out io.Writer, f *api.Flight) error {
	plan := fmt.Sprintf("%d points", len(f.Path))
	if n := len(f.Volumes); n > 0 {
		plan = fmt.Sprintf("%d volumes", n)
	}
	fmt.Fprintf(out, "%s %s from %s to %s, %s, %s to %s, version %s\n", f.ID, dash(f.Callsign), dash(f.From), dash(f.To),
		plan, clock(f.Begins()), clock(f.Ends()), f.Version)
	if p := f.Progress; p != nil {
		fmt.Fprintf(out, "%s since %s, last report of %s\n", p.State, clock(p.Since), clock(p.LastReport))
	}
	return columns(out, "SECTOR\tENTERS\tLEAVES\tAT MOST", func(w io.Writer) {
		for _, v := range f.Windows {
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\n", v.Sector, span(v.EntersEarliest, v.EntersLatest), span(v.LeavesEarliest, v.LeavesLatest),
				time.Duration(v.LeavesLatest-v.EntersEarliest).Round(time.Second))
		}
	})
}
