// Package power cuts the power of clusters of real servers, under load, and checks that every acknowledged write is there afterwards.
// It is a laboratory: processes, sockets, clocks and files.
//
// The servers are built with the tag "dropping": what they have not synced is gone when they are killed (store/dropfs). A repeat is
// one cut: all servers are killed at once, in a share of the repeats the disks of a minority are destroyed, and the rest
// starts again. A cluster goes through a few cuts with one load, whose sessions live across them, then a new one is made.
package power

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
	"time"

	"onevoice/lab"
	"onevoice/lab/real"
)

// BackWithin is how soon after the start of a majority a write is promised to be acknowledged again.
const BackWithin = 3 * time.Second

// cutsPerLife is how many cuts one cluster goes through at most: enough for snapshots and truncated logs to meet them.
const cutsPerLife = 6

// Options say what to run.
type Options struct {
	// Repeats is how many cuts, from 1.
	Repeats int
	// Servers is 3 or 5; 0 draws it for each cluster.
	Servers int
	// Seed decides what is drawn; what the servers do in time does not repeat.
	Seed uint64
	// Within is how soon after the start of a majority a write must be acknowledged again: BackWithin, or more on a machine that
	// has other work to do.
	Within time.Duration
	// Bug plants a bug in the servers, as "onevoice lab mutants" names them; empty for none.
	Bug string
	// Binary is a server built with the tag dropping; empty builds one, which needs the source and the Go toolchain.
	Binary string
	// Dir is where clusters keep their data and logs; what broke a law stays there. Empty for a temporary directory.
	Dir string
	// Progress gets a line for each cluster; nil for none.
	Progress io.Writer
}

// Run runs the repeats. The error is about what could not be run; broken laws stand in the report. A planted bug ends the run
// where it is found.
func Run(ctx context.Context, o Options) (*Report, error) {
	if o.Repeats < 1 || o.Servers != 0 && o.Servers != 3 && o.Servers != 5 {
		return nil, fmt.Errorf("lab power: %d repeats with %d servers, allowed: from 1, and 3 or 5", o.Repeats, o.Servers)
	}
	if o.Within <= 0 {
		return nil, fmt.Errorf("lab power: the first write within %v, allowed: more than 0", o.Within)
	}
	temporary, err := os.MkdirTemp(o.Dir, "onevoice-power-")
	if err != nil {
		return nil, fmt.Errorf("lab power: %w", err)
	}
	if o.Binary == "" {
		if o.Binary, err = Build(ctx, temporary, o.Bug); err != nil {
			return nil, err
		}
	}
	r := &Report{Seed: o.Seed, Bug: o.Bug, Within: o.Within}
	random := rand.New(rand.NewPCG(o.Seed, 0x706f776572))
	for r.Repeats < o.Repeats && (o.Bug == "" || r.OK()) {
		r.Clusters++
		dir := filepath.Join(temporary, fmt.Sprintf("cluster-%d", r.Clusters))
		broken := len(r.Violations)
		if err := runLife(ctx, o, r, random, dir); err != nil {
			return r, fmt.Errorf("lab power: cluster %d in %s: %w", r.Clusters, dir, err)
		}
		if o.Progress != nil {
			fmt.Fprintf(o.Progress, "%d of %d cuts, %d writes acknowledged, back after %v at most, %d laws broken\n",
				r.Repeats, o.Repeats, r.Acked, r.max().Round(time.Millisecond), len(r.Violations))
		}
		if len(r.Violations) > broken {
			r.Evidence = append(r.Evidence, dir)
		} else if err := os.RemoveAll(dir); err != nil {
			return r, fmt.Errorf("lab power: %w", err)
		}
	}
	slices.Sort(r.Back)
	if len(r.Evidence) == 0 {
		err = os.RemoveAll(temporary)
	}
	return r, err
}

// Build builds the servers of this laboratory, with planted bugs in them where bug is not empty.
func Build(ctx context.Context, dir, bug string) (string, error) {
	tags := "dropping"
	if bug != "" {
		tags += ",mutants"
	}
	return lab.Build(ctx, dir, tags)
}

// environment is what the servers of one cluster are told.
func environment(o Options, disk fmt.Stringer) []string {
	env := []string{diskVariable + "=" + disk.String()}
	if o.Bug != "" {
		env = append(env, real.BugEnv+"="+o.Bug)
	}
	return env
}
