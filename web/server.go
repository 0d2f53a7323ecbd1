package web

import (
	"context"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"
)

// Options say what a Server is made of.
type Options struct {
	Service Service
	// Node is this server's name in the cluster's list.
	Node string
	// Listen is the address it listens on, whose host is an allowed Host header.
	Listen string
	Log    *slog.Logger
}

// Limits of a server. At each a request is refused with the problem "overloaded", never queued.
const (
	// MaxRequests bounds the requests under way, streams aside: each may hold a page of 1,000 visits in memory.
	MaxRequests = 1024
	// MaxStreams bounds the open event and position streams: four times the watchers that one server is built for.
	MaxStreams = 4096
	// MaxBodyBytes bounds a request's body; a sector of 20,000 vertices needs 1 MiB.
	MaxBodyBytes = 4 << 20
	// MaxLargeBodies bounds the bodies over 64 KiB that are read at once, to 64 MiB of memory.
	MaxLargeBodies = 16
)

// Times of a server. A client that is slower is cut off.
const (
	readHeaderTimeout = 5 * time.Second
	readTimeout       = 30 * time.Second
	writeTimeout      = 30 * time.Second
	idleTimeout       = 2 * time.Minute
	shutdownTimeout   = 3 * time.Second
	maxHeaderBytes    = 16 << 10
	// commandTimeout bounds a write, which waits for a new leader in a failover.
	commandTimeout = 10 * time.Second
)

// Server answers HTTP for one node.
type Server struct {
	service Service
	node    string
	listen  string
	log     *slog.Logger
	started time.Time

	handler http.Handler
	guard   *guard
	metrics *metrics
	tracks  *table

	proof       atomic.Pointer[proof] // the last one made
	requests    atomic.Int64
	streams     atomic.Int64
	largeBodies atomic.Int64

	// ending is over when streams have to end.
	ending context.Context
	end    context.CancelFunc
}

// New makes a server. It does nothing by itself until its Handler is called or Serve runs.
func New(o Options) *Server {
	s := &Server{service: o.Service, node: o.Node, listen: o.Listen, log: o.Log, started: time.Now(), tracks: newTable()}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.ending, s.end = context.WithCancel(context.Background())
	s.metrics = newMetrics(s)
	s.guard = newGuard(s)
	s.handler = s.guard.wrap(s.mux())
	return s
}

// Handler answers every path of the server.
func (s *Server) Handler() http.Handler { return s.handler }

// Serve answers on a listener until ctx ends: then streams end at once, and requests under way have three seconds.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler: s.handler, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes, ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelWarn),
	}
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		s.end()
		grace, cancel := context.WithTimeout(context.Background(), shutdownTimeout)
		defer cancel()
		err := server.Shutdown(grace)
		if err != nil {
			err = server.Close()
		}
		stopped <- err
	}()
	if err := server.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}
