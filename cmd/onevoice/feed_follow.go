package main

import (
	"cmp"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"slices"
	"sync"
	"time"

	"onevoice/airspace"
	"onevoice/feed"
	"onevoice/predict"
	"onevoice/problem"
	"onevoice/web/api"
	"onevoice/web/ask"
)

// feedTotal is what a feed did.
type feedTotal struct {
	Rows     int `json:"rows"`
	Bad      int `json:"bad"`
	Reports  int `json:"reports"`  // that told something new
	Proposed int `json:"proposed"` // proposals made
	Agreed   int `json:"agreed"`
	Moved    int `json:"moved"`   // windows that moved by what was agreed
	Refused  int `json:"refused"` // by the service, the plan having changed among others
	Open     int `json:"open"`    // nobody answered: done once or not at all, and read again
	Flights  int `json:"flights"` // known at the end
}

func (t feedTotal) String() string {
	return fmt.Sprintf("%d rows read, %d of them wrong, %d told something new; %d proposals: %d agreed (%d windows moved), %d refused, %d without an answer",
		t.Rows, t.Bad, t.Reports, t.Proposed, t.Agreed, t.Moved, t.Refused, t.Open)
}

// flightFollower keeps a predictor beside what is agreed.
type flightFollower struct {
	client    *ask.Client
	predictor *predict.Predictor
	versions  map[string]string // of the flights that the predictor holds
	// stale are flights to be read again, ground says that the sectors and the rules are.
	stale  map[string]bool
	ground bool
	total  feedTotal
}

func newFlightFollower(client *ask.Client, o predict.Options) *flightFollower {
	return &flightFollower{client: client, predictor: predict.New(o), versions: map[string]string{}, stale: map[string]bool{}}
}

// feedBeat is how often positions are given and proposals made, in wall time.
const feedBeat = time.Second

// maxWaiting bounds the events of changes that wait to be looked at; the stream of events waits then.
const maxWaiting = 10_000

// run gives each position when service time reaches the time at which it came, until there is none left.
func (f *flightFollower) run(ctx context.Context, samples []feed.Sample, out io.Writer) error {
	index, err := f.load(ctx)
	if err != nil {
		return err
	}
	ctx, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	changes := make(chan api.Event, maxWaiting)
	go func() { cancel(f.watch(ctx, index, changes)) }()
	clock, err := readServiceClock(ctx, f.client)
	if err != nil {
		return err
	}
	beat := time.NewTicker(feedBeat)
	defer beat.Stop()
	for next, told := 0, time.Now(); next < len(samples); {
		select {
		case <-ctx.Done():
			return context.Cause(ctx)
		case <-beat.C:
		}
		now, first := clock.now(), next
		for ; next < len(samples) && samples[next].ReceivedNs <= now; next++ {
			f.take(&samples[next])
		}
		postPositions(ctx, f.client.Endpoints, tracksOf(samples[first:next]))
		f.drain(changes)
		f.refresh(ctx)
		f.propose(ctx, f.predictor.Step(now))
		if time.Since(told) > 10*time.Second {
			told = time.Now()
			progress(out, "%s  %d of %d rows, %d flights, %d proposals agreed", clockOf(now), next, len(samples), len(f.versions), f.total.Agreed)
		}
	}
	f.total.Flights = len(f.versions)
	return nil
}

func clockOf(ns int64) string { return clock(api.Time(ns)) }

func (f *flightFollower) take(s *feed.Sample) {
	if f.predictor.Take(predict.ReportOf(s)) {
		f.total.Reports++
	}
}

// load reads sectors and flights, and gives the index from which changes are to be heard.
func (f *flightFollower) load(ctx context.Context) (index string, err error) {
	if index, err = f.loadSectors(ctx); err != nil {
		return "", err
	}
	for after := ""; ; {
		var list api.Flights
		if _, err := f.client.Do(ctx, ask.Request{Path: "/flights" + page{after: after, limit: airspace.MaxPage}.query()}, &list); err != nil {
			return "", err
		}
		for i := range list.Flights {
			if err := f.put(&list.Flights[i]); err != nil {
				return "", err
			}
		}
		if after = list.Next; after == "" {
			return index, nil
		}
	}
}

func (f *flightFollower) loadSectors(ctx context.Context) (index string, err error) {
	var sectors []airspace.Sector
	for after := ""; ; {
		var list api.Sectors
		proof, err := f.client.Do(ctx, ask.Request{Path: "/sectors" + page{after: after, limit: airspace.MaxPage}.query()}, &list)
		if err != nil {
			return "", err
		}
		index = cmp.Or(index, proof.Index)
		for _, s := range list.Sectors {
			s.Version = ""
			body, err := json.Marshal(s)
			if err != nil {
				return "", err
			}
			sector, err := api.ReadSector(s.ID, body)
			if err != nil {
				return "", err
			}
			sectors = append(sectors, sector)
		}
		if after = list.Next; after == "" {
			// After the sectors, so that a change of the rules since the index is heard of.
			var rules api.Rules
			if _, err := f.client.Do(ctx, ask.Request{Path: "/settings/rules"}, &rules); err != nil {
				return "", err
			}
			f.predictor.SetSectors(sectors, int32(rules.CrossReference))
			return index, nil
		}
	}
}

