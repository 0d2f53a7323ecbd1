package bench

import (
	"context"
	"fmt"
	"io"
	"path/filepath"
	"slices"
	"text/tabwriter"
	"time"
)

// Times say how long one cell warms up and is measured.
type Times struct{ Warm, Measure time.Duration }

// Cell is one thing that a system can do. Cells of one Kind are held against one another.
type Cell struct {
	Kind string
	// Run measures it; clients is how many ask, and for a watch how many watch.
	Run func(ctx context.Context, clients int, t Times) (Figures, error)
}

// System is one of those that are measured, three servers each.
type System interface {
	Name() string
	// Start begins with empty data below dir.
	Start(ctx context.Context, dir string) error
	// Cells may be called once it is started.
	Cells() []Cell
	Stop()
}

// Task is one cell with a number of clients.
type Task struct {
	Kind    string
	Clients int
}

// Race says what is measured.
type Race struct {
	Systems []System // in this order, in each round; only one runs at a time
	Tasks   []Task
	Rounds  int
	Times   Times
	Dir     string
	// Against names the system that the others are held against; empty for none.
	Against string
	// Progress is told what begins.
	Progress func(format string, args ...any)
}

// Row is what all rounds say of one system and task: medians, and for the rate the range too.
type Row struct {
	System    string        `json:"system"`
	Kind      string        `json:"kind"`
	Clients   int           `json:"clients"`
	PerSecond float64       `json:"perSecond"`
	Least     float64       `json:"leastPerSecond"`
	Most      float64       `json:"mostPerSecond"`
	P50       time.Duration `json:"p50Ns"`
	P99       time.Duration `json:"p99Ns"`
	ServerCPU time.Duration `json:"serverCpuPer1000Ns"`
	Failed    int           `json:"failed"`
	// Share is, of a watch, the share of events that watchers saw; of an overload, what was done by what can be done; else 0.
	Share float64 `json:"share,omitempty"`
	// Ratio is the rate by that of the system they are held against, the median over the rounds; 0 where there is none.
	Ratio      float64 `json:"ratio,omitempty"`
	FirstError string  `json:"firstError,omitempty"`
}

// Run measures every task with every system that knows it, round by round.
func (r Race) Run(ctx context.Context) ([]Row, error) {
	results := map[string]map[Task][]Figures{}
	for round := range r.Rounds {
		for _, s := range r.Systems {
			if results[s.Name()] == nil {
				results[s.Name()] = map[Task][]Figures{}
			}
			r.Progress("round %d of %d: %s starts", round+1, r.Rounds, s.Name())
			if err := r.one(ctx, s, filepath.Join(r.Dir, fmt.Sprintf("round%d", round+1), s.Name()), results[s.Name()]); err != nil {
				return nil, fmt.Errorf("bench: %s: %w", s.Name(), err)
			}
		}
	}
	var rows []Row
	for _, task := range r.Tasks {
		for _, s := range r.Systems {
			if figures := results[s.Name()][task]; len(figures) > 0 {
				rows = append(rows, summary(s.Name(), task, figures, results[r.Against][task]))
			}
		}
	}
	return rows, nil
}

func (r Race) one(ctx context.Context, s System, dir string, into map[Task][]Figures) error {
	defer s.Stop()
	if err := s.Start(ctx, dir); err != nil {
		return err
	}
	cells := s.Cells()
	for _, task := range r.Tasks {
		i := slices.IndexFunc(cells, func(c Cell) bool { return c.Kind == task.Kind })
		if i < 0 {
			continue
		}
		r.Progress("%s: %s, %d clients", s.Name(), task.Kind, task.Clients)
		f, err := cells[i].Run(ctx, task.Clients, r.Times)
		if err != nil {
			return err
		}
		into[task] = append(into[task], f)
	}
	return ctx.Err()
}

func summary(name string, task Task, all, against []Figures) Row {
	row := Row{System: name, Kind: task.Kind, Clients: task.Clients}
	rates := pluck(all, Figures.PerSecond)
	row.PerSecond, row.Least, row.Most = median(rates), slices.Min(rates), slices.Max(rates)
	row.P50 = median(pluck(all, func(f Figures) time.Duration { return f.P50 }))
	row.P99 = median(pluck(all, func(f Figures) time.Duration { return f.P99 }))
	row.ServerCPU = median(pluck(all, func(f Figures) time.Duration { return f.ServerCPU }))
	row.Share = slices.Min(pluck(all, func(f Figures) float64 { return f.Share }))
	for _, f := range all {
		row.Failed += f.Failed
		if row.FirstError == "" {
			row.FirstError = f.FirstError
		}
	}
	if len(against) == len(all) {
		var ratios []float64
		for i := range all {
			ratios = append(ratios, all[i].PerSecond()/against[i].PerSecond())
		}
		row.Ratio = median(ratios)
	}
	return row
}

func pluck[T any](all []Figures, of func(Figures) T) []T {
	var list []T
	for _, f := range all {
		list = append(list, of(f))
	}
	return list
}

func median[T float64 | time.Duration](list []T) T {
	slices.Sort(list)
	return list[len(list)/2]
}

// WriteTable prints rows in aligned columns.
func WriteTable(out io.Writer, rows []Row, against string) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	head := "OPERATION\tCLIENTS\tSYSTEM\tPER SECOND\tLEAST-MOST\tP50 ms\tP99 ms\tSERVER CPU ms/1000\tFAILED\tSHARE"
	if against != "" {
		head += "\tTIMES " + against
	}
	fmt.Fprintln(t, head)
	for _, r := range rows {
		fmt.Fprintf(t, "%s\t%d\t%s\t%.0f\t%.0f-%.0f\t%.3f\t%.3f\t%.1f\t%d\t%s", r.Kind, r.Clients, r.System, r.PerSecond, r.Least, r.Most,
			ms(r.P50), ms(r.P99), ms(r.ServerCPU), r.Failed, share(r.Share))
		if r.Ratio > 0 {
			fmt.Fprintf(t, "\t%.2f", r.Ratio)
		}
		fmt.Fprintln(t)
	}
	return t.Flush()
}

func share(v float64) string {
	if v == 0 {
		return "-"
	}
	return fmt.Sprintf("%.3f", v)
}

func ms(d time.Duration) float64 { return float64(d) / 1e6 }
