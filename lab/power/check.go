package power

import (
	"context"
	"fmt"
	"maps"
	"slices"
	"strings"

	"onevoice/web/api"
	"onevoice/web/ask"
)

// check holds what every server says against what was acknowledged, and against the others.
func (l *life) check(ctx context.Context) error {
	for _, name := range l.left() {
		held, proof, err := flightsOf(ctx, l.one(name))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		l.compare(name, held)
		if _, err := l.all().Confirm(ctx, proof); err != nil {
			l.report.fail("%s: index %s: %v", name, proof.Index, err)
		}
		l.report.Checks += len(held)
	}
	l.load.mu.Lock()
	defer l.load.mu.Unlock()
	for _, text := range l.load.wrong {
		l.report.fail("a write ended in a way that no cut explains: %s", text)
	}
	l.load.wrong = nil
	return nil
}

// flightsOf is every flight that a server holds.
func flightsOf(ctx context.Context, c *ask.Client) (map[string]api.Flight, ask.Proof, error) {
	held := map[string]api.Flight{}
	for after := ""; ; {
		var page api.Flights
		proof, err := c.Do(ctx, ask.Request{Path: "/flights?limit=1000" + after}, &page)
		if err != nil {
			return nil, proof, err
		}
		for _, f := range page.Flights {
			held[f.ID] = f
		}
		if page.Next == "" {
			return held, proof, nil
		}
		after = "&after=" + page.Next
	}
}

// compare finds what was lost, applied twice or made up. A write that was applied twice has a later version than the one
// acknowledged.
func (l *life) compare(name string, held map[string]api.Flight) {
	l.load.mu.Lock()
	defer l.load.mu.Unlock()
	for _, id := range slices.Sorted(maps.Keys(l.load.flights)) {
		switch f, there := held[id]; {
		case !there:
			l.report.fail("%s: %s was acknowledged as version %s and is gone", name, id, l.load.flights[id])
		case f.Version != l.load.flights[id]:
			l.report.fail("%s: %s was acknowledged as version %s and is held as %s", name, id, l.load.flights[id], f.Version)
		}
	}
	for id, f := range held {
		_, acked := l.load.flights[id]
		if !acked && !l.load.open[id] && l.load.counts[id] == nil && !strings.HasPrefix(id, "PROBE-") {
			l.report.fail("%s: holds %s version %s, which nobody wrote", name, id, f.Version)
		}
	}
	for id, c := range l.load.counts {
		f, there := held[id]
		var number int
		if there {
			if _, err := fmt.Sscanf(f.Callsign, "N%d", &number); err != nil {
				l.report.fail("%s: %s has callsign %q", name, id, f.Callsign)
			}
		}
		switch {
		case number < c.acked || number > c.tried:
			l.report.fail("%s: %s stands at %d; %d was acknowledged, %d was the newest sent", name, id, number, c.acked, c.tried)
		case number == c.acked && there && f.Version != c.version:
			l.report.fail("%s: %s number %d was acknowledged as version %s and is held as %s", name, id, number, c.version, f.Version)
		}
	}
}
