package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"onevoice/problem"
	"onevoice/web/api"
	"onevoice/web/ask"
)

// groupNames are the words for the groups in flags and tables.
var groupNames = map[uint32]string{airspaceGroup: "airspace", membersGroup: "members"}

func groupName(group uint32) string {
	return cmp.Or(groupNames[group], fmt.Sprintf("group %d", group))
}

func viewCommand() *cobra.Command {
	var a asking
	var explain uint64
	var watch bool
	cmd := &cobra.Command{
		Use: "view", Short: "Who is up: the newest agreed view, why a view was made, or each view as it comes", Args: cobra.NoArgs,
		Long: `Who is up, by majority: every server and program obeys the newest view. A server that is down is so for that incarnation for good; its next
start is another incarnation. --explain says who had reported whom, and for what, when a view was made; the newest 128 can be
explained.`,
		RunE: func(cmd *cobra.Command, _ []string) error {
			switch explained := cmd.Flags().Changed("explain"); {
			case explained && watch:
				return usageError{errors.New("--explain and --watch do not go together")}
			case explained && explain == 0:
				return usageError{errors.New("--explain is 0, allowed: the number of a view, from 1")}
			case explained:
				return explainView(cmd, &a, explain)
			case watch:
				return watchViews(cmd.Context(), &a, cmd.OutOrStdout())
			}
			return askView(cmd, &a, 0, func(v *api.View) error { return printView(cmd.OutOrStdout(), v) })
		},
	}
	cmd.Flags().Uint64Var(&explain, "explain", 0, "say what led to this view")
	cmd.Flags().BoolVar(&watch, "watch", false, "print a line for each view as it comes, until Ctrl-C")
	askFlags(cmd, &a)
	return cmd
}

// askView asks for a view, 0 for the newest, and prints it: as it came with -o json, else as table does.
func askView(cmd *cobra.Command, a *asking, number uint64, table func(*api.View) error) error {
	path := "/view"
	if number != 0 {
		path += "?number=" + strconv.FormatUint(number, 10)
	}
	var body []byte
	if _, err := a.client().Do(cmd.Context(), ask.Request{Path: path}, &body); err != nil {
		return err
	}
	if a.output == "json" {
		_, err := cmd.OutOrStdout().Write(body)
		return err
	}
	var v api.View
	if err := json.Unmarshal(body, &v); err != nil {
		return fmt.Errorf("answer to %s: %w", path, err)
	}
	return table(&v)
}

// headOf is the line above a view: its number and hash, the bound, and who leads.
func headOf(v *api.View) string {
	line := fmt.Sprintf("view %d of %s, hash %.12s, detection bound %s", v.Number, moment(v.Made), v.Hash, ms(v.DetectionBoundMs))
	for i, l := range v.Leads {
		line += [2]string{", ", "; "}[oneIf(i == 0)] + fmt.Sprintf("%s leads %s", l.Name, groupName(l.Group))
	}
	return line
}

// moment prints an instant to the millisecond, UTC.
func moment(t api.Time) string {
	return time.Unix(0, int64(t)).UTC().Format("2006-01-02T15:04:05.000Z")
}

// ms prints milliseconds, without a fraction that says nothing.
func ms(v float64) string { return strconv.FormatFloat(v, 'f', -1, 64) + " ms" }

func printView(out io.Writer, v *api.View) error {
	fmt.Fprintln(out, headOf(v))
	return columns(out, "SERVER\tNAME\tSTANDING\tSINCE\tWHY\tINCARNATION\tSTART", func(w io.Writer) {
		for _, p := range v.Processes {
			fmt.Fprintf(w, "%d\t%s\t%s\tview %d\t%s\t%d\t%d\n", p.Server, p.Name, p.Standing, p.Since, why(&p), p.Incarnation, p.Start)
		}
	})
}

// why is what a process was reported for.
func why(p *api.Process) string {
	if p.Why == "none" {
		return "-"
	}
	return p.Why
}

// watchViews prints a line for each view until ctx ends, across failures of servers.
func watchViews(ctx context.Context, a *asking, out io.Writer) error {
	var before *api.View
	return watchStream(ctx, a.client(), "/views", "", func(id string, data []byte) error {
		if a.output == "json" {
			_, err := fmt.Fprintf(out, "%s\n", data)
			return err
		}
		v := new(api.View)
		if err := json.Unmarshal(data, v); err != nil {
			return fmt.Errorf("view %s: %w", id, err)
		}
		_, err := fmt.Fprintf(out, "%-6d %s  %s\n", v.Number, moment(v.Made), strings.Join(news(before, v), ", "))
		before = v
		return err
	})
}

// news is what is new in a view; everything, where the one before is not known.
func news(before, v *api.View) []string {
	var all []string
	for _, p := range v.Processes {
		if before == nil || p.Since == v.Number {
			all = append(all, standingOf(before, &p))
		}
	}
	if before == nil {
		before = &api.View{DetectionBoundMs: v.DetectionBoundMs}
	}
	for _, name := range leavers(before, v) {
		all = append(all, name+" is no member any more")
	}
	for _, l := range v.Leads {
		if l != leadIn(before, l.Group) {
			all = append(all, fmt.Sprintf("%s leads %s in term %d", l.Name, groupName(l.Group), l.Term))
		}
	}
	if v.DetectionBoundMs != before.DetectionBoundMs {
		all = append(all, fmt.Sprintf("detection bound %s, was %s", ms(v.DetectionBoundMs), ms(before.DetectionBoundMs)))
	}
	return all
}

// standingOf is a process's standing, with its start where that is new.
func standingOf(before *api.View, p *api.Process) string {
	text := p.Name
	if before != nil {
		if was := processIn(before, p.Server); was == nil || was.Start != p.Start {
			text += fmt.Sprintf(" (start %d)", p.Start)
		}
	}
	text += " " + p.Standing
	if p.Why != "none" {
		text += " (" + p.Why + ")"
	}
	return text
}

// leavers are those in one view and not in the next.
func leavers(before, v *api.View) []string {
	var names []string
	for _, p := range before.Processes {
		if processIn(v, p.Server) == nil {
			names = append(names, p.Name)
		}
	}
	return names
}

func leadIn(v *api.View, group uint32) api.Lead {
	for _, l := range v.Leads {
		if l.Group == group {
			return l
		}
	}
	return api.Lead{}
}

// processIn is a server's process in a view, nil where it has none.
func processIn(v *api.View, server uint64) *api.Process {
	i := slices.IndexFunc(v.Processes, func(p api.Process) bool { return p.Server == server })
	if i < 0 {
		return nil
	}
	return &v.Processes[i]
}

// explainView says in words what led to a view.
func explainView(cmd *cobra.Command, a *asking, number uint64) error {
	return askView(cmd, a, number, func(v *api.View) error {
		var before *api.View
		if number > 1 {
			before = new(api.View)
			path := "/view?number=" + strconv.FormatUint(number-1, 10)
			if _, err := a.client().Do(cmd.Context(), ask.Request{Path: path}, before); isNotFound(err) {
				before = nil
			} else if err != nil {
				return err
			}
		}
		return printExplained(cmd.OutOrStdout(), before, v)
	})
}

func isNotFound(err error) bool {
	var p *problem.Error
	return errors.As(err, &p) && p.Kind == problem.NotFound
}
