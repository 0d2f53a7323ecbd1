package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"onevoice/problem"
	"onevoice/web/api"
)

// keptLease is the lease of a position that is kept while the command runs.
const keptLease = 15 * time.Second

func positionCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use: "position", Short: "Controllers' working places: who has signed which on",
		Long: `Controllers' working places. A console signs a position on for a time and keeps it; while it has it, the position may act: onevoice handoff,
onevoice control. What a position has stays its own when its lease is gone, unattended, until another takes it.`,
	}
	cmd.AddCommand(positionListCommand(), signOnCommand(), signOffCommand())
	return cmd
}

// holderFlag is the flag that names the console: the same text signs on and acts.
func holderFlag(cmd *cobra.Command, holder *string) {
	cmd.Flags().StringVar(holder, "holder", consoleName(), "text that names this console, the same for signing on and for acting (environment: ONEVOICE_HOLDER)")
}

// consoleName is the name of the computer, in letters that a holder may have.
func consoleName() string {
	if name := os.Getenv("ONEVOICE_HOLDER"); name != "" {
		return name
	}
	name, err := os.Hostname()
	name = strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' || r == '.' || r == '-' {
			return r
		}
		return '-'
	}, name)
	if err != nil || name == "" || len(name) > 64 {
		return "console"
	}
	return name
}

func positionListCommand() *cobra.Command {
	var a asking
	var p page
	cmd := &cobra.Command{
		Use: "list", Short: "Which positions are signed on, until when, and which sectors they work", Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			var all api.WorkingPositions
			return a.show(cmd, "/positions"+p.query(), &all, func(out io.Writer) error {
				return errors.Join(printPositions(out, all.Positions), printNext(out, all.Next, ""))
			})
		},
	}
	pageFlags(cmd, &p)
	askFlags(cmd, &a)
	return cmd
}

func printPositions(out io.Writer, list []api.WorkingPosition) error {
	if len(list) == 0 {
		_, err := fmt.Fprintln(out, "no position is signed on")
		return err
	}
	return columns(out, "POSITION\tIS\tENDS\tLEASE\tSECTORS\tOWNER", func(w io.Writer) {
		for _, p := range list {
			is, ends := "unattended", "-"
			if p.Attended {
				is, ends = "attended", p.Ends.String()
			}
			fmt.Fprintf(w, "%s\t%s\t%s\t%s\t%s\t%s\n", p.ID, is, ends, millis(p.LeaseMs), dash(strings.Join(p.Sectors, " ")), dash(p.Owner))
		}
	})
}

func signOnCommand() *cobra.Command {
	var a asking
	var holder, owner string
	var once time.Duration
	cmd := &cobra.Command{
		Use: "sign-on POSITION", Short: "Sign a position on, and keep it while this runs", Args: cobra.ExactArgs(1),
		Long: `Sign a position on, and keep it until interrupted; then give it up, or, where it has flights or sectors, let it lapse. With --for it is signed on
for that time, and the command ends at once.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			lease := keptLease
			if once != 0 {
				lease = once
			}
			path := "/positions/" + url.PathEscape(args[0])
			var p api.WorkingPosition
			if err := send(cmd, &a, http.MethodPost, path, api.SignOn{Holder: holder, Owner: owner, LeaseMs: lease.Milliseconds()}, &p); err != nil {
				return err
			}
			if err := printSignedOn(cmd.OutOrStdout(), &a, &p, holder); err != nil || once != 0 {
				return err
			}
			return keepPosition(cmd, &a, path, holder)
		},
	}
	cmd.Flags().DurationVar(&once, "for", 0, "sign on for this time and end, 1s to 10m, instead of keeping it")
	cmd.Flags().StringVar(&owner, "owner", "", "who that is, for people (default: who asks)")
	holderFlag(cmd, &holder)
	askFlags(cmd, &a)
	return cmd
}

func printSignedOn(out io.Writer, a *asking, p *api.WorkingPosition, holder string) error {
	if a.output == "json" {
		return json.NewEncoder(out).Encode(p)
	}
	_, err := fmt.Fprintf(out, "%s is signed on by %s until %s\n", p.ID, holder, p.Ends)
	return err
}

// keepPosition keeps a position until the command is interrupted, and then gives it up.
func keepPosition(cmd *cobra.Command, a *asking, path, holder string) error {
	ctx, stop := signal.NotifyContext(cmd.Context(), os.Interrupt, syscall.SIGTERM)
	defer stop()
	body := api.PositionHolder{Holder: holder}
	for pauseFor(ctx, keptLease/3) {
		var p *problem.Error
		err := send(cmd, a, http.MethodPost, path+"/keep", body, nil)
		if errors.As(err, &p) && p.Kind == problem.Expired {
			return err
		}
		if err != nil {
			fmt.Fprintln(cmd.ErrOrStderr(), "not kept this time: "+err.Error())
		}
	}
	cmd.SetContext(context.WithoutCancel(cmd.Context()))
	if err := send(cmd, a, http.MethodPost, path+"/sign-off", body, nil); err != nil {
		return fmt.Errorf("it lapses in %s: %w", keptLease, err)
	}
	_, err := fmt.Fprintln(cmd.OutOrStdout(), "signed off")
	return err
}

func signOffCommand() *cobra.Command {
	var a asking
	var holder string
	var leave, force bool
	cmd := &cobra.Command{
		Use: "sign-off POSITION", Short: "Give a position up", Args: cobra.ExactArgs(1),
		Long: `Give a position up. It is refused while the position has flights or sectors, unless --leave says that they are left unattended. A supervisor signs off
a position of others with --force.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			path := "/positions/" + url.PathEscape(args[0])
			var p api.WorkingPosition
			var err error
			if force {
				err = send(cmd, &a, http.MethodPost, path+"/end", struct{}{}, &p)
			} else {
				err = send(cmd, &a, http.MethodPost, path+"/sign-off", api.PositionHolder{Holder: holder, Leave: leave}, &p)
			}
			if err != nil {
				return err
			}
			if a.output == "json" {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(p)
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is signed off\n", p.ID)
			return err
		},
	}
	cmd.Flags().BoolVar(&leave, "leave", false, "leave what it has unattended")
	cmd.Flags().BoolVar(&force, "force", false, "sign it off whoever has it; needs the right supervise")
	holderFlag(cmd, &holder)
	askFlags(cmd, &a)
	return cmd
}
