package web

import (
	"net/http/httptest"
	"testing"
)

// TestOneFloodsAServer has one holder ask for all that it gets, and others come after.
func TestOneFloodsAServer(t *testing.T) {
	var s shares
	flood := func() (n int) {
		for s.take("flood") {
			n++
		}
		return n
	}
	if n := flood(); n != MaxRequests {
		t.Errorf("one alone has %d, want %d", n, MaxRequests)
	}
	if s.take("late") {
		t.Error("more than MaxRequests are under way")
	}
	for range MaxRequests/2 + 1 { // as they end
		s.give("flood")
	}
	for i := range MaxRequests / 4 {
		if !s.take("late") {
			t.Fatalf("the other one has %d and gets no more", i)
		}
	}
	if n := flood(); n != 1 { // it holds one less than its half
		t.Errorf("who has its share gets %d more, want 1", n)
	}
	for range leastShare {
		if !s.take("third") {
			t.Error("a third one gets nothing")
		}
	}
	if n := s.held["flood"] + s.held["late"] + s.held["third"]; n != s.total {
		t.Errorf("%d held, %d counted", n, s.total)
	}
}

func TestHolders(t *testing.T) {
	r := httptest.NewRequest("GET", "/", nil)
	for address, want := range map[string]string{"10.0.0.1:5": "10.0.0.1", "[::1]:6": "::1", "pipe": "pipe"} {
		if r.RemoteAddr = address; holder(r) != want {
			t.Errorf("%s: %s", address, holder(r))
		}
	}
}