// put makes an agreed flight known to the predictor.
func (f *flightFollower) put(flight *api.Flight) error {
	version, mark := flight.Version, airspace.Mark{}
	if p := flight.Progress; p != nil {
		mark = p.Mark()
	}
	flight.Version, flight.Windows, flight.Progress = "", nil, nil
	body, err := json.Marshal(flight)
	if err != nil {
		return err
	}
	plan, err := api.ReadFlight(flight.ID, body)
	if err != nil {
		return err
	}
	f.predictor.Put(plan, mark)
	f.versions[plan.ID] = version
	return nil
}

// watch hears of what others change.
func (f *flightFollower) watch(ctx context.Context, index string, changes chan<- api.Event) error {
	return watchStream(ctx, f.client, "/events", index, func(_ string, data []byte) error {
		var e api.Event
		if err := json.Unmarshal(data, &e); err != nil {
			return fmt.Errorf("feed: %w", err)
		}
		select {
		case changes <- e:
		case <-ctx.Done():
		}
		return nil
	})
}

// drain notes what has changed since.
func (f *flightFollower) drain(changes <-chan api.Event) {
	for {
		select {
		case e := <-changes:
			switch e.Kind {
			case airspace.FlightPut.String(), airspace.FlightCancelled.String(), airspace.FlightExpired.String():
				f.stale[e.ID] = f.stale[e.ID] || f.versions[e.ID] != e.Version || e.Kind != airspace.FlightPut.String()
			case airspace.SectorPut.String(), airspace.SectorRemoved.String(), airspace.SettingsChanged.String():
				f.ground = true
			}
		default:
			return
		}
	}
}

// refresh reads again what is stale. What cannot be read now stays so.
func (f *flightFollower) refresh(ctx context.Context) {
	if f.ground {
		_, err := f.loadSectors(ctx)
		f.ground = err != nil
	}
	for id, is := range f.stale {
		if is && !f.reread(ctx, id) {
			return // nobody answers, or ctx has ended
		}
		delete(f.stale, id)
	}
}

func (f *flightFollower) reread(ctx context.Context, id string) bool {
	var flight api.Flight
	_, err := f.client.Do(ctx, ask.Request{Path: "/flights/" + url.PathEscape(id)}, &flight)
	var p *problem.Error
	switch {
	case err == nil:
		return f.put(&flight) == nil
	case errors.As(err, &p) && p.Kind == problem.NotFound:
		f.predictor.Drop(id)
		delete(f.versions, id)
		return true
	}
	return false
}

// propose has proposals agreed, some at once, and tells the predictor what came of them in the order in which it made them.
func (f *flightFollower) propose(ctx context.Context, list []predict.Proposal) {
	outcomes := make([]answerTo, len(list))
	var group sync.WaitGroup
	for worker := range min(importWorkers, len(list)) {
		group.Go(func() {
			for i := worker; i < len(list); i += importWorkers {
				outcomes[i] = f.send(ctx, &list[i], f.versions[list[i].Flight])
			}
		})
	}
	group.Wait()
	for i := range list {
		f.settle(&list[i], outcomes[i])
	}
}

// answerTo is what came of a proposal.
type answerTo struct {
	version string
	err     error
}

func (f *flightFollower) send(ctx context.Context, p *predict.Proposal, version string) answerTo {
	report := p.Command()
	body, err := json.Marshal(api.FromReport(&report))
	if err != nil {
		return answerTo{err: err}
	}
	header := jsonBody()
	header.Set("If-Match", `"`+version+`"`)
	var written api.Written
	_, err = f.client.Do(ctx, ask.Request{Method: http.MethodPut, Path: "/flights/" + url.PathEscape(p.Flight) + "/progress", Body: body, Header: header}, &written)
	return answerTo{written.Version, err}
}

func (f *flightFollower) settle(p *predict.Proposal, o answerTo) {
	f.total.Proposed++
	var refusal *problem.Error
	switch {
	case o.err == nil:
		f.total.Agreed++
		f.total.Moved += p.Moved
		f.versions[p.Flight] = o.version
		f.predictor.Agreed(p)
		return
	case errors.As(o.err, &refusal) && !slices.Contains([]problem.Kind{problem.NoVoice, problem.Overloaded}, refusal.Kind):
		f.total.Refused++
	default:
		f.total.Open++
	}
	f.stale[p.Flight] = true
}
