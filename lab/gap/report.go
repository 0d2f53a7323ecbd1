package gap

import (
	"fmt"
	"io"
	"slices"
	"text/tabwriter"
	"time"
)

// Aims for the gap at p99: see Print.
const (
	quietAimNs    = int64(100 * time.Millisecond)
	loadedAimNs   = int64(250 * time.Millisecond)
	transferAimNs = int64(20 * time.Millisecond)
	// farRounds is how many round trips a failover may take beyond the published bound where servers are far apart, and all of one that is
	// planned.
	farRounds = 6
	// quietLateNs is up to where a machine counts as quiet.
	quietLateNs = int64(5 * time.Millisecond)
)

// Summary is one line of the table. Times are in nanoseconds.
type Summary struct {
	Cell
	Repeats int     `json:"repeats"`
	BoundNs int64   `json:"bound_ns"` // median of what leaders published
	RoundNs int64   `json:"round_ns"` // and of the round trips that they had measured
	Write   Spread  `json:"write"`
	Read    Spread  `json:"read"`
	Beyond  Spread  `json:"beyond"`  // the longer of both gaps less the bound of the same experiment
	LateNs  int64   `json:"late_ns"` // median over the experiments of what one wake-up in a thousand was late by
	SyncNs  int64   `json:"sync_ns"`
	Acked   int     `json:"acked"`
	Lost    int     `json:"lost"`
	Failed  int     `json:"failed"` // experiments without a result
	AimNs   int64   `json:"aim_ns"` // for both at p99
	Verdict Verdict `json:"verdict"`
	// Lateness is there where the cluster was let settle.
	Lateness *Lateness `json:"lateness,omitempty"`
}

// Verdict is what a line says of its aim.
type Verdict string

// The verdicts. A machine that is late by itself proves nothing against an aim.
const (
	Reached Verdict = "reached"
	Missed  Verdict = "missed"
	Noisy   Verdict = "missed, on a machine that is late by more than 5 ms itself"
	Broken  Verdict = "BROKEN: acknowledged writes are lost"
	NoRun   Verdict = "NOT RUN"
)

// Spread is how values lie.
type Spread struct {
	P50 int64 `json:"p50_ns"`
	P99 int64 `json:"p99_ns"`
	Max int64 `json:"max_ns"`
}

func spread(values []int64) Spread {
	return Spread{atMost(values, 500), atMost(values, 990), slices.Max(values)}
}

// Summarise makes the table, in the order in which cells came.
func Summarise(results []Result) []Summary {
	var cells []Cell
	byCell := map[Cell][]Result{}
	for _, r := range results {
		if byCell[r.Cell] == nil {
			cells = append(cells, r.Cell)
		}
		byCell[r.Cell] = append(byCell[r.Cell], r)
	}
	var table []Summary
	for _, c := range cells {
		table = append(table, summarise(c, byCell[c]))
	}
	return table
}

func summarise(c Cell, results []Result) Summary {
	s := Summary{Cell: c}
	var writes, reads, beyond, late, synced, bounds, rounds []int64
	for _, r := range results {
		if r.Error != "" {
			s.Failed++
			continue
		}
		s.Repeats++
		s.Acked += r.Acked
		s.Lost += r.Lost
		writes, reads, late, synced = append(writes, r.WriteNs), append(reads, r.ReadNs), append(late, r.LateNs), append(synced, r.SyncNs)
		bounds, rounds = append(bounds, r.BoundNs), append(rounds, r.RoundNs)
		beyond = append(beyond, max(r.WriteNs, r.ReadNs)-r.BoundNs)
	}
	if s.Repeats == 0 {
		s.Verdict = NoRun
		return s
	}
	s.Write, s.Read, s.LateNs, s.SyncNs = spread(writes), spread(reads), atMost(late, 500), atMost(synced, 500)
	s.BoundNs, s.RoundNs = atMost(bounds, 500), atMost(rounds, 500)
	s.Beyond, s.AimNs = spread(beyond), c.aimNs()
	if c.SettleNs > 0 {
		s.Lateness = lateness(results)
	}
	switch {
	case s.Lost > 0:
		s.Verdict = Broken
	case s.judged() < s.AimNs:
		s.Verdict = Reached
	case c.Hogs == 0 && s.LateNs > quietLateNs:
		s.Verdict = Noisy
	default:
		s.Verdict = Missed
	}
	return s
}

// aimNs is the aim of a cell for what is judged of it.
func (c *Cell) aimNs() int64 {
	switch {
	case c.RoundTripNs > 0:
		return farRounds * c.RoundTripNs
	case c.Fault == Transfer:
		return transferAimNs
	case c.Hogs > 0:
		return loadedAimNs
	}
	return quietAimNs
}

// judged is the gap at p99; over a round trip what of it lies beyond the published bound, unless nothing had to be detected.
func (s *Summary) judged() int64 {
	if s.RoundTripNs > 0 && s.Fault != Transfer {
		return s.Beyond.P99
	}
	return max(s.Write.P99, s.Read.P99)
}

// Print writes the table.
func Print(w io.Writer, table []Summary) {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "servers\tfault\thogs\tround trip ms\tmeasured\tbound T\trepeats\twrite p50 ms\tp99\tmax\tread p50 ms\tp99\tmax\tbeyond T p99\tlate p99.9 ms\tfsync p99.9 ms\tacked\tlost\tfailed\taim ms\t")
	for _, s := range table {
		fmt.Fprintf(t, "%d\t%s\t%d\t%.0f\t%.1f\t%.0f\t%d\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%.1f\t%d\t%d\t%d\t%.0f\t\n", s.Servers, s.Fault, s.Hogs,
			ms(s.RoundTripNs), ms(s.RoundNs), ms(s.BoundNs), s.Repeats,
			ms(s.Write.P50), ms(s.Write.P99), ms(s.Write.Max), ms(s.Read.P50), ms(s.Read.P99), ms(s.Read.Max), ms(s.Beyond.P99), ms(s.LateNs), ms(s.SyncNs), s.Acked, s.Lost, s.Failed, ms(s.AimNs))
	}
	t.Flush()
	if slices.ContainsFunc(table, func(s Summary) bool { return s.Lateness != nil }) {
		printLateness(w, table)
	}
	if slices.ContainsFunc(table, func(s Summary) bool { return s.RoundTripNs > 0 }) {
		fmt.Fprintf(w, "aim over a round trip R: at p99 the published bound T + %d R, that is %[1]d R beyond T; and %[1]d R where the leader hands over\n", farRounds)
	}
	for _, s := range table {
		if s.Verdict != Reached {
			fmt.Fprintf(w, "%d servers, %s: %s\n", s.Servers, s.Fault, s.Verdict)
		}
	}
}
