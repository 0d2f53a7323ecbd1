package gap

import (
	"context"
	"fmt"
	"io"
	"strings"
	"text/tabwriter"
	"time"

	"onevoice/lab/real"
	"onevoice/web/api"
)

// ownOracles is how many oracles of their own a cluster has.
const ownOracles = 3

// Punctuality is how late servers were while nothing failed, in nanoseconds, and what they made of it.
type Punctuality struct {
	// ServerLateNs is the median over the servers of what one in a thousand ticks of a node was late by, OracleLateNs the same over oracles of
	// their own.
	ServerLateNs int64 `json:"server_late_ns,omitempty"`
	OracleLateNs int64 `json:"oracle_late_ns,omitempty"`
	// PublishedNs is the detection bound in the newest view.
	PublishedNs int64 `json:"published_ns,omitempty"`
	// Views were made meanwhile, though nothing had failed.
	Views uint64 `json:"views,omitempty"`
}

// plan is how many oracles of their own there are, and what is added to command lines.
func (l Layout) plan() (oracles int, args func(name string) []string) {
	if l == Own || l == OwnRealtime {
		oracles = ownOracles
	}
	return oracles, func(name string) []string {
		if l == OwnRealtime && strings.HasPrefix(name, "o") {
			return []string{"--realtime"}
		}
		return nil
	}
}

// settle lets a cluster run, and then asks it how late it is.
func settle(ctx context.Context, c *real.Cluster, cell *Cell) (Punctuality, error) {
	var p Punctuality
	if cell.SettleNs == 0 {
		return p, nil
	}
	before, err := c.Status(ctx, c.Names()[0])
	if err != nil {
		return p, err
	}
	select {
	case <-ctx.Done():
		return p, ctx.Err()
	case <-time.After(time.Duration(cell.SettleNs)):
	}
	servers, err := ask(ctx, c, c.Names())
	if err != nil {
		return p, err
	}
	var names []string
	for _, s := range c.Genesis.Oracles() {
		names = append(names, s.Name)
	}
	oracles, err := ask(ctx, c, names)
	if err != nil {
		return p, err
	}
	p.ServerLateNs, p.OracleLateNs = lateOf(servers), lateOf(oracles)
	p.PublishedNs = int64(servers[0].DetectionBoundMs * float64(time.Millisecond))
	p.Views = servers[0].ObeyedView - before.ObeyedView
	return p, nil
}

func ask(ctx context.Context, c *real.Cluster, names []string) ([]api.Status, error) {
	var all []api.Status
	for _, name := range names {
		s, err := c.Status(ctx, name)
		if err != nil {
			return nil, fmt.Errorf("lab failover: %s: %w", name, err)
		}
		all = append(all, s)
	}
	return all, nil
}

// lateOf is the median of what servers say of their own ticks.
func lateOf(all []api.Status) int64 {
	if len(all) == 0 {
		return 0
	}
	var late []int64
	for _, s := range all {
		late = append(late, int64(s.Counters["tick_late_p999_ns"]))
	}
	return atMost(late, 500)
}

// Lateness is what a layout came to, over all repeats of a cell.
type Lateness struct {
	Server    Spread `json:"server"`
	Oracle    Spread `json:"oracle"`
	Published Spread `json:"published"`
	Views     Spread `json:"views"` // a number, not a time
}

func lateness(results []Result) *Lateness {
	var server, oracle, published, views []int64
	for _, r := range results {
		if r.Error == "" {
			server, oracle = append(server, r.ServerLateNs), append(oracle, r.OracleLateNs)
			published, views = append(published, r.PublishedNs), append(views, int64(r.Views))
		}
	}
	return &Lateness{spread(server), spread(oracle), spread(published), spread(views)}
}

// printLateness writes the table of where the oracle runs.
func printLateness(w io.Writer, table []Summary) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "oracle\tservers\tfault\thogs\trepeats\tserver late p50 ms\tmax\toracle late p50 ms\tmax\tpublished p50 ms\tmax\tviews p50\tmax\twrite p50 ms\tp99\tread p50 ms\tp99\t")
	for _, s := range table {
		l := s.Lateness
		if l == nil {
			continue
		}
		fmt.Fprintf(t, "%s\t%d\t%s\t%d\t%d\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%.0f\t%d\t%d\t%.1f\t%.1f\t%.1f\t%.1f\t\n", s.Layout, s.Servers, s.Fault, s.Hogs, s.Repeats,
			ms(l.Server.P50), ms(l.Server.Max), ms(l.Oracle.P50), ms(l.Oracle.Max), ms(l.Published.P50), ms(l.Published.Max), l.Views.P50, l.Views.Max,
			ms(s.Write.P50), ms(s.Write.P99), ms(s.Read.P50), ms(s.Read.P99))
	}
	t.Flush()
}
