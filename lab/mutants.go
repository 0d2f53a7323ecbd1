package lab

import (
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"text/tabwriter"
	"time"

	"onevoice/internal/mutant"
)

// MutantOptions are those of the command "lab mutants".
type MutantOptions struct {
	// Seeds is within how many seeds a bug must be found; 0 means 2,000.
	Seeds uint64
	// First is the first seed.
	First uint64
	// Only names the bugs to plant; empty for all.
	Only []string
	// Workers is how many processes run at once; 0 means one a processor.
	Workers int
	// Dir is a directory inside our source; empty means the current one.
	Dir string
	// Package is what is built, with the tag mutants; empty means ./cmd/onevoice.
	Package string
	// Progress gets a line for each bug; nil for none.
	Progress io.Writer
}

// Hunt is how the search for one planted bug went.
type Hunt struct {
	Bug       string
	Found     bool
	Invariant string // the law that it broke; where a test found it, "test"
	Seed      uint64
	After     int // seeds run until then; 0 where a test looks for it
	Took      time.Duration
	Evidence  string
	// Command shows it again.
	Command string
}

// errFound ends a hunt.
var errFound = errors.New("found")

// Mutants builds this program with the planted bugs in it and hunts each one: with the ordinary seeds and judges, or, where the
// simulated world has no such moment, with the test that looks at the room by itself. The error is about building and running; a
// bug that was not found has Found false.
func Mutants(ctx context.Context, o MutantOptions) ([]Hunt, error) {
	if o.Seeds == 0 {
		o.Seeds = 2_000
	}
	bugs, err := o.bugs()
	if err != nil {
		return nil, err
	}
	dir, err := os.MkdirTemp("", "onevoice-mutants-")
	if err != nil {
		return nil, fmt.Errorf("lab: %w", err)
	}
	defer os.RemoveAll(dir)
	binary, err := buildMutants(ctx, o, dir)
	if err != nil {
		return nil, err
	}
	p, err := newPool([]string{binary, "lab", "worker"}, o.Workers)
	if err != nil {
		return nil, err
	}
	var hunts []Hunt
	for _, bug := range bugs {
		var h Hunt
		if test, ok := unitTests()[bug]; ok {
			h, err = test.hunt(ctx, o.Dir, bug)
		} else {
			h, err = p.hunt(ctx, Job{From: o.First, To: o.First + o.Seeds - 1, Bug: bug.String()})
		}
		if err != nil {
			return hunts, err
		}
		hunts = append(hunts, h)
		tell(o.Progress, "%s: found %v by %s after %d seeds\n", h.Bug, h.Found, h.Invariant, h.After)
	}
	return hunts, nil
}

func (o *MutantOptions) bugs() ([]mutant.Bug, error) {
	if len(o.Only) == 0 {
		return mutant.All(), nil
	}
	var bugs []mutant.Bug
	for _, name := range o.Only {
		b, ok := mutant.Named(name)
		if !ok {
			var names []string
			for _, b := range mutant.All() {
				names = append(names, b.String())
			}
			return nil, fmt.Errorf("lab: only is %q, allowed: %s", name, strings.Join(names, ", "))
		}
		bugs = append(bugs, b)
	}
	return bugs, nil
}

func (p *pool) hunt(ctx context.Context, job Job) (Hunt, error) {
	h := Hunt{Bug: job.Bug}
	start := time.Now()
	err := p.run(ctx, job, func(r result) error {
		h.After++
		if len(r.Violations) == 0 {
			return nil
		}
		v := r.Violations[0]
		h.Found, h.Invariant, h.Seed, h.Evidence = true, v.Invariant, r.Seed, v.Evidence
		h.Command = fmt.Sprintf("onevoice lab mutants --only %s --first %d --seeds 1", h.Bug, h.Seed)
		return errFound
	})
	h.Took = time.Since(start)
	if errors.Is(err, errFound) {
		err = nil
	}
	return h, err
}

// BuildWithBugs builds this program with the planted bugs in it into dir, from the source at or above the current directory,
// and gives the binary's path.
func BuildWithBugs(ctx context.Context, dir string) (string, error) {
	return buildMutants(ctx, MutantOptions{}, dir)
}

// buildMutants builds the binary with the tag mutants into dir.
func buildMutants(ctx context.Context, o MutantOptions, dir string) (string, error) {
	tool, err := exec.LookPath("go")
	if err != nil {
		return "", fmt.Errorf("lab: planted bugs are in no shipped binary, so they are built from source, and there is no go command here: %w", err)
	}
	root, err := sourceRoot(o.Dir)
	if err != nil {
		return "", err
	}
	pkg := o.Package
	if pkg == "" {
		pkg = "./cmd/onevoice"
	}
	binary := filepath.Join(dir, "onevoice-mutants")
	cmd := exec.CommandContext(ctx, tool, "build", "-tags", "mutants", "-o", binary, pkg)
	cmd.Dir = root
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("lab: go build -tags mutants %s in %s: %w\n%s", pkg, root, err, out)
	}
	return binary, nil
}

// sourceRoot finds our module at or above dir.
func sourceRoot(dir string) (string, error) {
	at, err := filepath.Abs(dir)
	if err != nil {
		return "", fmt.Errorf("lab: %w", err)
	}
	for start := at; ; at = filepath.Dir(at) {
		b, err := os.ReadFile(filepath.Join(at, "go.mod"))
		if err == nil && strings.HasPrefix(string(b), "module onevoice\n") {
			return at, nil
		}
		if at == filepath.Dir(at) {
			return "", fmt.Errorf("lab: planted bugs are built from source, and %s is not inside the source of onevoice: run this in a clone", start)
		}
	}
}

// PrintHunts writes the table of planted bugs and says whether all were found.
func PrintHunts(w io.Writer, hunts []Hunt) bool {
	t := tabwriter.NewWriter(w, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "planted bug\tfound by\tafter seeds\ttime\tcommand")
	all := true
	for _, h := range hunts {
		all = all && h.Found
		by, after, again := h.Invariant, fmt.Sprint(h.After), h.Command
		if h.After == 0 {
			after = "-"
		}
		if !h.Found {
			by = "NOT FOUND"
		}
		if again == "" {
			again = "-"
		}
		fmt.Fprintf(t, "%s\t%s\t%s\t%v\t%s\n", h.Bug, by, after, h.Took.Round(10*time.Millisecond), again)
	}
	t.Flush()
	return all
}
