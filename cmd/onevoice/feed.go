package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"onevoice/feed"
	"onevoice/geo"
	"onevoice/predict"
	"onevoice/web/api"
	"onevoice/web/ask"
)

// feedOptions are the flags of feed.
type feedOptions struct {
	flights, format string
	file            bool
	speed           float64
	predictor       predict.Options
}

func feedCommand() *cobra.Command {
	var a asking
	o := feedOptions{predictor: predict.Defaults()}
	by := single{what: "feed", names: []string{"feed/positions"}}
	cmd := &cobra.Command{
		Use:   "feed --flights FILE",
		Short: "Follow flights by their positions: predict how they go on, and have what changed agreed",
		Long: `Follow flights by their positions: predict how they go on, and have what changed agreed. Positions are those of a recording, given as service
time reaches them; they go to each server's table of positions as well. A sector window that moves by more than the tolerance is
proposed, and so is a flight that leaves its plan or is no longer heard. Each proposal takes effect once, across failures of servers,
and only on the plan that it was made of.

With --file the flights of the recording are filed first, with the first and the last point of each as their plan. With --speed service time is
set to the recording's beginning, and runs so fast. It ends with the recording, or with Ctrl-C.

One process feeds at a time: it holds the lock feed/positions (onevoice locks).`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := o.check(); err != nil {
				return err
			}
			return by.run(cmd.Context(), &a, func(ctx context.Context) error {
				total, err := runFeed(ctx, a.client(), o, cmd.ErrOrStderr())
				if err == nil && a.output == "json" {
					err = json.NewEncoder(cmd.OutOrStdout()).Encode(total)
				} else if err == nil {
					_, err = fmt.Fprintln(cmd.OutOrStdout(), total)
				}
				return err
			})
		},
	}
	cmd.Flags().StringVar(&o.flights, "flights", "", "recording of positions, gzip or not")
	cmd.Flags().StringVar(&o.format, "format", "csv", "of the recording: csv, or cpr for correlated position reports of the Network Manager")
	cmd.Flags().BoolVar(&o.file, "file", false, "file a plan of each flight first, of its first and last point")
	cmd.Flags().Float64Var(&o.speed, "speed", 0, "set service time to the recording's beginning and run it so fast, 0.001 to 1000")
	cmd.Flags().DurationVar((*time.Duration)(&o.predictor.ToleranceNs), "tolerance", time.Duration(o.predictor.ToleranceNs), "how far a sector window may move before that is proposed")
	cmd.Flags().DurationVar((*time.Duration)(&o.predictor.SilentNs), "silent", time.Duration(o.predictor.SilentNs), "after how long without a report a flight is silent")
	cmd.Flags().DurationVar(&by.wait, "wait", 0, "how long to wait while another process feeds")
	askFlags(cmd, &a)
	return cmd
}

func (o *feedOptions) check() error {
	switch {
	case o.flights == "":
		return usageError{errors.New("name a recording with --flights")}
	case o.format != "csv" && o.format != "cpr":
		return usageError{fmt.Errorf("--format is %q, allowed: csv, cpr", o.format)}
	case o.speed != 0 && rateMilli(o.speed) == 0:
		return usageError{fmt.Errorf("--speed is %g, allowed: 0.001 to 1000", o.speed)}
	case o.predictor.ToleranceNs < 0 || o.predictor.SilentNs < int64(time.Second):
		return usageError{errors.New("--tolerance is 0s or more, --silent 1s or more")}
	}
	return nil
}

// runFeed follows a recording to its end.
func runFeed(ctx context.Context, client *ask.Client, o feedOptions, out io.Writer) (feedTotal, error) {
	samples, report, err := readPositions(o.flights, o.format)
	if err != nil {
		return feedTotal{}, err
	}
	if len(samples) == 0 {
		return feedTotal{}, fmt.Errorf("feed: %s holds no usable row of %d", o.flights, report.Rows)
	}
	if o.speed != 0 {
		if err := setServiceTime(ctx, client, samples[0].ReceivedNs, o.speed); err != nil {
			return feedTotal{}, err
		}
	}
	if o.file {
		put, err := putPlans(ctx, client, endsOnly(feed.Plans(byTime(samples), feed.DefaultPlanOptions(), &report)))
		if err != nil {
			return feedTotal{}, err
		}
		progress(out, "%d flights filed, %d refused", put.Put, put.Refused)
	}
	f := newFlightFollower(client, o.predictor)
	f.total.Rows, f.total.Bad = report.Rows, report.Bad
	err = f.run(ctx, samples, out)
	return f.total, unlessStopped(ctx, err)
}

func readPositions(path, format string) ([]feed.Sample, feed.Report, error) {
	if format != "cpr" {
		return readRecordingFile(path)
	}
	f, err := os.Open(path)
	if err != nil {
		return nil, feed.Report{}, err
	}
	defer f.Close()
	return feed.ReadCPR(f)
}

// endsOnly gives plans that hold only their first and last point.
func endsOnly(plans []feed.Plan) []feed.Plan {
	for i := range plans {
		path := plans[i].Flight.Path
		plans[i].Flight.Path = []geo.Point4D{path[0], path[len(path)-1]}
	}
	return plans
}

// byTime gives reports in the order of their times of track.
func byTime(samples []feed.Sample) []feed.Sample {
	sorted := slices.Clone(samples)
	slices.SortStableFunc(sorted, func(a, b feed.Sample) int { return cmp.Compare(a.AtNs, b.AtNs) })
	return sorted
}

func setServiceTime(ctx context.Context, client *ask.Client, atNs int64, speed float64) error {
	body, err := json.Marshal(map[string]any{"service_time": api.Time(atNs), "rate": speed})
	if err != nil {
		return err
	}
	_, err = client.Do(ctx, ask.Request{Method: http.MethodPut, Path: "/settings/service-time", Body: body, Header: jsonBody()}, nil)
	return err
}

func jsonBody() http.Header { return http.Header{"Content-Type": {"application/json"}} }
