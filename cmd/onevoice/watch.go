package main

import (
	"bufio"
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"onevoice/problem"
	"onevoice/web/api"
	"onevoice/web/ask"
)

func watchCommand() *cobra.Command {
	var a asking
	var after string
	var wanted wantedEvents
	cmd := &cobra.Command{
		Use:   "watch",
		Short: "Print every agreed change as it comes, in order, across failures of servers",
		Long: `Print every agreed change as it comes, in order. When the server dies the stream goes on at another one, without losing
or doubling an event. Each line begins with the event's place, index.i; --after begins behind one.

--kind, --flight, --sector, --zone and --volume are applied by the server: any value of one will do, and all that are given must match. A
flight that leaves the sector or zone is told, too.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return watchStream(cmd.Context(), a.client(), "/events"+wanted.query(), after, func(id string, data []byte) error {
				return printEvent(cmd.OutOrStdout(), a.output, id, data)
			})
		},
	}
	wanted.flags(cmd)
	cmd.Flags().StringVar(&after, "after", "", "begin after this place, index.i or index (default: now)")
	askFlags(cmd, &a)
	return cmd
}

func printEvent(out io.Writer, output, id string, data []byte) error {
	if output == "json" {
		_, err := fmt.Fprintf(out, "%s\n", data)
		return err
	}
	var e api.Event
	if err := json.Unmarshal(data, &e); err != nil {
		return fmt.Errorf("event %s: %w", id, err)
	}
	_, err := fmt.Fprintf(out, "%-10s %s  %-18s %-10s %s %s\n", id, clock(e.ServiceTime), e.Kind, dash(e.Callsign), e.ID, eventDetail(&e))
	return err
}

// eventDetail is what an event says beyond its kind and name, in a line.
func eventDetail(e *api.Event) string {
	switch {
	case e.Conflict != nil:
		c := e.Conflict
		return fmt.Sprintf("%s %s NM %s ft %s", clock(c.Closest.Time), miles(c.Closest.Lateral), feet(c.Closest.Vertical), strings.Join(c.Sectors, ","))
	case e.Load != nil:
		return fmt.Sprintf("%s peak %d hour %d", clock(e.Load.From), e.Load.Peak, e.Load.HourEntries)
	}
	var sectors []string
	for _, w := range e.Windows {
		sectors = append(sectors, w.Sector)
	}
	return strings.Join(sectors, ",")
}

// watchStream follows a stream from server to server until ctx ends or a server says that the place is no longer held.
func watchStream(ctx context.Context, client *ask.Client, path, after string, each func(id string, data []byte) error) error {
	silentSince := time.Now()
	for i := 0; ctx.Err() == nil; i++ {
		endpoint := client.Endpoints[i%len(client.Endpoints)]
		last, err := streamFrom(ctx, client.HTTP, endpoint+"/api/v1"+path, after, func() { silentSince = time.Now() }, each)
		after = last
		var p *problem.Error
		switch {
		case ctx.Err() != nil:
			continue // the user has stopped it
		case errors.As(err, &p) && p.Kind != problem.NoVoice && p.Kind != problem.Overloaded:
			return err
		case time.Since(silentSince) > client.Timeout:
			return &problem.Error{Kind: problem.NoVoice, Op: "watch", Subject: "after " + dash(after), Detail: "no server streams: " + err.Error()}
		}
		select {
		case <-ctx.Done():
		case <-time.After(50 * time.Millisecond):
		}
	}
	return nil
}

// silence is after how long without even a heartbeat a stream counts as dead; heartbeats come each second.
const silence = 4 * time.Second

// streamFrom reads one server's stream and returns the place of the last event it gave. It calls alive at each sign of life.
func streamFrom(ctx context.Context, by *http.Client, address, after string, alive func(), each func(string, []byte) error) (string, error) {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return after, err
	}
	if after != "" {
		request.Header.Set("Last-Event-ID", after)
	}
	dead := time.AfterFunc(silence, cancel)
	defer dead.Stop()
	answer, err := cmp.Or(by, http.DefaultClient).Do(request)
	if err != nil {
		return after, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		var p api.Problem
		if err := json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&p); err != nil {
			return after, fmt.Errorf("watch: %s answered %s", address, answer.Status)
		}
		return after, p.Err()
	}
	return readStream(answer.Body, after, func() { dead.Reset(silence); alive() }, each)
}

// maxEventBytes bounds one line of a stream.
const maxEventBytes = 16 << 20

func readStream(body io.Reader, after string, alive func(), each func(string, []byte) error) (string, error) {
	lines := bufio.NewScanner(body)
	lines.Buffer(make([]byte, 64<<10), maxEventBytes)
	var id, name string
	var data []byte
	for lines.Scan() {
		alive()
		field, value, _ := strings.Cut(lines.Text(), ": ")
		switch field {
		case "id":
			id = value
		case "event":
			name = value
		case "data":
			data = append(data, value...)
		case "":
			if len(data) > 0 && (name == "problem" || name == "compacted") {
				return after, endOfStream(data)
			}
			if len(data) > 0 {
				if err := each(id, data); err != nil {
					return after, err
				}
			}
			if id != "" {
				after = id // of an event, or of those that a filter left out
			}
			data, name = data[:0], ""
		}
	}
	if err := lines.Err(); err != nil {
		return after, err
	}
	return after, io.ErrUnexpectedEOF
}

// endOfStream is why a server has ended its stream.
func endOfStream(data []byte) error {
	var p api.Problem
	if err := json.Unmarshal(data, &p); err != nil {
		return fmt.Errorf("watch: %w", err)
	}
	return p.Err()
}
