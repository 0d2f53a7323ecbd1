package web

import (
	"net"
	"net/http"
	"sync"
)

// leastShare is how many requests of one holder may be under way however many holders there are.
const leastShare = 8

// shares bounds the requests under way. When half of them are taken nobody may hold more than an equal share, so that one who floods a
// server does not keep the others out; alone it may have everything.
type shares struct {
	mu    sync.Mutex
	total int
	held  map[string]int
}

// take takes a place for a holder; false: there is none for it.
func (s *shares) take(who string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	has := s.held[who]
	holders := len(s.held)
	if has == 0 {
		holders++
	}
	if s.total >= MaxRequests || s.total >= MaxRequests/2 && has >= max(leastShare, MaxRequests/holders) {
		return false
	}
	if s.held == nil {
		s.held = map[string]int{}
	}
	s.held[who]++
	s.total++
	return true
}

// give gives a place back.
func (s *shares) give(who string) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.total--
	if s.held[who]--; s.held[who] <= 0 {
		delete(s.held, who)
	}
}

// holder is who holds the place of a request: whoever has proved itself, else everybody at one address.
func holder(r *http.Request) string {
	if who := subjectOf(r); who.Name != "" {
		return who.String()
	}
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return r.RemoteAddr
	}
	return host
}
