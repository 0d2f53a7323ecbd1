package client

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"onevoice/problem"
	"onevoice/view"
	"onevoice/watch"
	"onevoice/wire"
)

// play is what a server says to one watcher, burst by burst; then the connection ends, or it stays silent where hold is set.
type play struct {
	bursts [][][]byte
	hold   bool
	down   bool // nobody listens
}

// stage is some servers, each of which plays its plays in turn, the last one again and again.
type stage struct {
	t      *testing.T
	plays  map[string][]play
	dialed []string
	at     []time.Duration
	began  time.Time

	mu    sync.Mutex
	asked []wire.Watch
}

func newStage(t *testing.T, plays map[string][]play) *stage {
	return &stage{t: t, plays: plays, began: time.Now()}
}

func (s *stage) dial(_ context.Context, e Endpoint) (Conn, error) {
	s.dialed, s.at = append(s.dialed, e.Addr), append(s.at, time.Since(s.began))
	p := s.plays[e.Addr][0]
	if len(s.plays[e.Addr]) > 1 {
		s.plays[e.Addr] = s.plays[e.Addr][1:]
	}
	if p.down {
		return nil, errDown
	}
	here, there := pair(e.Number)
	go func() {
		frames, err := there.Recv()
		if err != nil {
			return
		}
		_, r, err := wire.Open(frames[0])
		if err != nil {
			s.t.Error(err)
		}
		ask, err := wire.ReadWatch(r)
		if err != nil {
			s.t.Error(err)
		}
		s.mu.Lock()
		s.asked = append(s.asked, ask)
		s.mu.Unlock()
		for _, b := range p.bursts {
			_ = there.Send(b)
		}
		if !p.hold {
			time.AfterFunc(time.Millisecond, func() { _ = there.Close() }) // when all of it is read: time is the bubble's
		}
	}()
	return here, nil
}

func (s *stage) watch(nearest int, after watch.Position) *Watcher {
	w, err := Watch(Options{Group: 1, Nearest: nearest, Dial: s.dial, Endpoints: []Endpoint{{Addr: "a"}, {Addr: "b"}, {Addr: "c"}}}, after)
	if err != nil {
		s.t.Fatal(err)
	}
	return w
}

// events is a frame of one event for each of the indices, and of the hash after an index, 0 for none.
func events(through uint64, hash byte, indices ...uint64) []byte {
	m := wire.Events{Through: through, Hash: [32]byte{hash}}
	for _, i := range indices {
		m.Items = append(m.Items, wire.Event{Index: i, Body: []byte{byte(i)}})
	}
	return m.Encode(1, view.Epoch{})
}

func expired(first uint64) []byte {
	p := &problem.Error{Kind: problem.Expired, Op: "watch"}
	return wire.WatchEnd{Problem: p, FirstIndex: first}.Encode(1, view.Epoch{})
}

// says is a play of one burst.
func says(frames ...[]byte) play { return play{bursts: [][][]byte{frames}} }

var silent = play{hold: true}

// indices takes events until an error ends it or n have come.
func indices(w *Watcher, n int) (all []uint64, err error) {
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	for len(all) < n {
		items, err := w.Next(ctx)
		if err != nil {
			return all, err
		}
		for _, it := range items {
			all = append(all, it.Position.Index)
		}
	}
	return all, nil
}

func kindOf(err error) problem.Kind {
	var e *Error
	if errors.As(err, &e) {
		return e.Problem.Kind
	}
	return 0
}

func TestAWatcherGoesFromServerToServer(t *testing.T) {
	for name, c := range map[string]struct {
		plays   map[string][]play
		nearest int
		want    []uint64
		dialed  []string
	}{
		"the nearest first": {map[string][]play{"b": {says(events(2, 1, 1, 2))}}, 2, []uint64{1, 2}, []string{"b"}},
		"who is down is passed over": {map[string][]play{"a": {{down: true}}, "b": {{down: true}}, "c": {says(events(1, 1, 1))}}, 0,
			[]uint64{1}, []string{"a", "b", "c"}},
		"who breaks off is followed by the next": {map[string][]play{"a": {says(events(1, 1, 1))}, "b": {says(events(2, 1, 2))}}, 1,
			[]uint64{1, 2}, []string{"a", "b"}},
		"who is silent is left": {map[string][]play{"a": {silent}, "b": {says(events(1, 1, 1))}}, 1, []uint64{1}, []string{"a", "b"}},
		"what comes before an end is given": {map[string][]play{"c": {says(events(1, 1, 1), expired(9))}, "a": {says(events(2, 1, 2))}}, 3,
			[]uint64{1, 2}, []string{"c", "a"}},
		"another server holds more": {map[string][]play{"a": {says(expired(9))}, "b": {says(expired(9))}, "c": {says(events(1, 1, 1))}}, 1,
			[]uint64{1}, []string{"a", "b", "c"}},
		"who holds less later is no news": {map[string][]play{
			"a": {says(expired(9))}, "b": {says(events(1, 1, 1)), says(events(2, 1, 2))}, "c": {says(expired(9))},
		}, 1, []uint64{1, 2}, []string{"a", "b", "c", "a", "b"}},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, c.plays)
				w := s.watch(c.nearest, watch.Position{})
				defer w.Close()
				got, err := indices(w, len(c.want))
				if err != nil || !slices.Equal(got, c.want) || !slices.Equal(s.dialed, c.dialed) {
					t.Errorf("events %v, %v from %v, want %v from %v", got, err, s.dialed, c.want, c.dialed)
				}
			})
		})
	}
}

