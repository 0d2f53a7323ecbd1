package main

import (
	"fmt"
	"log/slog"
	"runtime"

	"github.com/spf13/cobra"

	"onevoice/internal/cluster"
	"onevoice/internal/realtime"
)

// oracleProcs is how many processors an oracle uses at once: it has little to do, and shall not be in anybody's way.
const oracleProcs = 2

func oracleCommand() *cobra.Command {
	o := serveOptions{oracle: true}
	cmd := &cobra.Command{
		Use:   "oracle --dir DIR [--init-from FILE --name NAME]",
		Short: "Run one oracle of a cluster: it decides who is up, and nothing else",
		Long: `Run one oracle of a cluster whose file was made with "onevoice init --oracles": a small process that decides with the other oracles
who is up, and holds no airspace. The first time it needs that file and its name in it; from then on its directory is enough.

With --realtime all its threads run before those of other programs (SCHED_RR, priority 1), so that it is not late on a busy machine. Where the
system refuses, it says so and runs like any other.

It answers /livez, /readyz, /metrics, /api/v1/status, /api/v1/members and /api/v1/upgrade at its HTTP address.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			runtime.GOMAXPROCS(oracleProcs)
			return runServe(cmd.Context(), o, cmd.ErrOrStderr())
		},
	}
	o.flags(cmd)
	cmd.Flags().BoolVar(&o.realtime, "realtime", false, "run before other programs, where the system allows it")
	return cmd
}

// checkRole refuses to run an oracle as a full server, and the other way round.
func (o *serveOptions) checkRole(self cluster.Server) error {
	switch {
	case self.Oracle && !o.oracle:
		return usageError{fmt.Errorf("serve: %s is an oracle: run it with onevoice oracle", self.Name)}
	case !self.Oracle && o.oracle:
		return usageError{fmt.Errorf("oracle: %s is a full server: run it with onevoice serve", self.Name)}
	}
	return nil
}

// schedule asks for real-time scheduling where that is wanted. A refusal is said, and nothing else follows from it.
func (o *serveOptions) schedule(log *slog.Logger) {
	if !o.realtime {
		return
	}
	if err := realtime.Process(); err != nil {
		log.Warn("no real-time scheduling: this process runs like any other", "why", err,
			"next", "give it CAP_SYS_NICE: setcap cap_sys_nice+ep on the program, or AmbientCapabilities=CAP_SYS_NICE in its systemd unit")
		return
	}
	log.Info("real-time scheduling", "policy", "SCHED_RR", "priority", realtime.Priority)
}
