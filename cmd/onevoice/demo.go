package main

import (
	"context"
	"fmt"
	"io"
	"os"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"onevoice/internal/cluster"
	"onevoice/internal/procs"
	"onevoice/web/ask"
)

// demoOptions are the flags of demo.
type demoOptions struct {
	port             int
	sectors, flights string
	speed            float64
	predict          bool
	seed             uint64
}

func demoCommand() *cobra.Command {
	var o demoOptions
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run three servers with traffic here, in a temporary directory, until Ctrl-C",
		Long: `Run three servers with traffic here, in a temporary directory, until Ctrl-C leaves nothing behind.

Without files it shows a made-up region over the western Alps with about 200 flights an hour, without end. With --sectors
and --flights it replays a recording at its own date; with --predict too, each plan is filed with its first and last point only, and amended by
what is predicted from the positions, as "onevoice feed" does. Kill a server with kill -9; it stays down until
"onevoice demo restart NAME".`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runDemo(cmd.Context(), o, cmd.OutOrStdout()) },
	}
	cmd.Flags().IntVar(&o.port, "port", 7480, "first of six ports: three for HTTP, three between the servers")
	cmd.Flags().StringVar(&o.sectors, "sectors", "", "GeoJSON file of sectors to show in place of the made-up region")
	cmd.Flags().StringVar(&o.flights, "flights", "", "CSV recording to replay at its own date; needs --sectors")
	cmd.Flags().BoolVar(&o.predict, "predict", false, "file only the ends of each flight of --flights, and predict the rest as it flies")
	cmd.Flags().Float64Var(&o.speed, "speed", 1, "how fast the airspace's clock runs, 0.001 to 1000")
	cmd.Flags().Uint64Var(&o.seed, "seed", 1, "which made-up traffic")
	cmd.AddCommand(demoRestartCommand())
	return cmd
}

func demoRestartCommand() *cobra.Command {
	var port int
	cmd := &cobra.Command{
		Use: "restart NAME", Short: "Start a killed server of the running demo again", Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			reply, err := askDemo(port, controlRequest{Restart: args[0]})
			if err != nil {
				return err
			}
			_, err = fmt.Fprintf(cmd.OutOrStdout(), "%s is running again, pid %d\n", args[0], reply.Pid)
			return err
		},
	}
	cmd.Flags().IntVar(&port, "port", 0, "the first port of the demo, where several run")
	return cmd
}

func (o demoOptions) check() error {
	switch {
	case o.port < 1024 || o.port > 65530:
		return usageError{fmt.Errorf("--port is %d, allowed: 1024 to 65530", o.port)}
	case rateMilli(o.speed) == 0:
		return usageError{fmt.Errorf("--speed is %g, allowed: 0.001 to 1000", o.speed)}
	case o.flights != "" && o.sectors == "":
		return usageError{fmt.Errorf("--flights needs --sectors: without sectors there is nothing to be in")}
	case o.predict && o.flights == "":
		return usageError{fmt.Errorf("--predict needs --flights: made-up flights keep to their plans")}
	}
	return nil
}

func runDemo(ctx context.Context, o demoOptions, out io.Writer) error {
	if err := o.check(); err != nil {
		return err
	}
	traffic, err := newTraffic(o)
	if err != nil {
		return err
	}
	servers, err := startDemo(o, traffic.beginning(), out)
	if err != nil {
		return err
	}
	defer func() {
		servers.Stop()
		if err := os.RemoveAll(servers.Dir); err != nil {
			fmt.Fprintf(out, "could not remove %s: %v\n", servers.Dir, err)
		}
		fmt.Fprintln(out, "all servers have stopped, nothing is left behind")
	}()
	stop, err := serveControl(ctx, o.port, func(name string) (int, error) {
		if err := servers.Start(name); err != nil {
			return 0, err
		}
		progress(out, "%s started again, pid %d", name, servers.Pid(name))
		return servers.Pid(name), nil
	})
	if err != nil {
		return err
	}
	defer stop()
	client := demoClient(servers.Genesis)
	if err := firstAnswer(ctx, client, servers, out); err != nil {
		return unlessStopped(ctx, err)
	}
	return unlessStopped(ctx, traffic.run(ctx, client, func(n int) { printReady(out, o, servers, n) }, out))
}

