package store

import (
	"testing"
	"time"
)

// A save leaves three quarters of one core to others, goes on where the machine is busy, and hurries when the log grows.
func TestASaveRestsAndHurries(t *testing.T) {
	for _, c := range []struct {
		took    time.Duration
		written uint64
		want    time.Duration
	}{
		{0, 0, 0},
		{4 * time.Millisecond, hurryBytes - 1, 12 * time.Millisecond},
		{time.Second, 0, maxRest},
		{4 * time.Millisecond, hurryBytes, 0},
	} {
		if got := restFor(c.took, c.written); got != c.want {
			t.Errorf("after %s, with %d bytes written beside it, a save rests for %s, want %s", c.took, c.written, got, c.want)
		}
	}
}

// Who closes the store does not wait for a save's rests.
func TestClosingEndsARest(t *testing.T) {
	s := newStore("")
	close(s.closing)
	p := s.newPace()
	began := time.Now()
	for range 1000 {
		p.worked = time.Now().Add(-time.Second)
		p.rest()
	}
	if took := time.Since(began); took > 10*time.Second {
		t.Fatalf("a thousand rests took %s", took)
	}
}
