package gap

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"os/exec"
	"strings"
	"syscall"
	"time"

	"onevoice/lab/real"
)

const (
	// steady is how many answers each client has before the fault; watched is how long gaps are looked for after it.
	steady  = 50
	watched = 1500 * time.Millisecond
	// ready is how long a cluster may take until it answers steadily.
	ready = 30 * time.Second
	// phase is the longest random pause before the fault, so that it meets timers at any point.
	phase = 100 * time.Millisecond
)

// job is what a worker is told.
type job struct {
	Cell   Cell
	Binary string
	Dir    string
}

// run makes the experiment.
func (j *job) run(ctx context.Context) (Result, error) {
	var r Result
	oracles, args := j.Cell.Layout.plan()
	c, err := real.Start(ctx, real.Options{
		Servers: j.Cell.Servers, Binary: j.Binary, Dir: j.Dir, RoundTrip: time.Duration(j.Cell.RoundTripNs), Clients: clients,
		Oracles: oracles, ArgsOf: args,
	})
	if err != nil {
		return r, err
	}
	defer c.Close()
	if err := c.Connected(ctx, ready); err != nil {
		return r, err
	}
	for range j.Cell.Hogs {
		hog := exec.CommandContext(ctx, "/bin/sh", "-c", "while :; do :; done")
		if err := hog.Start(); err != nil {
			return r, fmt.Errorf("lab failover: %w", err)
		}
		defer func() { _ = hog.Process.Kill(); _ = hog.Wait() }()
	}
	writer, reader, err := dial(c)
	if err != nil {
		return r, err
	}
	defer writer.stop()
	defer reader.stop()
	began := time.Now()
	for writer.count() < steady || reader.count() < steady {
		if time.Since(began) > ready {
			return r, fmt.Errorf("lab failover: %d writes and %d reads were answered in %v, %d are wanted", writer.count(), reader.count(), ready, steady)
		}
		time.Sleep(time.Millisecond)
	}
	if r.Punctuality, err = settle(ctx, c, &j.Cell); err != nil {
		return r, err
	}
	probe := startProbe(j.Dir)
	time.Sleep(rand.N(phase))
	leader, err := c.Leader(ctx, ready)
	if err != nil {
		return r, err
	}
	before, err := c.Status(ctx, leader)
	if err != nil {
		return r, err
	}
	r.BoundNs, r.RoundNs = int64(before.Counters["detection_bound_ns"]), int64(before.Counters["round_trip_ns"])
	heal, at, err := j.strike(ctx, c, leader)
	if err != nil {
		return r, err
	}
	time.Sleep(watched)
	end := time.Now()
	writer.stop()
	reader.stop()
	if r.LateNs, r.SyncNs, err = probe.stop(); err != nil {
		return r, err
	}
	r.WriteNs, r.ReadNs, r.Acked = writer.gap(at, end), reader.gap(at, end), writer.count()
	heal()
	r.Lost, err = writer.lost(ctx, c)
	return r, err
}

// strike makes the fault of the leader, and says when, and how to end it.
func (j *job) strike(ctx context.Context, c *real.Cluster, leader string) (heal func(), at time.Time, err error) {
	address := c.At(leader)
	heal = func() {}
	at = time.Now()
	switch j.Cell.Fault {
	case Kill:
		err = c.Kill(leader)
	case Stop:
		err = c.Signal(leader, syscall.SIGSTOP)
		heal = func() { _ = c.Signal(leader, syscall.SIGCONT) } // it may have been killed by the end of the run
	case Mute:
		heal = c.Net.Mute(address)
	case Deaf:
		heal = c.Net.Deaf(address)
	case Both:
		heal = c.Net.Alone(address)
	case Transfer:
		err = handOver(ctx, c, leader)
	}
	return heal, at, err
}

func handOver(ctx context.Context, c *real.Cluster, leader string) error {
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://"+c.Server(leader).HTTP+"/api/v1/members/transfer",
		strings.NewReader(fmt.Sprintf(`{"group":%d,"to":"0"}`, airspaceGroup)))
	if err != nil {
		return fmt.Errorf("lab failover: %w", err)
	}
	request.Header.Set("Content-Type", "application/json")
	answer, err := c.HTTP.Do(request)
	if err != nil {
		return fmt.Errorf("lab failover: hand over: %w", err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return fmt.Errorf("lab failover: hand over: %s", answer.Status)
	}
	return nil
}