// unlessStopped is err, or nothing where the user has asked for the end.
func unlessStopped(ctx context.Context, err error) error {
	if ctx.Err() == nil {
		return err
	}
	return nil
}

func startDemo(o demoOptions, serviceTime string, out io.Writer) (*procs.Cluster, error) {
	var list []string
	for i := range 3 {
		list = append(list, fmt.Sprintf("n%d=127.0.0.1:%d", i+1, o.port+i))
	}
	servers, err := cluster.ParseServers(strings.Join(list, ","))
	if err != nil {
		return nil, err
	}
	genesis, err := cluster.New(servers, serviceTime, rateMilli(o.speed))
	if err != nil {
		return nil, err
	}
	binary, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	dir, err := os.MkdirTemp("", "onevoice-demo-")
	if err != nil {
		return nil, fmt.Errorf("demo: %w", err)
	}
	c := &procs.Cluster{Binary: binary, Dir: dir, Genesis: genesis}
	c.Exited = func(name string, how error) {
		progress(out, "%s is gone (%v). It stays down until: onevoice demo restart %s", name, exitText(how), name)
	}
	if err := c.Init(); err != nil {
		return nil, err
	}
	for _, s := range genesis.Servers {
		if err := c.Start(s.Name); err != nil {
			c.Stop()
			return nil, err
		}
	}
	return c, nil
}

func exitText(how error) string {
	if how == nil {
		return "it ended by itself"
	}
	return how.Error()
}

func demoClient(g cluster.Genesis) *ask.Client {
	c := &ask.Client{Timeout: 10 * time.Second}
	for _, s := range g.Servers {
		c.Endpoints = append(c.Endpoints, ask.Endpoint(s.HTTP))
	}
	return c
}

// startPatience is how long the first agreed answer may take before the demo gives up and shows why.
const startPatience = 30 * time.Second

func firstAnswer(ctx context.Context, client *ask.Client, servers *procs.Cluster, out io.Writer) error {
	began := time.Now()
	for {
		proof, err := client.Do(ctx, ask.Request{Path: "/sectors?limit=1"}, nil)
		if err == nil {
			progress(out, "first agreed answer after %d ms: view %s, index %s, by %s", time.Since(began).Milliseconds(), proof.View, proof.Index, proof.Node)
			return nil
		}
		if ctx.Err() != nil || time.Since(began) > startPatience {
			return fmt.Errorf("demo: no agreed answer: %w%s", err, lastLines(servers))
		}
		select {
		case <-ctx.Done():
		case <-time.After(10 * time.Millisecond):
		}
	}
}

// lastLines shows the end of each server's log, where the reason for a failed start stands.
func lastLines(servers *procs.Cluster) string {
	var b strings.Builder
	for _, s := range servers.Genesis.Servers {
		content, err := os.ReadFile(servers.LogFile(s.Name))
		if err != nil {
			continue
		}
		lines := strings.Split(strings.TrimSpace(string(content)), "\n")
		fmt.Fprintf(&b, "\n%s: %s", s.Name, strings.Join(lines[max(0, len(lines)-3):], "\n    "))
	}
	return b.String()
}

func printReady(out io.Writer, o demoOptions, servers *procs.Cluster, flights int) {
	sector := "RHINE-H"
	if o.sectors != "" {
		sector = "LSAZM5"
	}
	progress(out, "%d flights filed", flights)
	for _, s := range servers.Genesis.Servers {
		fmt.Fprintf(out, "  %s  pid %-7d http://%s/\n", s.Name, servers.Pid(s.Name), s.HTTP)
	}
	where := ""
	if o.port != 7480 {
		where = fmt.Sprintf(" -e 127.0.0.1:%d,127.0.0.1:%d,127.0.0.1:%d", o.port, o.port+1, o.port+2)
	}
	fmt.Fprintf(out, `Open a page above, or try in another terminal:
  onevoice who %s%s
  onevoice status%s
  kill -9 %d; onevoice who %s%s; onevoice demo restart n1
Ctrl-C stops everything.
`, sector, where, where, servers.Pid("n1"), sector, where)
}
