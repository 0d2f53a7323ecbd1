package web

import (
	"bytes"
	"context"
	"log/slog"
	"math/bits"
	"sync/atomic"
)

// serverLog takes what net/http has to say. Handshakes that fail are counted, and told the 1st, 2nd, 4th, ... time: one who
// dials for ever must not fill the log.
type serverLog struct {
	log        *slog.Logger
	handshakes atomic.Uint64
}

// Write implements io.Writer, with one message at a time.
func (l *serverLog) Write(b []byte) (int, error) {
	if bytes.Contains(b, []byte("TLS handshake error")) {
		if n := l.handshakes.Add(1); bits.OnesCount64(n) != 1 {
			return len(b), nil
		}
	}
	l.log.Log(context.Background(), slog.LevelWarn, string(bytes.TrimSpace(b)))
	return len(b), nil
}
