package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math"
	"net/http"
	"sync"
	"time"

	"onevoice/airspace"
	"onevoice/demo"
	"onevoice/feed"
	"onevoice/predict"
	"onevoice/web/api"
	"onevoice/web/ask"
)

// ahead is how far ahead of service time made-up flights are filed.
const ahead = time.Hour

// tracker gives the positions that are new since it was asked last.
type tracker interface {
	positions(nowNs int64) []api.Track
}

// traffic is what a demo shows.
type traffic struct {
	sectors []airspace.Sector
	plans   []feed.Plan // of a recording
	tracker tracker
	madeUp  *madeUp // nil for a recording
	beginNs int64   // of a recording
	// follow are the samples of a recording whose plans are predicted as they fly.
	follow []feed.Sample
}

func newTraffic(o demoOptions) (*traffic, error) {
	if o.sectors == "" {
		m := &madeUp{seed: o.seed}
		return &traffic{sectors: demo.Sectors(), madeUp: m, tracker: m}, nil
	}
	t := &traffic{tracker: &replay{}}
	var err error
	if t.sectors, _, err = readSectorFile(o.sectors); err != nil {
		return nil, err
	}
	if o.flights == "" {
		return t, nil
	}
	samples, report, err := readRecordingFile(o.flights)
	if err != nil {
		return nil, err
	}
	if len(samples) == 0 {
		return nil, fmt.Errorf("demo: %s holds no usable row of %d", o.flights, report.Rows)
	}
	t.plans = feed.Plans(samples, feed.DefaultPlanOptions(), &report)
	t.tracker, t.beginNs = &replay{samples: samples}, samples[0].AtNs
	if o.predict {
		t.plans, t.follow = endsOnly(t.plans), samples
	}
	return t, nil
}

// beginning is where service time begins: with the recording, or with the clock.
func (t *traffic) beginning() string {
	if t.beginNs == 0 {
		return ""
	}
	return time.Unix(0, t.beginNs).UTC().Format(time.RFC3339Nano)
}

// run fills the service, says when it is ready, and goes on until ctx ends.
func (t *traffic) run(ctx context.Context, client *ask.Client, ready func(flights int), out io.Writer) error {
	put, err := putSectors(ctx, client, t.sectors)
	if err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	report(out, "sectors", put)
	clock, err := readServiceClock(ctx, client)
	if err != nil {
		return err
	}
	if put, err = t.file(ctx, client, clock.now()); err != nil {
		return fmt.Errorf("demo: %w", err)
	}
	report(out, "flights", put)
	ready(put.Put)
	if t.follow != nil {
		f := newFlightFollower(client, predict.Defaults())
		f.total.Rows = len(t.follow)
		if err := f.run(ctx, t.follow, out); err != nil {
			return err
		}
		progress(out, "the recording is over: %s", f.total)
		<-ctx.Done()
		return nil
	}
	return t.goOn(ctx, client, clock, out)
}

func report(out io.Writer, kind string, put imported) {
	if put.Refused > 0 {
		progress(out, "%d %s put, %d refused, the first: %s", put.Put, kind, put.Refused, put.Why[0])
		return
	}
	progress(out, "%d %s put", put.Put, kind)
}

// file puts what there is to file at the beginning.
func (t *traffic) file(ctx context.Context, client *ask.Client, nowNs int64) (imported, error) {
	if t.madeUp == nil {
		return putPlans(ctx, client, t.plans)
	}
	return putFlights(ctx, client, t.madeUp.due(nowNs))
}

func putFlights(ctx context.Context, client *ask.Client, flights []airspace.Flight) (imported, error) {
	return putAll(ctx, client, len(flights), func(i int) (string, any) { return flightPut(flights[i]) })
}

// goOn files new flights and posts positions once a second.
func (t *traffic) goOn(ctx context.Context, client *ask.Client, clock serviceClock, out io.Writer) error {
	second := time.NewTicker(time.Second)
	defer second.Stop()
	quiet := false
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-second.C:
		}
		nowNs := clock.now()
		postPositions(ctx, client.Endpoints, t.tracker.positions(nowNs))
		if t.madeUp == nil {
			continue
		}
		_, err := putFlights(ctx, client, t.madeUp.due(nowNs))
		if err != nil && !quiet && ctx.Err() == nil {
			progress(out, "new flights wait: %v", err)
		}
		quiet = err != nil
		if err != nil {
			t.madeUp.again()
		}
	}
}

// serviceClock is service time, read once and carried on by this process's clock.
type serviceClock struct {
	atNs int64
	read time.Time
	rate float64
}

