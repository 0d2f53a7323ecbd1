package predict

import (
	"fmt"
	"io"
	"math"
	"slices"
	"text/tabwriter"
)

// Score is how one way of predicting did.
type Score struct {
	// Found are the errors of the entries that were found, in seconds, late is positive.
	Found  []float64 `json:"found"`
	Missed int       `json:"missed"`
	False  int       `json:"false"`
}

// Row is one sector, or a sum of them.
type Row struct {
	Sector   string `json:"sector"`
	Entries  int    `json:"entries"`
	Ours     Score  `json:"ours"`
	Constant Score  `json:"constant"`
	// Both are the errors of both, of the entries that both found.
	Both [][2]float64 `json:"both"`
}

// Result is a measurement.
type Result struct {
	// Sectors holds all entries, by sector, those with any.
	Sectors []Row `json:"sectors"`
	// All is their sum; Heard is that of flights of which there was a row when they were predicted, Unheard of the others.
	All     Row `json:"all"`
	Heard   Row `json:"heard"`
	Unheard Row `json:"unheard"`
	// HeldOut is the same of the part from Options.HeldOutNs on, none of it counted above; nil without that.
	HeldOut *Result `json:"held_out,omitempty"`
}

func (r *Row) scores() [models]*Score { return [models]*Score{&r.Ours, &r.Constant} }

// add counts an entry with the errors of both.
func (r *Row) add(our, constant float64) {
	r.Entries++
	found := 0
	for m, s := range []float64{our, constant} {
		score := r.scores()[m]
		if math.Abs(s) > LimitS {
			score.Missed++
			continue
		}
		score.Found = append(score.Found, s)
		found++
	}
	if found == int(models) {
		r.Both = append(r.Both, [2]float64{our, constant})
	}
}

func (r *Row) plus(o *Row) {
	r.Entries += o.Entries
	r.Both = append(r.Both, o.Both...)
	for m, s := range r.scores() {
		from := o.scores()[m]
		s.Found, s.Missed, s.False = append(s.Found, from.Found...), s.Missed+from.Missed, s.False+from.False
	}
}

func newResult(heard, unheard []Row) Result {
	r := Result{All: Row{Sector: "all"}, Heard: Row{Sector: "heard"}, Unheard: Row{Sector: "plan only"}}
	for i := range heard {
		one := Row{Sector: heard[i].Sector}
		one.plus(&heard[i])
		one.plus(&unheard[i])
		if one.Entries+one.Ours.False+one.Constant.False > 0 {
			r.Sectors = append(r.Sectors, one)
		}
		r.All.plus(&one)
		r.Heard.plus(&heard[i])
		r.Unheard.plus(&unheard[i])
	}
	return r
}

// Mean is the mean error in seconds, whichever way; an entry that was missed counts as LimitS.
func (s *Score) Mean() float64 {
	sum := LimitS * float64(s.Missed)
	for _, e := range s.Found {
		sum += math.Abs(e)
	}
	return sum / float64(s.Missed+len(s.Found))
}

// bothOf gives the mean and the 95th percentile of the errors of one of the two, in seconds, whichever way, of the entries that
// both found.
func (r *Row) bothOf(m model) (mean, p95 float64) {
	if len(r.Both) == 0 {
		return math.NaN(), math.NaN()
	}
	var list []float64
	for _, e := range r.Both {
		list = append(list, math.Abs(e[m]))
		mean += math.Abs(e[m]) / float64(len(r.Both))
	}
	slices.Sort(list)
	return mean, list[(95*len(list)+99)/100-1]
}

// Print writes the table, and that of the part held out.
func (r *Result) Print(out io.Writer) error {
	if err := r.print(out); err != nil || r.HeldOut == nil {
		return err
	}
	if _, err := fmt.Fprintln(out, "\nheld out:"); err != nil {
		return err
	}
	return r.HeldOut.print(out)
}

func (r *Result) print(out io.Writer) error {
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', tabwriter.AlignRight)
	fmt.Fprintln(w, "sector\tentries\tmean s\tconstant\tmissed\tconstant\tfalse\tconstant\tboth found\tmean s\tconstant\tp95 s\tconstant\t")
	for _, row := range slices.Concat(r.Sectors, []Row{r.All, r.Heard, r.Unheard}) {
		m1, p1 := row.bothOf(ours)
		m2, p2 := row.bothOf(steady)
		fmt.Fprintf(w, "%s\t%d\t%s\t%s\t%d\t%d\t%d\t%d\t%d\t%s\t%s\t%s\t%s\t\n", row.Sector, row.Entries, number(row.Ours.Mean()), number(row.Constant.Mean()),
			row.Ours.Missed, row.Constant.Missed, row.Ours.False, row.Constant.False, len(row.Both), number(m1), number(m2), number(p1), number(p2))
	}
	return w.Flush()
}

func number(v float64) string {
	if math.IsNaN(v) {
		return "-"
	}
	return fmt.Sprintf("%.1f", v)
}
