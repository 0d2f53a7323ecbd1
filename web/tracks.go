package web

import (
	"context"
	"encoding/json"
	"net"
	"net/http"
	"net/netip"
	"strings"
	"time"

	"onevoice/problem"
	"onevoice/subject"
	"onevoice/web/api"
)

// getTracks gives the latest positions, as JSON or as a stream. They are observations of this server alone, so that the
// answer carries no proof, only the node.
func (s *Server) getTracks(w http.ResponseWriter, r *http.Request) error {
	q := parseQuery(r, "get positions", "stream")
	if v := q.get("stream"); q.has("stream") && v != "1" {
		q.refuse("stream", v, "1")
	}
	if q.err != nil {
		return q.err
	}
	w.Header().Set(headerNode, s.node)
	if q.has("stream") || strings.Contains(r.Header.Get("Accept"), api.TrackStreamType) {
		return s.streamTracks(w, r)
	}
	tracks := s.tracks.all(time.Now())
	return s.json(w, func(b []byte) []byte {
		b = append(b, `{"positions":[`...)
		for i := range tracks {
			if i > 0 {
				b = append(b, ',')
			}
			b = api.AppendTrack(b, &tracks[i])
		}
		return append(b, "]}"...)
	})
}

// trackPause is the least time between two messages of a stream, so that a burst of positions becomes one.
const trackPause = 200 * time.Millisecond

func (s *Server) streamTracks(w http.ResponseWriter, r *http.Request) error {
	ctx, done, err := s.stream(r, "stream positions")
	if err != nil {
		return err
	}
	defer done()
	w.Header().Set("Content-Type", api.TrackStreamType)
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	var b []byte
	c := s.tracks.since(0, time.Now())
	for first := true; !c.lost; first = false {
		b = trackMessages(b[:0], &c, first)
		if !send(w, b) || !s.awaitTracks(ctx, c.more) {
			return nil
		}
		c = s.tracks.since(c.seq, time.Now())
	}
	return nil
}

// awaitTracks waits for a change, at most for a heartbeat; false when the stream ends.
func (s *Server) awaitTracks(ctx context.Context, more <-chan struct{}) bool {
	if !pause(ctx, trackPause) {
		return false
	}
	beaten := time.NewTimer(beat - trackPause)
	defer beaten.Stop()
	select {
	case <-more:
	case <-beaten.C:
	case <-ctx.Done():
		return false
	}
	return true
}

func pause(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}

// trackMessages appends what a reader has to hear of changes; the first message of a stream is never left out. Removals come
// first, since an aircraft that was removed may have come back.
func trackMessages(b []byte, c *changes, first bool) []byte {
	if len(c.gone) > 0 {
		b = api.AppendTrackMessage(b, &api.TrackMessage{Kind: api.TracksGone, Gone: c.gone})
	}
	if len(c.tracks) > 0 || first {
		b = api.AppendTrackMessage(b, &api.TrackMessage{Kind: api.TracksChanged, Positions: c.tracks})
	}
	if len(b) == 0 {
		b = api.AppendTrackMessage(b, &api.TrackMessage{Kind: api.TracksAlive})
	}
	return b
}

// postTracks takes positions from a feeder: on this machine, or one that has proved itself.
func (s *Server) postTracks(w http.ResponseWriter, r *http.Request) error {
	const op = "post positions"
	if q := parseQuery(r, op); q.err != nil {
		return q.err
	}
	if subjectOf(r).Via == subject.ByLoopback && !fromLoopback(r) {
		return refused(problem.Forbidden, op, "without certificates positions are taken from this machine only")
	}
	body, err := s.body(w, r, op, nil)
	if err != nil {
		return err
	}
	tracks, err := api.ReadTracks(body)
	if err != nil {
		return err
	}
	b, err := json.Marshal(s.tracks.take(tracks, time.Now()))
	if err != nil {
		return err
	}
	w.Header().Set(headerNode, s.node)
	return s.json(w, func(to []byte) []byte { return append(to, b...) })
}

func fromLoopback(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.RemoteAddr)
	if err != nil {
		return false
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.Unmap().IsLoopback()
}