func readServiceClock(ctx context.Context, client *ask.Client) (serviceClock, error) {
	var s api.ServiceTime
	if _, err := client.Do(ctx, ask.Request{Path: "/settings/service-time"}, &s); err != nil {
		return serviceClock{}, fmt.Errorf("demo: %w", err)
	}
	rate, err := s.Rate.Float64()
	if err != nil {
		return serviceClock{}, fmt.Errorf("demo: rate: %w", err)
	}
	return serviceClock{atNs: int64(s.ServiceTime), read: time.Now(), rate: rate}, nil
}

func (c serviceClock) now() int64 { return c.atNs + int64(float64(time.Since(c.read))*c.rate) }

// madeUp is the traffic of package demo, from seed and service time alone.
type madeUp struct {
	seed      uint64
	nextSlot  int64
	firstSlot int64 // of the flights given out last
	airborne  []airspace.Flight
}

// due gives the flights to file by a moment: at first those already in the air, then each slot once.
func (m *madeUp) due(nowNs int64) []airspace.Flight {
	if m.nextSlot == 0 {
		m.nextSlot = demo.Slot(nowNs - demo.LongestNs)
	}
	m.firstSlot = m.nextSlot
	var flights []airspace.Flight
	for last := demo.Slot(nowNs + int64(ahead)); m.nextSlot <= last; m.nextSlot++ {
		f := demo.Flight(m.seed, m.nextSlot)
		if f.Path[len(f.Path)-1].AtNs > nowNs {
			flights = append(flights, f)
			m.airborne = append(m.airborne, f)
		}
	}
	return flights
}

// again gives the flights of the last due once more.
func (m *madeUp) again() { m.nextSlot = m.firstSlot }

func (m *madeUp) positions(nowNs int64) []api.Track {
	var tracks []api.Track
	kept := m.airborne[:0]
	seen := map[string]bool{}
	for _, f := range m.airborne {
		if f.Path[len(f.Path)-1].AtNs <= nowNs || seen[f.ID] {
			continue
		}
		seen[f.ID] = true
		kept = append(kept, f)
		if p, track, speed, ok := demo.Position(f, nowNs); ok {
			tracks = append(tracks, api.Track{
				ID: f.ID, Callsign: f.Callsign, Position: api.Position(p.Pos), Altitude: new(api.Altitude(p.Alt)), Time: api.Time(nowNs),
				TrackDeg: new(math.Round(track)), GroundSpeedKt: new(math.Round(speed)),
			})
		}
	}
	m.airborne = kept
	return tracks
}

// replay gives the samples of a recording when their time has come.
type replay struct {
	samples []feed.Sample
	next    int
}

func (r *replay) positions(nowNs int64) []api.Track {
	first := r.next
	for r.next < len(r.samples) && r.samples[r.next].AtNs <= nowNs {
		r.next++
	}
	return tracksOf(r.samples[first:r.next])
}

// tracksOf gives the latest position of each aircraft.
func tracksOf(samples []feed.Sample) []api.Track {
	latest := map[string]feed.Sample{}
	for _, s := range samples {
		if s.AtNs >= latest[s.ICAO24].AtNs {
			latest[s.ICAO24] = s
		}
	}
	tracks := make([]api.Track, 0, len(latest))
	for id, s := range latest {
		tracks = append(tracks, api.Track{
			ID: id, Callsign: s.Callsign, Position: api.Position(s.Pos), Altitude: new(api.Altitude(s.Alt)),
			Time: api.Time(s.AtNs), TrackDeg: known(s.TrackDeg), GroundSpeedKt: known(s.GroundSpeedKt), VerticalRateFpm: known(s.VerticalRateFpm),
		})
	}
	return tracks
}

// known is nil for a number that the recording did not have.
func known(v float64) *float64 {
	if math.IsNaN(v) {
		return nil
	}
	return &v
}

// trackPatience is how long a server may take to take positions; a dead one must not hold up the others.
const trackPatience = 500 * time.Millisecond

// postPositions gives every server the positions: each shows only those that it was fed. One that does not answer misses
// them, and gets the next.
func postPositions(ctx context.Context, endpoints []string, tracks []api.Track) {
	if len(tracks) == 0 {
		return
	}
	body, err := json.Marshal(api.Tracks{Positions: tracks})
	if err != nil {
		panic(err) // made of numbers that are finite and strings
	}
	var group sync.WaitGroup
	for _, endpoint := range endpoints {
		group.Go(func() {
			one := &ask.Client{Endpoints: []string{endpoint}, Timeout: trackPatience}
			_, _ = one.Do(ctx, ask.Request{Method: http.MethodPost, Path: "/tracks", Body: body, Header: http.Header{"Content-Type": {"application/json"}}}, nil)
		})
	}
	group.Wait()
}
