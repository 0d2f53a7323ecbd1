package lab

import (
	"context"
	"time"

	"onevoice/lab/cluster"
	"onevoice/lab/sim"
)

// shrinkMost is how many failed seeds of a batch are shrunk: each takes up to some forty runs.
const shrinkMost = 3

// shrink looks for a shorter phase of faults and fewer kinds of them under which a seed still breaks the same law.
func (p *pool) shrink(ctx context.Context, job Job, failed *cluster.Report) Job {
	job.From, job.To = failed.Seed, failed.Seed
	law := failed.Violations[0].Invariant
	fails := func(j Job) bool {
		still := false
		_ = p.run(ctx, j, func(r result) error {
			for _, v := range r.Violations {
				still = still || v.Invariant == law
			}
			return nil
		})
		return still
	}
	long := time.Duration(failed.FaultNs)
	for step := long / 2; step >= 20*time.Millisecond; step /= 2 {
		shorter := job
		if shorter.Faults = long - step; fails(shorter) {
			job, long = shorter, shorter.Faults
		}
	}
	for _, kind := range sim.Kinds() {
		fewer := job
		fewer.Off = job.Off.With(kind)
		if fewer.Off != job.Off && fails(fewer) {
			job = fewer
		}
	}
	return job
}
