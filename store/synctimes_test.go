package store

import (
	"testing"
	"time"
)

func TestClassesOfSyncTimesHoldWhatFallsInThem(t *testing.T) {
	for _, took := range []time.Duration{0, 1, time.Microsecond, 1900 * time.Nanosecond, 3900 * time.Nanosecond, 999 * time.Microsecond, 4 * time.Millisecond, 7 * time.Second, time.Minute} {
		end := endOf(classOf(took))
		if end <= took || end > (took+time.Microsecond)*5/4 {
			t.Errorf("%v falls in the class that ends at %v", took, end)
		}
	}
	if got := classOf(time.Hour); got != syncClasses-1 {
		t.Errorf("an hour falls in class %d", got)
	}
}

func TestP99OfSyncTimes(t *testing.T) {
	var s syncTimes
	if got := s.p99(); got != 0 {
		t.Errorf("of nothing: %v", got)
	}
	for i := range 1000 {
		took := time.Millisecond
		if i%100 == 0 {
			took = time.Second // one in a hundred
		}
		s.add(took)
	}
	if got := s.p99(); got < time.Millisecond || got > 1250*time.Microsecond {
		t.Errorf("one in a hundred is longer, and p99 is %v", got)
	}
	s.add(time.Second)
	for range 10 {
		s.add(time.Second)
	}
	if got := s.p99(); got < time.Second || got > 1250*time.Millisecond {
		t.Errorf("two in a hundred are longer, and p99 is %v", got)
	}
	for range 20 * fadeAt {
		s.add(2 * time.Millisecond)
	}
	if got := s.p99(); got > 3*time.Millisecond {
		t.Errorf("long after they were longer p99 is %v", got)
	}
	if s.total >= fadeAt {
		t.Errorf("%d are counted", s.total)
	}
}
