// Command onevoice is the whole product in one binary: the servers, the command line, the demo, the laboratory.
// It is wiring: flags, signals and exit codes; the work is done in the rooms.
package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"syscall"

	"github.com/spf13/cobra"

	"onevoice/problem"
)

// The exit codes, the same for every command.
const (
	exitOK        = 0
	exitError     = 1
	exitUsage     = 2
	exitStale     = 3
	exitNoVoice   = 4
	exitRefused   = 5
	exitTwoVoices = 6
)

// usageError is a command line that cannot be understood.
type usageError struct{ error }

func (u usageError) Unwrap() error { return u.error }

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := root().ExecuteContext(ctx)
	stop()
	if isTakenDown(err) {
		err = startAnew()
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "onevoice: "+err.Error())
	}
	os.Exit(exitCode(err))
}

func root() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "onevoice",
		Short: "One sky, one answer: which flights may be in a sector, and when",
		Long: `onevoice answers which flights may be in a sector of the sky, and when, from several servers as if from one.
Cut off from the majority, a server says nothing rather than something else.

Start with "onevoice demo". Not certified for operational air traffic control.

Exit codes: 0 ok, 1 error, 2 usage, 3 stale, 4 no voice, 5 refused, 6 two voices.`,
		SilenceUsage: true, SilenceErrors: true,
	}
	cmd.SetFlagErrorFunc(func(c *cobra.Command, err error) error {
		return usageError{fmt.Errorf("%w; see %s --help", err, c.CommandPath())}
	})
	cmd.AddCommand(
		demoCommand(), initCommand(), serveCommand(), oracleCommand(), statusCommand(),
		whoCommand(), sectorsCommand(), flightsCommand(), watchCommand(), importCommand(), feedCommand(),
		applyCommand(), breachesCommand(), zonesCommand(), conflictsCommand(), capacityCommand(), flowsCommand(), routesCommand(),
		rulesCommand(), positionCommand(), handoffCommand(), controlCommand(), locksCommand(),
		viewCommand(), membersCommand(), leaderCommand(), joinCommand(), upgradeCommand(),
		backupCommand(), historyCommand(), diffCommand(), timelineCommand(), certCommand(), devTokenCommand(),
		benchCommand(), labCommand(), versionCommand(),
	)
	usageArgs(cmd)
	return cmd
}

// usageArgs makes a wrong number of arguments, or an unknown command, a usage error everywhere.
func usageArgs(cmd *cobra.Command) {
	if check := cmd.Args; check != nil {
		cmd.Args = func(c *cobra.Command, args []string) error {
			if err := check(c, args); err != nil {
				return usageError{fmt.Errorf("%w; see %s --help", err, c.CommandPath())}
			}
			return nil
		}
	}
	if !cmd.Runnable() {
		cmd.Args = cobra.ArbitraryArgs
		cmd.RunE = func(c *cobra.Command, args []string) error {
			if len(args) > 0 {
				return usageError{fmt.Errorf("unknown command %q; see %s --help", args[0], c.CommandPath())}
			}
			return c.Help()
		}
	}
	for _, sub := range cmd.Commands() {
		usageArgs(sub)
	}
}

func exitCode(err error) int {
	var usage usageError
	var p *problem.Error
	switch {
	case err == nil:
		return exitOK
	case errors.As(err, &usage):
		return exitUsage
	case errors.As(err, &p):
		return exitOf(p.Kind)
	}
	return exitError
}

func exitOf(kind problem.Kind) int {
	switch kind {
	case problem.Invalid, problem.TooLarge:
		return exitUsage
	case problem.Conflict, problem.Refused, problem.KeyReused, problem.Forbidden, problem.Expired, problem.Unauthenticated, problem.PreconditionFailed:
		return exitRefused
	case problem.NoVoice:
		return exitNoVoice
	case problem.Stale:
		return exitStale
	case problem.TwoVoices:
		return exitTwoVoices
	}
	return exitError
}
