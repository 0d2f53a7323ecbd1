package main

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"time"

	"github.com/spf13/cobra"

	"onevoice/web/api"
	"onevoice/web/ask"
)

// acting is what the commands that act on a flight or sector have in common.
type acting struct {
	asking
	position, holder, match string
	sector, force           bool
	to                      api.Target
	timeout                 time.Duration
}

func handoffCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "handoff", Short: "Hand a flight over to another position",
		Long: `Hand a flight over. The position that controls it proposes it to another, or to a sector and so to whoever works it then; that one accepts or refuses,
and the first may recall it. Until it is accepted, or where the time for it is over, it stays where it is.`,
	}
	cmd.AddCommand(
		actCommand("propose", "/handoff", "Offer a flight that the position controls to another"),
		actCommand("accept", "/handoff", "Take a flight that is offered"),
		actCommand("refuse", "/handoff", "Leave a flight with who offers it"),
		actCommand("recall", "/handoff", "Take an offer back"),
	)
	return cmd
}

func controlCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "control", Short: "Who controls which flight and works which sector",
		Long: `Who controls which flight and works which sector, and to change that. A flight is pre-active, coordinated, handoff, controlled, finished or
uncontrolled; with --sector the commands are about a sector, which is controlled, handoff or uncontrolled.`,
	}
	cmd.AddCommand(
		controlShowCommand(), controlListCommand(),
		actCommand("coordinate", "/control", "Say to whom a flight that nobody controls will come"),
		actCommand("assume", "/control", "Take what nobody controls, or what is coordinated to the position"),
		actCommand("release", "/control", "Give up what the position controls, with nobody to take it"),
		actCommand("finish", "/control", "Be done with a flight"),
		actCommand("take", "/control", "Take what a position has that is unattended"),
		actCommand("propose", "/control", "Offer to another position"),
		actCommand("accept", "/control", "Take what is offered"),
		actCommand("refuse", "/control", "Leave it with who offers it"),
		actCommand("recall", "/control", "Take an offer back"),
	)
	return cmd
}

func thingPath(id string, sector bool) string {
	if sector {
		return "/sectors/" + url.PathEscape(id)
	}
	return "/flights/" + url.PathEscape(id)
}

func actCommand(act, route, short string) *cobra.Command {
	var o acting
	handoff := route == "/handoff"
	what := "ID"
	if handoff {
		what = "FLIGHT"
	}
	cmd := &cobra.Command{
		Use: act + " " + what, Short: short, Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return o.run(cmd, act, route, args[0]) },
	}
	f := cmd.Flags()
	f.StringVar(&o.position, "as", os.Getenv("ONEVOICE_POSITION"), "position that acts (environment: ONEVOICE_POSITION)")
	f.StringVar(&o.match, "if-match", "", "version that the record must have, as 1021.3")
	if act == "propose" || act == "coordinate" || act == "take" && !handoff {
		f.StringVar(&o.to.Position, "to", "", "position to whom it is, for take with --force the one it is taken for")
		f.StringVar(&o.to.Sector, "to-sector", "", "sector to whose position it is")
	}
	if act == "propose" {
		f.DurationVar(&o.timeout, "offer", 0, "how long the offer stands, 1s to 10m (default 1m)")
	}
	if !handoff {
		f.BoolVar(&o.sector, "sector", false, "it is a sector, and not a flight")
	}
	if !handoff && (act == "take" || act == "release") {
		f.BoolVar(&o.force, "force", false, "whoever has it; needs the right supervise")
	}
	holderFlag(cmd, &o.holder)
	askFlags(cmd, &o.asking)
	return cmd
}

func (o *acting) run(cmd *cobra.Command, act, route, id string) error {
	var body any = api.ControlAct{Act: act, Position: o.position, Holder: o.holder, To: o.to, TimeoutMs: o.timeout.Milliseconds()}
	switch {
	case o.force:
		route, body = "/supervise", api.Supervision{Act: act, To: o.to}
	case o.position == "":
		return usageError{errors.New("--as is missing: the position that acts")}
	}
	content, err := json.Marshal(body)
	if err != nil {
		return err
	}
	header := jsonHeader()
	if o.match != "" {
		header.Set("If-Match", `"`+o.match+`"`)
	}
	var c api.Control
	r := ask.Request{Method: http.MethodPost, Path: thingPath(id, o.sector) + route, Body: content, Header: header}
	if err := o.patiently(cmd.Context(), r, &c); err != nil {
		return err
	}
	if o.output == "json" {
		return json.NewEncoder(cmd.OutOrStdout()).Encode(c)
	}
	return printControl(cmd.OutOrStdout(), []api.Control{c})
}

func controlShowCommand() *cobra.Command {
	var a asking
	var sector bool
	cmd := &cobra.Command{
		Use: "show ID", Short: "Who controls a flight, or works a sector", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var c api.Control
			return a.show(cmd, thingPath(args[0], sector)+"/control", &c, func(out io.Writer) error {
				return printControl(out, []api.Control{c})
			})
		},
	}
	cmd.Flags().BoolVar(&sector, "sector", false, "it is a sector, and not a flight")
	askFlags(cmd, &a)
	return cmd
}

func controlListCommand() *cobra.Command {
	var a asking
	var p page
	cmd := &cobra.Command{
		Use: "list POSITION", Short: "The flights that a position has, and those addressed to it", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			var all api.ControlList
			return a.show(cmd, "/positions/"+url.PathEscape(args[0])+"/flights"+p.query(), &all, func(out io.Writer) error {
				return errors.Join(printControl(out, all.Flights), printNext(out, all.Next, ""))
			})
		},
	}
	pageFlags(cmd, &p)
	askFlags(cmd, &a)
	return cmd
}

func printControl(out io.Writer, list []api.Control) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(out, "none")
		return err
	}
	return columns(out, "ID\tSTATE\tPOSITION\tTO\tOFFER ENDS\tVERSION", func(w io.Writer) {
		for _, c := range list {
			ends := "-"
			if c.Ends != nil {
				ends = c.Ends.String()
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", c.Flight+c.Sector, c.State, controllerOf(c.Position, c.Attended), targetOf(&c), ends, c.Version)
		}
	})
}

// controllerOf is who has something, and whether nobody is there.
func controllerOf(position string, attended bool) string {
	if position != "" && !attended {
		return position + " (unattended)"
	}
	return dash(position)
}

func targetOf(c *api.Control) string {
	switch {
	case c.To == nil:
		return "-"
	case c.To.Sector != "":
		return fmt.Sprintf("sector %s (%s)", c.To.Sector, dash(c.Receiver))
	}
	return c.To.Position
}
