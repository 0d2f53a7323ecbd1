package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"onevoice/geojson"
	"onevoice/web/api"
)

func zonesCommand() *cobra.Command {
	cmd := listing("zones [ZONE]", "List the zones, or show one; put and remove them", "/zones", shown[api.Zone, api.Zones]{
		func(out io.Writer, z *api.Zone) error { return printZones(out, []api.Zone{*z}) },
		func(out io.Writer, page *api.Zones, known string) error {
			return errors.Join(printZones(out, page.Zones), printNext(out, page.Next, known))
		}, func(page *api.Zones) ([]api.Zone, string) { return page.Zones, page.Next }, geojson.OfZone, true})
	cmd.AddCommand(putZoneCommand(), removeZoneCommand(), importZonesCommand())
	return cmd
}

func printZones(out io.Writer, zones []api.Zone) error {
	return columns(out, "ZONE\tKIND\tNAME\tOWNER\tFROM\tTO\tVOLUMES\tLIMIT\tCHECKED\tVERSION", func(w io.Writer) {
		for _, z := range zones {
			from, to := z.Volumes[0].From, z.Volumes[0].To
			for _, v := range z.Volumes {
				from, to = min(from, v.From), max(to, v.To)
			}
			checked := "all"
			if z.Checking {
				checked = "to " + dash(z.Checked)
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%d\t%s\t%s\t%s\n", z.ID, z.Kind, dash(z.Name), dash(z.Owner), from, to, len(z.Volumes), limitText(z.Limit), checked, z.Version)
		}
	})
}

// limitText is a limit for people, as "2 at once, 10 an hour".
func limitText(l *api.ZoneLimit) string {
	switch {
	case l == nil:
		return "-"
	case l.PerHour == 0:
		return fmt.Sprintf("%d at once", l.AtOnce)
	case l.AtOnce == 0:
		return fmt.Sprintf("%d an hour", l.PerHour)
	}
	return fmt.Sprintf("%d at once, %d an hour", l.AtOnce, l.PerHour)
}

func putZoneCommand() *cobra.Command {
	var a asking
	cmd := &cobra.Command{
		Use: "put ZONE FILE.json", Short: "Make or replace a zone, as in PUT /api/v1/zones/{id}", Args: cobra.ExactArgs(2),
		RunE: func(cmd *cobra.Command, args []string) error {
			body, err := os.ReadFile(args[1])
			if err != nil {
				return err
			}
			return a.putZone(cmd, args[0], body)
		},
	}
	askFlags(cmd, &a)
	return cmd
}

func importZonesCommand() *cobra.Command {
	var a asking
	cmd := &cobra.Command{
		Use: "import FILE.geojson", Short: "Put the zones of a GeoJSON file, as \"onevoice zones -o geojson\" writes it", Args: cobra.ExactArgs(1),
		Long: `Put the zones of a GeoJSON file, a FeatureCollection of Polygons as "onevoice zones -o geojson" writes it: properties zone, kind (closed, limit, notice),
from, to, and floor and ceiling or the flight levels fl_min and fl_max. Features of one zone are its volumes. Zones are put one after the other; it
ends at the first that is refused (exit code 5), and may be run again.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			file, err := os.Open(args[0])
			if err != nil {
				return err
			}
			defer file.Close()
			zones, err := geojson.ReadZones(file)
			if err != nil {
				return usageError{fmt.Errorf("%s: %w", args[0], err)}
			}
			for i := range zones {
				body, err := json.Marshal(&zones[i])
				if err != nil {
					return err
				}
				if err := a.putZone(cmd, zones[i].ID, body); err != nil {
					return err
				}
			}
			return nil
		},
	}
	askFlags(cmd, &a)
	return cmd
}

// putZone puts a zone and says so.
func (a *asking) putZone(cmd *cobra.Command, id string, body []byte) error {
	return a.change(cmd, http.MethodPut, "/zones/"+url.PathEscape(id), body, new(api.Written), func(out io.Writer, into any) error {
		_, err := fmt.Fprintf(out, "%s put, version %s\n", id, into.(*api.Written).Version)
		return err
	})
}

func removeZoneCommand() *cobra.Command {
	var a asking
	cmd := &cobra.Command{
		Use: "remove ZONE", Short: "Remove a zone", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			return a.change(cmd, http.MethodDelete, "/zones/"+url.PathEscape(args[0]), nil, new(api.Written), func(out io.Writer, into any) error {
				_, err := fmt.Fprintf(out, "%s removed, version %s\n", args[0], into.(*api.Written).Version)
				return err
			})
		},
	}
	askFlags(cmd, &a)
	return cmd
}

func applyCommand() *cobra.Command {
	var a asking
	cmd := &cobra.Command{
		Use: "apply FILE.json", Short: "Make several changes as one: all take effect at one place of the log, or none does", Args: cobra.ExactArgs(1),
		Long: `Make several changes as one: all take effect at one place of the log, or none does. The file is the body of POST /api/v1/commands:
{"commands": [{"put_flight": {"id": "SWR1", ...}, "if_match": "812.0"}, {"cancel_flight": "SWR2"}, {"put_zone": {...}}]}
A refusal names the command, as commands[3]; exit code 5.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			body, err := os.ReadFile(args[0])
			if err != nil {
				return err
			}
			return a.change(cmd, http.MethodPost, "/commands", body, new(api.Applied), func(out io.Writer, into any) error {
				done := into.(*api.Applied)
				_, err := fmt.Fprintf(out, "%d changes made as one, version %s\n", len(done.Results), done.Version)
				return err
			})
		},
	}
	askFlags(cmd, &a)
	return cmd
}

func breachesCommand() *cobra.Command {
	var a asking
	var p page
	var zone, flight, from, to string
	cmd := &cobra.Command{
		Use: "breaches", Short: "List the flights that come into closed zones, or are one too many in limited ones", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			q, err := url.ParseQuery(strings.TrimPrefix(p.query(), "?"))
			if err != nil {
				return err
			}
			for name, value := range map[string]string{"zone": zone, "flight": flight, "from": from, "to": to} {
				if value != "" {
					q.Set(name, value)
				}
			}
			into := new(api.Breaches)
			return a.show(cmd, "/breaches?"+q.Encode(), into, func(out io.Writer) error {
				return errors.Join(printBreaches(out, into.Breaches), printNext(out, into.Next, ""))
			})
		},
	}
	cmd.Flags().StringVar(&zone, "zone", "", "of this zone only")
	cmd.Flags().StringVar(&flight, "flight", "", "by this flight only")
	cmd.Flags().StringVar(&from, "from", "", "those that may last beyond it, RFC 3339 (default: now)")
	cmd.Flags().StringVar(&to, "to", "", "those that may begin before it (default: a day later)")
	pageFlags(cmd, &p)
	askFlags(cmd, &a)
	return cmd
}

func printBreaches(out io.Writer, list []api.Breach) error {
	return columns(out, "ZONE\tKIND\tFLIGHT\tCALLSIGN\tENTERS\tLEAVES\tAT MOST\tSURE", func(w io.Writer) {
		for _, b := range list {
			sure := "no"
			if b.Sure {
				sure = "yes"
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\t%s\t%s\n", b.Zone, b.Kind, b.Flight, dash(b.Callsign), span(b.EntersEarliest, b.EntersLatest),
				span(b.LeavesEarliest, b.LeavesLatest), time.Duration(b.LeavesLatest-b.EntersEarliest).Round(time.Second), sure)
		}
	})
}
