package real

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"text/tabwriter"
	"time"

	"onevoice/lab/judge"
)

// RunOptions say how a scenario is run.
type RunOptions struct {
	Seed    uint64
	Servers int // 3 or 5
	Secs    int // how long faults go on
	Binary  string
	Dir     string // for data, logs and the history
	Env     []string
}

// Report is what one run showed.
type Report struct {
	Scenario      string            `json:"scenario"`
	Seed          uint64            `json:"seed"`
	Servers       int               `json:"servers"`
	Faults        int               `json:"faults"`           // how often the scenario's fault was put on
	Acked         int               `json:"acked"`            // changes answered, refused ones included
	Reads         int               `json:"reads"`            // questions answered
	Unknown       int               `json:"unknown"`          // changes whose outcome stayed open
	GapMs         int64             `json:"gap_ms"`           // the longest time without an answered change, over all clients that no fault was aimed at
	CutMs         int64             `json:"cut_ms,omitempty"` // for how long links that flap were cut at most, which a busy machine prolongs
	LeaderChanges int               `json:"leader_changes"`
	Events        int               `json:"events"` // that watchers got
	Hashes        int               `json:"hashes"` // indices at which chain hashes were heard
	Undecided     int               `json:"undecided,omitempty"`
	Violations    []judge.Violation `json:"violations,omitempty"`
	Error         string            `json:"error,omitempty"` // why there is no verdict
	TookMs        int64             `json:"took_ms"`
	Evidence      string            `json:"evidence,omitempty"`
	Rerun         string            `json:"rerun"`
}

// OK says whether the run broke no law and could be judged whole.
func (r *Report) OK() bool { return len(r.Violations) == 0 && r.Undecided == 0 && r.Error == "" }

// Verdict is the run's last word.
func (r *Report) Verdict() string {
	switch {
	case r.Error != "":
		return "NOT RUN"
	case len(r.Violations) > 0:
		return "BROKEN " + r.Violations[0].Invariant
	case r.Undecided > 0:
		return "UNDECIDED"
	}
	return "ok"
}

func (r *Report) fill(t *Trial, court *judge.Court, s Scenario) {
	r.Faults, r.Undecided, r.Violations = t.cycles, court.Undecided, court.Violations()
	r.Hashes = court.Hashes(airspaceGroup)
	for i := range t.Record.Ops {
		switch o := &t.Record.Ops[i]; {
		case o.Query && o.Outcome == judge.OK:
			r.Reads++
		case o.Query:
		case o.Outcome == judge.OK:
			r.Acked++
		case o.Outcome == judge.Unknown:
			r.Unknown++
		}
	}
	for _, seen := range t.Record.Seen {
		if !seen.From {
			r.Events++
		}
	}
	terms := map[uint64]bool{}
	for _, e := range t.Record.Elections {
		if e.Group == airspaceGroup {
			terms[e.Term] = true
		}
	}
	r.LeaderChanges = max(0, len(terms)-1)
	gap, at := t.Load.gap()
	cut := time.Duration(t.cutNs.Load())
	r.GapMs, r.CutMs = gap.Milliseconds(), cut.Milliseconds()
	if s.Gap > 0 && gap > s.Gap {
		evidence := fmt.Sprintf("no change was answered for %v, allowed: %v", gap.Round(time.Millisecond), s.Gap)
		if cut > 0 {
			evidence += fmt.Sprintf("; the longest cut of links that flap lasted up to %v", cut.Round(time.Millisecond))
		}
		r.Violations = append(r.Violations, judge.Violation{Invariant: "V1", AtNs: at, Evidence: evidence})
	}
}

// gap is the longest time between two answered changes of clients that no fault was aimed at, and when it began.
func (l *Load) gap() (longest time.Duration, atNs int64) {
	times := []int64{l.fromNs, l.toNs}
	for i := range l.record.Ops {
		o := &l.record.Ops[i]
		if o.Outcome == judge.OK && !o.Query && !o.Apart && o.ReturnNs <= l.toNs {
			times = append(times, o.ReturnNs)
		}
	}
	slices.Sort(times)
	for i := range times[1:] {
		if d := time.Duration(times[i+1] - times[i]); d > longest {
			longest, atNs = d, times[i]
		}
	}
	return longest, atNs
}

// printGaps writes a line for each scenario that ran more than once: how its longest gaps are spread over the runs.
func printGaps(w io.Writer, reports []Report) {
	gaps := map[string][]int64{}
	for i := range reports {
		if r := &reports[i]; r.Error == "" {
			gaps[r.Scenario] = append(gaps[r.Scenario], r.GapMs)
		}
	}
	for _, name := range slices.Sorted(maps.Keys(gaps)) {
		all := gaps[name]
		if len(all) < 2 {
			continue
		}
		slices.Sort(all)
		at := func(percent int) int64 { return all[(len(all)*percent+99)/100-1] }
		fmt.Fprintf(w, "%s: longest gap of a run, over %d runs: p50 %d ms, p99 %d ms, max %d ms\n", name, len(all), at(50), at(99), at(100))
	}
}

// mostPrinted is how many violations of a run are printed: the first ones explain.
const mostPrinted = 5

// Print writes the table, and what there is to say of each run that is not well.
func Print(w io.Writer, reports []Report) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "scenario\tseed\tservers\tfaults\tops acked\treads\tunknown\tlongest gap ms\tleader changes\tverdict\t")
	for i := range reports {
		r := &reports[i]
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\t\n", r.Scenario, r.Seed, r.Servers, r.Faults, r.Acked, r.Reads, r.Unknown, r.GapMs, r.LeaderChanges, r.Verdict())
	}
	t.Flush()
	printGaps(w, reports)
	for i := range reports {
		r := &reports[i]
		if r.OK() {
			continue
		}
		fmt.Fprintf(w, "\n%s, seed %d: %s\n", r.Scenario, r.Seed, r.Verdict())
		if r.Error != "" {
			fmt.Fprintf(w, "  %s\n", r.Error)
		}
		if r.Undecided > 0 {
			fmt.Fprintf(w, "  %d histories could not be judged\n", r.Undecided)
		}
		for _, v := range r.Violations[:min(len(r.Violations), mostPrinted)] {
			fmt.Fprintf(w, "  %v\n", v)
		}
		if more := len(r.Violations) - mostPrinted; more > 0 {
			fmt.Fprintf(w, "  and %d more\n", more)
		}
		fmt.Fprintf(w, "  evidence: %s\n  again: %s\n", r.Evidence, r.Rerun)
	}
}
