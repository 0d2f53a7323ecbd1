package lab

import (
	"fmt"
	"io"
	"maps"
	"slices"
	"strings"
	"text/tabwriter"
	"time"

	"onevoice/lab/cluster"
	"onevoice/lab/sim"
)

// Totals add up the coverage of many seeds.
type Totals struct {
	Seeds     int
	Bad       int // seeds in which a law was broken
	Undecided int // keys that porcupine could not judge in time
	Invariant map[string]int
	Servers   map[int]int // seeds by number of servers
	Faults    map[string]map[string]int
	Facts     map[string]int
	Work      cluster.Work
	Frames    int
	Lost      int
	Doubled   int
	Held      int
	Batches   int // unsynced batches lost in crashes
	Crashes   int
	Halts     int
	Stalls    int
	Most      Most
	Sim       time.Duration
	CPU       time.Duration // time of the workers
}

// Most is what the busiest world took; the bounds of worlds stand some way above.
type Most struct{ Steps, Events, Frames, Bytes int }

func (m *Most) see(c *sim.Counters) {
	m.Steps, m.Events = max(m.Steps, c.Steps), max(m.Events, c.Events)
	m.Frames, m.Bytes = max(m.Frames, c.Frames), max(m.Bytes, c.Bytes)
}

func newTotals() Totals {
	return Totals{Invariant: map[string]int{}, Servers: map[int]int{}, Faults: map[string]map[string]int{}, Facts: map[string]int{}}
}

func (t *Totals) add(r *result) {
	t.Seeds++
	t.Undecided += r.Undecided
	t.Servers[r.Servers]++
	if len(r.Violations) > 0 {
		t.Bad++
		t.Invariant[r.Violations[0].Invariant]++
	}
	for kind, roles := range r.Faults.Faults {
		if t.Faults[kind] == nil {
			t.Faults[kind] = map[string]int{}
		}
		addMap(t.Faults[kind], roles)
	}
	addMap(t.Facts, r.Facts)
	t.Work.Add(r.Work)
	t.Frames += r.Faults.Frames
	t.Lost += r.Faults.Lost
	t.Doubled += r.Faults.Doubled
	t.Held += r.Faults.Held
	t.Batches += r.Faults.LostBatches
	t.Crashes += r.Faults.Crashes
	t.Halts += r.Faults.Halts
	t.Stalls += r.Faults.Stalls
	t.Most.see(&r.Faults)
	t.Sim += time.Duration(r.SimNs)
	t.CPU += time.Duration(r.RealNs)
}

func addMap(to, from map[string]int) {
	for key, n := range from {
		to[key] += n
	}
}

// Print writes the coverage, counted per 1,000 seeds, and the verdict.
func (s *Summary) Print(w io.Writer) {
	s.printFaults(w)
	s.printCounts(w)
	s.printFailed(w)
	fmt.Fprintf(w, "\n%d seeds in %v: %.0f a minute, simulated time %.0f times real time of a worker; %d bad, %d keys undecided\n",
		s.Seeds, s.Real.Round(time.Second), s.perMinute(), s.Sim.Seconds()/max(s.CPU.Seconds(), 1e-9), s.Bad, s.Undecided)
}

// per1000 prints a count as so many per 1,000 seeds.
func (s *Summary) per1000(n int) string {
	v := float64(n) * 1000 / float64(max(s.Seeds, 1))
	if v >= 100 || v == 0 {
		return fmt.Sprintf("%.0f", v)
	}
	return fmt.Sprintf("%.1f", v)
}

