package host

import (
	"context"
	"errors"
	"sync"
	"testing"
	"testing/synctest"
	"time"
)

// runRace races with attempts that connect makes, numbered from 1, and gives the winner and the lines dropped.
func runRace(ctx context.Context, connect func(ctx context.Context, number int, patience time.Duration) (*line, error), needed func() bool) (won *line, dropped []*line, failures []error) {
	var group sync.WaitGroup
	var mu sync.Mutex
	number := 0
	r := race{
		connect: func(ctx context.Context, patience time.Duration) (*line, error) {
			mu.Lock()
			number++
			mine := number
			mu.Unlock()
			return connect(ctx, mine, patience)
		},
		failed: func(err error) { failures = append(failures, err) },
		drop: func(l *line) {
			mu.Lock()
			defer mu.Unlock()
			dropped = append(dropped, l)
		},
		needed: needed, group: &group,
	}
	won = r.run(ctx)
	group.Wait()
	return won, dropped, failures
}

func TestALostAttemptHoldsUpNobody(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		began, good := time.Now(), &line{}
		won, _, failures := runRace(t.Context(), func(ctx context.Context, number int, _ time.Duration) (*line, error) {
			if number == 3 {
				return good, nil
			}
			<-ctx.Done()
			return nil, ctx.Err()
		}, always)
		if took := time.Since(began); won != good || took > 3*2*eagerPause || len(failures) != 0 {
			t.Errorf("won: %v, after %v, failures %v", won == good, took, failures)
		}
	})
}

func TestOnlyOneLineIsKept(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		late := make([]*line, 4)
		won, dropped, _ := runRace(t.Context(), func(ctx context.Context, number int, _ time.Duration) (*line, error) {
			if number == 4 {
				return &line{}, nil
			}
			late[number] = &line{}
			<-ctx.Done() // and connects nevertheless
			return late[number], nil
		}, always)
		if won == nil || len(dropped) != 3 {
			t.Errorf("won: %v, %d lines are dropped, want 3", won != nil, len(dropped))
		}
	})
}

func TestAttemptsAreBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		var mu sync.Mutex
		all, now, most := 0, 0, 0
		_, _, failures := runRace(ctx, func(ctx context.Context, _ int, patience time.Duration) (*line, error) {
			mu.Lock()
			all++
			now++
			most = max(most, now)
			mu.Unlock()
			ctx, cancel := context.WithTimeout(ctx, patience)
			defer cancel()
			<-ctx.Done()
			mu.Lock()
			defer mu.Unlock()
			now--
			return nil, errors.New("no answer")
		}, always)
		// Jitter may halve the pauses.
		if most < dialPauses/2 || most > 2*dialPauses+2 || all > 60_000/200*2+100 || all < 60_000/200/2 || len(failures) < all-most {
			t.Errorf("%d attempts in a minute, up to %d at once, %d failed", all, most, len(failures))
		}
	})
}

func TestARaceEndsWhenItIsNotNeeded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		asked := 0
		won, _, _ := runRace(t.Context(), func(ctx context.Context, _ int, _ time.Duration) (*line, error) {
			<-ctx.Done()
			return nil, ctx.Err()
		}, func() bool { asked++; return asked < 5 })
		if won != nil || asked != 5 {
			t.Errorf("won: %v, asked %d times", won != nil, asked)
		}
	})
}
