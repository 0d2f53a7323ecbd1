package web

import (
	"context"
	"net/http"

	"onevoice/problem"
)

// backupType is the media type of a backup.
const backupType = "application/vnd.onevoice.backup"

// backup streams the agreed state as a backup. One at a time: each holds the state of its moment in memory, and takes processor
// time from everybody else.
func (s *Server) backup(w http.ResponseWriter, r *http.Request) error {
	const op = "save a backup"
	if s.saver == nil {
		return &problem.Error{Kind: problem.NotFound, Op: op, Detail: "this server saves none"}
	}
	if !s.saving.CompareAndSwap(false, true) {
		return refused(problem.Overloaded, op, "another backup is under way")
	}
	defer s.saving.Store(false)
	ctx, done, err := s.stream(r, op)
	if err != nil {
		return err
	}
	defer done()
	write, err := s.saver(ctx)
	if err != nil {
		return err
	}
	h := w.Header()
	h.Set(headerNode, s.node)
	h.Set("Content-Type", backupType)
	h.Set("Cache-Control", "no-store")
	w.WriteHeader(http.StatusOK)
	if err := write(&streamWriter{ctx, w, op}); err != nil {
		// The status has gone; that the stream has no end says enough.
		s.log.Warn("a backup broke off", "error", err)
	}
	return nil
}

// streamWriter hands each piece to the reader of a stream before the next one is made.
type streamWriter struct {
	ctx context.Context
	w   http.ResponseWriter
	op  string
}

// Write implements io.Writer. The error is why the stream ends.
func (s *streamWriter) Write(b []byte) (int, error) {
	if err := s.ctx.Err(); err != nil {
		return 0, err
	}
	if !send(s.w, b) {
		return 0, refused(problem.Overloaded, s.op, "its reader was too slow, or has gone")
	}
	return len(b), nil
}