func (s *Summary) printFaults(w io.Writer) {
	fmt.Fprintln(w, "Faults per 1,000 seeds, by the role of the victim")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(t, "kind\tleader\tfollower\tdown\tall\t")
	for _, kind := range slices.Sorted(slices.Values(kindWords(^sim.KindSet(0)))) {
		roles := s.Faults[kind]
		all := 0
		for _, n := range roles {
			all += n
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%s\t%s\t\n", kind, s.per1000(roles["leader"]), s.per1000(roles["follower"]), s.per1000(roles["down"]), s.per1000(all))
	}
	t.Flush()
}

func (s *Summary) printCounts(w io.Writer) {
	fmt.Fprintln(w, "\nWhat happened, per 1,000 seeds")
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	for _, row := range []struct {
		name string
		n    int
	}{
		{"servers crashed", s.Crashes}, {"unsynced batches lost", s.Batches}, {"servers stopped by a failed write", s.Halts},
		{"writes that took long", s.Stalls}, {"leaders silent on a stuck disk", s.Facts["disk-stalled"]},
		{"frames", s.Frames}, {"frames lost", s.Lost}, {"frames doubled", s.Doubled}, {"frames held in a cut", s.Held},
		{"leaders elected", s.Facts["leader"]}, {"leaders stepped down", s.Facts["stepped-down"]},
		{"clocks not good enough to lead", s.Facts["clock-unfit"]}, {"entries fenced", s.Facts["fenced"]},
		{"snapshots begun", s.Facts["snapshot-saving"]}, {"snapshots saved", s.Facts["snapshot-saved"]},
		{"snapshots offered to a follower", s.Facts["snapshot-offered"]}, {"snapshots sent", s.Facts["snapshot-sent"]},
		{"snapshots installed", s.Facts["snapshot-installed"]}, {"snapshots given up on the way", s.Facts["snapshot-abandoned"]},
		{"sessions expired (per server)", s.Facts["session-expired"]},
		{"positions signed on", s.Facts["control: sign-on"]}, {"positions that lapsed", s.Facts["control: lapse"]},
		{"handoffs proposed", s.Facts["control: propose"]}, {"handoffs accepted", s.Facts["control: accept"]},
		{"handoffs timed out", s.Facts["control: time-out"]}, {"taken from who was away, or by force", s.Facts["control: take"]},
		{"sector changes staged", s.Facts["airspace: staged"]}, {"of them told to the end", s.Facts["airspace: settled"]},
		{"staged when the world ended", s.Facts["airspace: staged to the end"]},
		{"snapshots installed while one was", s.Facts["airspace: installed while staged"]},
		{"zones put", s.Facts["airspace: zone"]}, {"breaches told", s.Facts["airspace: breach"]},
		{"zones checked in later entries", s.Facts["airspace: zone checked later"]},
		{"answers of the past", s.Facts["airspace: of the past"]}, {"refused as before the horizon", s.Facts["airspace: before the horizon"]},
		{"refused as in the future", s.Facts["airspace: in the future"]},
		{"sectors combined or split", s.Facts["airspace: combined"]},
		{"commands acknowledged", s.Work.Acked}, {"commands open to the end", s.Work.Unknown}, {"commands not done", s.Work.Refused},
		{"reads answered", s.Work.Reads}, {"reads without an answer", s.Work.ReadsFailed}, {"attempts repeated", s.Work.Retries},
		{"answers repeated on purpose", s.Work.Repeats}, {"sessions opened", s.Work.Sessions}, {"sessions found gone", s.Work.SessionsLost},
		{"events watched", s.Work.Events}, {"watchers moved", s.Work.WatchMoves}, {"watchers begun anew", s.Work.WatchGone},
		{"states compared", s.Work.States},
		{"members joined", s.Work.Joined}, {"members promoted", s.Work.Promoted}, {"members removed", s.Work.Removed},
		{"members replaced", s.Work.Replaced}, {"of them with a lost disk", s.Work.Burnt}, {"changes taken back", s.Work.TakenBack},
		{"taken back too late", s.Work.NotTakenBack}, {"lost servers removed on the way", s.Work.PutBack},
		{"addresses changed", s.Work.Moved}, {"addresses refused, as another's", s.Work.MovesRefused}, {"invitations withdrawn", s.Work.Withdrawn},
		{"steps of members proposed", s.Facts["member-proposed"]}, {"learners added (per server)", s.Facts["member-added"]},
		{"learners made voters (per server)", s.Facts["member-promoted"]}, {"members let go (per server)", s.Facts["member-removed"]},
		{"changes marked as reached (per server)", s.Facts["members-as-wished"]}, {"steps of members refused", s.Facts["member-refused"]},
		{"servers that saw their own removal", s.Facts["removed"]},
		{"views made", s.Facts["views"]}, {"views obeyed (per server)", s.Facts["view-obeyed"]},
		{"servers taken down, and started anew", s.Facts["taken-down"]}, {"entries fenced (per server)", s.Facts["fenced"]},
		{"leaders that handed over to go", s.Facts["hand-over"]}, {"leadership handed over on demand", s.Work.Transfers},
		{"servers upgraded", s.Work.Upgraded}, {"servers rolled back", s.Work.RolledBack},
		{"versions proposed", s.Facts["version-proposed"]}, {"groups raised to a newer version", s.Work.Raised},
		{"old builds stopped before it", s.Work.Outdated},
	} {
		fmt.Fprintf(t, "  %s\t%s\t\n", row.name, s.per1000(row.n))
	}
	for _, n := range slices.Sorted(maps.Keys(s.Servers)) {
		if n > 0 {
			fmt.Fprintf(t, "  seeds with %d servers\t%s\t\n", n, s.per1000(s.Servers[n]))
		}
	}
	t.Flush()
	fmt.Fprintf(w, "\nThe busiest world took %d steps, %d events, %d frames, %d bytes in frames\n", s.Most.Steps, s.Most.Events, s.Most.Frames, s.Most.Bytes)
}

func (s *Summary) printFailed(w io.Writer) {
	for _, f := range s.Failed {
		job := Job{From: f.Report.Seed, To: f.Report.Seed}
		fmt.Fprintf(w, "\nVIOLATION of %s in seed %d\n  first evidence: %v\n  rerun: %s\n", f.Report.Violations[0].Invariant, f.Report.Seed, f.Report.Violations[0], rerun(job))
		if f.Small.From != 0 {
			fmt.Fprintf(w, "  shrunk: %s\n", rerun(f.Small))
		}
	}
	if s.Bad > 0 {
		words := []string{}
		for _, name := range slices.Sorted(maps.Keys(s.Invariant)) {
			words = append(words, fmt.Sprintf("%s in %d", name, s.Invariant[name]))
		}
		fmt.Fprintf(w, "\nseeds by first broken law: %s\n", strings.Join(words, ", "))
	}
}