func TestAWatchThatEndsForGood(t *testing.T) {
	for name, c := range map[string]struct {
		plays  []play // of every server
		kind   problem.Kind
		dialed int
		given  int
	}{
		"an event comes twice":             {[]play{says(events(0, 0, 1)), says(events(0, 0, 1))}, problem.Internal, 1, 1},
		"an event from before":             {[]play{says(events(0, 0, 2, 1))}, problem.Internal, 2, 1},
		"another hash for one index":       {[]play{{bursts: [][][]byte{{events(1, 1, 1)}, {events(1, 2)}}}}, problem.TwoVoices, 1, 1},
		"no events":                        {[]play{says([]byte{1})}, problem.Internal, 1, 0},
		"what the server says for good":    {[]play{says(wire.WatchEnd{Problem: &problem.Error{Kind: problem.Forbidden}}.Encode(1, view.Epoch{}))}, problem.Forbidden, 1, 0},
		"no server holds the events":       {[]play{says(expired(9))}, 0, 3, 0},
		"another hash after an older page": {[]play{{bursts: [][][]byte{{events(10, 1, 1)}, {events(8, 1)}, {events(10, 2)}}}}, problem.TwoVoices, 1, 1},
	} {
		t.Run(name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				s := newStage(t, map[string][]play{"a": c.plays[:1], "b": c.plays[:1], "c": c.plays[:1]})
				w := s.watch(1, watch.Position{})
				defer w.Close()
				if len(c.plays) > 1 { // what the same server says after that, over the same connection
					s.plays["a"] = []play{{bursts: append(slices.Clone(c.plays[0].bursts), c.plays[1].bursts...)}}
				}
				got, err := indices(w, 100)
				if len(got) != c.given || kindOf(err) != c.kind || len(s.dialed) != c.dialed {
					t.Errorf("%d events, then %v, from %v", len(got), err, s.dialed)
				}
				if lost := (*Compacted)(nil); c.kind == 0 && (!errors.As(err, &lost) || lost.First.Index != 9) {
					t.Errorf("%v, want where events begin", err)
				}
			})
		})
	}
}

func TestAWatchGoesOnWhereItWas(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, map[string][]play{
			"a": {{bursts: [][][]byte{{events(0, 0, 6)}, {events(5, 1)}}}},
			"b": {{bursts: [][][]byte{{events(9, 1)}}}},
			"c": {says(events(0, 0, 10))},
		})
		w := s.watch(1, watch.Position{Index: 4, Sub: 7})
		defer w.Close()
		if got, err := indices(w, 2); err != nil || !slices.Equal(got, []uint64{6, 10}) {
			t.Fatal(got, err)
		}
		want := []wire.Watch{{Index: 4, Sub: 7}, {Index: 6}, {Index: 9, Sub: watch.EndOf(9).Sub}}
		s.mu.Lock()
		defer s.mu.Unlock()
		if !slices.Equal(s.asked, want) {
			t.Errorf("asked for what follows %v, want %v", s.asked, want)
		}
		if w.Position() != (watch.Position{Index: 10}) {
			t.Errorf("it stands at %v", w.Position())
		}
	})
}

// TestServersAreDialledWithGrowingPausesByAWatcher: up to the most, and from the first again once one has answered.
func TestServersAreDialledWithGrowingPausesByAWatcher(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		down := play{down: true}
		s := newStage(t, map[string][]play{"a": {down, down, down, down, says(events(1, 1, 1)), down}, "b": {down}, "c": {down}})
		w := s.watch(1, watch.Position{})
		defer w.Close()
		if _, err := indices(w, 2); !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, errDown) {
			t.Fatalf("%v, want that the time is over, and why", err)
		}
		const answered = 12 // the dial that the server a answered, after four rounds
		for i := 1; i <= answered; i++ {
			pause, most := s.at[i]-s.at[i-1], min(redialFirst<<(i-1), redialMost)
			if pause < most/2 || pause > most {
				t.Errorf("pause %d took %v, want %v to %v", i, pause, most/2, most)
			}
		}
		if pause := s.at[answered+2] - s.at[answered+1]; pause > redialFirst {
			t.Errorf("the first pause after an answer took %v, want up to %v", pause, redialFirst)
		}
		if n := len(s.at); n < 300 || n > 610 {
			t.Errorf("%d dials in a minute", n)
		}
	})
}

func TestAWatcherWaitsAsLongAsItMay(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := newStage(t, map[string][]play{"a": {silent}})
		w := s.watch(1, watch.Position{})
		defer w.Close()
		ctx, cancel := context.WithTimeout(t.Context(), watchSilence/2)
		defer cancel()
		began := time.Now()
		if _, err := w.Next(ctx); !errors.Is(err, context.DeadlineExceeded) || time.Since(began) != watchSilence/2 {
			t.Errorf("%v after %v", err, time.Since(began))
		}
		if fmt.Sprint(s.dialed) != "[a]" {
			t.Errorf("dialled %v", s.dialed)
		}
	})
}
