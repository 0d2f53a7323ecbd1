package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/spf13/cobra"

	"onevoice/airspace"
	"onevoice/feed"
	"onevoice/problem"
	"onevoice/web/api"
	"onevoice/web/ask"
)

// importWorkers is how many puts are under way at once while a file is imported.
const importWorkers = 16

func importCommand() *cobra.Command {
	var a asking
	var sectors, flights string
	by := single{what: "import"}
	cmd := &cobra.Command{
		Use:   "import [--sectors FILE.geojson] [--flights FILE.csv]",
		Short: "Put sectors from GeoJSON and plans made of a recording, gzip or not",
		Long: `Put sectors from GeoJSON and plans made of a recording (CSV), gzip or not.
Rows that are wrong are counted and listed with their line, and left out. What the service refuses is listed as well.
Exit code 5 if it refused any.

One process imports at a time: it holds the lock import/sectors, import/flights or both (onevoice locks). While another one does, this ends
with exit code 5 and says which one, and until when at least; --wait waits for it.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if sectors == "" && flights == "" {
				return usageError{errors.New("nothing to import: name --sectors or --flights, or both")}
			}
			if sectors != "" {
				by.names = append(by.names, "import/sectors")
			}
			if flights != "" {
				by.names = append(by.names, "import/flights")
			}
			return by.run(cmd.Context(), &a, func(ctx context.Context) error { return runImport(ctx, cmd, &a, sectors, flights) })
		},
	}
	cmd.Flags().StringVar(&sectors, "sectors", "", "GeoJSON file of sectors")
	cmd.Flags().StringVar(&flights, "flights", "", "CSV recording of positions")
	cmd.Flags().DurationVar(&by.wait, "wait", 0, "how long to wait while another process imports")
	askFlags(cmd, &a)
	return cmd
}

// imported is what an import did, for -o json.
type imported struct {
	Kind    string        `json:"kind"`
	File    string        `json:"file"`
	Rows    int           `json:"rows"`
	Bad     int           `json:"bad"`
	Made    int           `json:"made"`
	Put     int           `json:"put"`
	Refused int           `json:"refused"`
	Defects []feed.Defect `json:"defects,omitempty"`
	Why     []string      `json:"why,omitempty"`
}

func runImport(ctx context.Context, cmd *cobra.Command, a *asking, sectorFile, flightFile string) error {
	client := a.client()
	var done []imported
	if sectorFile != "" {
		sectors, report, err := readSectorFile(sectorFile)
		if err != nil {
			return err
		}
		one, err := putSectors(ctx, client, sectors)
		if err != nil {
			return err
		}
		done = append(done, one.of("sectors", sectorFile, report, len(sectors)))
	}
	if flightFile != "" {
		samples, report, err := readRecordingFile(flightFile)
		if err != nil {
			return err
		}
		plans := feed.Plans(samples, feed.DefaultPlanOptions(), &report)
		one, err := putPlans(ctx, client, plans)
		if err != nil {
			return err
		}
		done = append(done, one.of("flights", flightFile, report, len(plans)))
	}
	return reportImport(cmd, a.output, done)
}

func (i imported) of(kind, file string, r feed.Report, made int) imported {
	i.Kind, i.File, i.Rows, i.Bad, i.Made, i.Defects = kind, file, r.Rows, r.Bad, made, r.Defects
	return i
}

func reportImport(cmd *cobra.Command, output string, done []imported) error {
	refused := 0
	for _, i := range done {
		refused += i.Refused
		if output == "json" {
			continue
		}
		for _, d := range i.Defects {
			fmt.Fprintf(cmd.ErrOrStderr(), "%s:%s\n", i.File, d)
		}
		for _, w := range i.Why {
			fmt.Fprintf(cmd.ErrOrStderr(), "refused: %s\n", w)
		}
		fmt.Fprintf(cmd.OutOrStdout(), "%s: %d rows read, %d of them wrong; %d %s made, %d put, %d refused\n", i.File, i.Rows, i.Bad, i.Made, i.Kind, i.Put, i.Refused)
	}
	if output == "json" {
		if err := json.NewEncoder(cmd.OutOrStdout()).Encode(done); err != nil {
			return err
		}
	}
	if refused > 0 {
		return &problem.Error{Kind: problem.Refused, Op: "import", Detail: fmt.Sprintf("%d were refused", refused)}
	}
	return nil
}

func readSectorFile(path string) ([]airspace.Sector, feed.Report, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, feed.Report{}, err
	}
	defer f.Close()
	return feed.ReadSectors(f)
}

func readRecordingFile(path string) ([]feed.Sample, feed.Report, error) {
	f, err := os.Open(path)
	if err != nil {
		return nil, feed.Report{}, err
	}
	defer f.Close()
	return feed.ReadRecording(f)
}

func putSectors(ctx context.Context, client *ask.Client, sectors []airspace.Sector) (imported, error) {
	return putAll(ctx, client, len(sectors), func(i int) (path string, body any) {
		s := sectors[i]
		return "/sectors/" + url.PathEscape(s.ID), api.FromSector(&airspace.SectorRecord{Sector: s})
	})
}

func putPlans(ctx context.Context, client *ask.Client, plans []feed.Plan) (imported, error) {
	return putAll(ctx, client, len(plans), func(i int) (path string, body any) { return flightPut(plans[i].Flight) })
}

func flightPut(f airspace.Flight) (path string, body any) {
	return "/flights/" + url.PathEscape(f.ID), api.FromFlight(&airspace.FlightRecord{Flight: f})
}

// maxWhy bounds the refusals that an import keeps.
const maxWhy = 1000

// putAll puts n things with a few workers. A refusal is counted; where no majority answers the whole ends.
func putAll(ctx context.Context, client *ask.Client, n int, thing func(i int) (path string, body any)) (imported, error) {
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	var mu sync.Mutex
	var result imported
	var next atomic.Int64
	var group sync.WaitGroup
	for range min(importWorkers, n) {
		group.Go(func() {
			for ctx.Err() == nil {
				i := int(next.Add(1)) - 1
				if i >= n {
					return
				}
				path, body := thing(i)
				err := put(ctx, client, path, body)
				mu.Lock()
				result.count(err, cancel)
				mu.Unlock()
			}
		})
	}
	group.Wait()
	return result, context.Cause(ctx)
}

func (i *imported) count(err error, stop func(error)) {
	var p *problem.Error
	switch {
	case err == nil:
		i.Put++
	case errors.As(err, &p) && p.Kind != problem.NoVoice && p.Kind != problem.TwoVoices:
		i.Refused++
		if len(i.Why) < maxWhy {
			i.Why = append(i.Why, err.Error())
		}
	default:
		stop(err)
	}
}

func put(ctx context.Context, client *ask.Client, path string, body any) error {
	content, err := json.Marshal(body)
	if err != nil {
		return fmt.Errorf("put %s: %w", path, err)
	}
	_, err = client.Do(ctx, ask.Request{Method: http.MethodPut, Path: path, Body: content, Header: http.Header{"Content-Type": {"application/json"}}}, nil)
	return err
}

// progress prints a line that replaces itself on a terminal.
func progress(out io.Writer, format string, args ...any) {
	fmt.Fprintf(out, "%s "+format+"\n", append([]any{time.Now().UTC().Format("15:04:05Z")}, args...)...)
}
