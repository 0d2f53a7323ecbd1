package power

import (
	"fmt"
	"io"
	"text/tabwriter"
	"time"

	"onevoice/store/dropfs"
)

// mostViolations bounds what is kept; the first ones are the ones that explain.
const mostViolations = 20

// Report is what a run found and what it covered.
type Report struct {
	Seed      uint64          `json:"seed"`
	Bug       string          `json:"bug,omitempty"`
	Within    time.Duration   `json:"within_ns"` // allowed for each of Back
	Repeats   int             `json:"repeats"`
	Clusters  int             `json:"clusters"`
	ByServers [10]int         `json:"clusters_by_servers"` // clusters, by their number of servers
	Starts    int             `json:"starts"`              // of servers, after cuts
	Destroyed int             `json:"disks_destroyed"`
	Acked     int             `json:"writes_acknowledged"`
	Across    int             `json:"writes_across_a_cut"` // begun before one and acknowledged after it, by the same session
	Unknown   int             `json:"writes_unknown"`
	Checks    int             `json:"flights_compared"`
	Lost      dropfs.Lost     `json:"lost"`
	Torn      int             `json:"torn_tails"`
	Back      []time.Duration `json:"back_ns"` // sorted: from a majority's start to the first acknowledged write

	Violations []string `json:"violations,omitempty"`
	Evidence   []string `json:"evidence,omitempty"` // directories
}

// OK says that no law was broken.
func (r *Report) OK() bool { return len(r.Violations) == 0 }

func (r *Report) fail(format string, args ...any) {
	if len(r.Violations) < mostViolations {
		r.Violations = append(r.Violations, fmt.Sprintf("repeat %d, cluster %d: ", r.Repeats, r.Clusters)+fmt.Sprintf(format, args...))
	}
}

func (r *Report) add(l dropfs.Lost) {
	r.Lost.Bytes += l.Bytes
	r.Lost.Changes += l.Changes
	r.Lost.Syncs += l.Syncs
	r.Lost.Early += l.Early
}

func (r *Report) max() time.Duration {
	longest := time.Duration(0)
	for _, d := range r.Back {
		longest = max(longest, d)
	}
	return longest
}

func (r *Report) quantile(q float64) time.Duration {
	if len(r.Back) == 0 {
		return 0
	}
	return r.Back[min(len(r.Back)-1, int(q*float64(len(r.Back))))]
}

// Print writes the report for people.
func (r *Report) Print(w io.Writer) error {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	ms := func(d time.Duration) string { return fmt.Sprintf("%.0f ms", float64(d)/1e6) }
	for _, row := range [][2]string{
		{"cuts of all power", fmt.Sprintf("%d, of %d clusters (%d of 3 servers, %d of 5), seed %d", r.Repeats, r.Clusters, r.ByServers[3], r.ByServers[5], r.Seed)},
		{"disks destroyed", fmt.Sprint(r.Destroyed)},
		{"servers started again", fmt.Sprint(r.Starts)},
		{"writes acknowledged", fmt.Sprintf("%d, %d of them begun before a cut; %d without an answer", r.Acked, r.Across, r.Unknown)},
		{"flights compared", fmt.Sprint(r.Checks)},
		{"lost by the cuts", fmt.Sprintf("%d bytes and %d names, all unsynced; %d sectors and names came early; %d syncs", r.Lost.Bytes, r.Lost.Changes, r.Lost.Early, r.Lost.Syncs)},
		{"torn tails repaired", fmt.Sprint(r.Torn)},
		{"first write after", fmt.Sprintf("p50 %s, p99 %s, max %s, allowed %s", ms(r.quantile(0.5)), ms(r.quantile(0.99)), ms(r.max()), r.Within)},
		{"laws broken", fmt.Sprint(len(r.Violations))},
	} {
		fmt.Fprintf(t, "%s\t%s\n", row[0], row[1])
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, v := range r.Violations {
		fmt.Fprintln(w, v)
	}
	for _, dir := range r.Evidence {
		fmt.Fprintln(w, "evidence in", dir)
	}
	return nil
}
