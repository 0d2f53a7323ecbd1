package web

import (
	"context"
	"crypto/tls"
	"errors"
	"io"
	"log"
	"log/slog"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"onevoice/problem"
	"onevoice/subject"
)

// Options say what a Server is made of.
type Options struct {
	Service Service
	// Node is this server's name in the cluster's list.
	Node string
	// Listen is the address it listens on, whose host is an allowed Host header.
	Listen string
	// TLS is what Serve speaks; nil for plain HTTP, on loopback only.
	TLS *tls.Config
	// Certificate says whose a client certificate is, nobody's where none was shown; Token says so of a bearer token. Their
	// problems are Unauthenticated. Where both are nil everybody who reaches the server may do everything.
	Certificate func(*tls.ConnectionState) (subject.Subject, *problem.Error)
	Token       func(raw string) (subject.Subject, *problem.Error)
	Log         *slog.Logger
	// Members is the cluster's membership; nil where there is none to see or change.
	Members Membership
	// Locks are the cluster's locks; nil where there are none.
	Locks Locks
	// Upgrade is what this server knows of builds and versions; nil where there is nothing to see or raise.
	Upgrade Upgrader
	// Backup takes the state of this moment, after a read barrier, and gives what writes it as a backup; nil where there is none.
	Backup func(ctx context.Context) (write func(io.Writer) error, err error)
	// Oracle says that this server holds no airspace: probes, metrics and the membership are all it serves.
	Oracle bool
}

// Limits of a server. At each a request is refused with the problem "overloaded", never queued.
const (
	// MaxRequests bounds the requests under way, streams aside: each may hold a page of 1,000 visits in memory. See shares.
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
	// nodeText is node as it stands in a header; nothing may be appended to it.
	nodeText []string
	listen   string
	log      *slog.Logger
	started  time.Time

	tls         *tls.Config
	certificate func(*tls.ConnectionState) (subject.Subject, *problem.Error)
	token       func(raw string) (subject.Subject, *problem.Error)
	denied      denials
	errors      serverLog
	membership  Membership
	locks       Locks
	upgrader    Upgrader
	saver       func(context.Context) (func(io.Writer) error, error)
	oracle      bool

	handler http.Handler
	guard   *guard
	metrics *metrics
	tracks  *table
	digests digests

	proof       atomic.Pointer[proof] // the last one made from a state
	entryProof  atomic.Pointer[proof] // the last one made of an entry whose view is known: an entry holds many commands
	requests    shares
	streams     atomic.Int64
	largeBodies atomic.Int64
	saving      atomic.Bool // a backup is under way
	listing     atomic.Bool // a whole state is being read

	// ending is over when streams have to end.
	ending context.Context
	end    context.CancelFunc
}

// New makes a server. It does nothing by itself until its Handler is called or Serve runs.
func New(o Options) *Server {
	s := &Server{service: o.Service, node: o.Node, nodeText: []string{o.Node}, listen: o.Listen, log: o.Log, started: time.Now(), tracks: newTable(), saver: o.Backup}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	s.tls, s.certificate, s.token = o.TLS, o.Certificate, o.Token
	s.errors.log = s.log
	s.membership, s.locks, s.upgrader, s.oracle = o.Members, o.Locks, o.Upgrade, o.Oracle
	s.ending, s.end = context.WithCancel(context.Background())
	s.metrics = newMetrics(s)
	s.guard = newGuard(s)
	s.handler = s.guard.wrap(s.mux())
	return s
}

// scheme begins the URLs of the cluster's servers.
func (s *Server) scheme() string {
	if s.tls != nil {
		return "https://"
	}
	return "http://"
}

// Handler answers every path of the server.
func (s *Server) Handler() http.Handler { return s.handler }

// Serve answers on a listener until ctx ends: then streams end at once, and requests under way have three seconds.
func (s *Server) Serve(ctx context.Context, l net.Listener) error {
	server := &http.Server{
		Handler: s.handler, ReadHeaderTimeout: readHeaderTimeout, ReadTimeout: readTimeout, WriteTimeout: writeTimeout,
		IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeaderBytes, ErrorLog: log.New(&s.errors, "", 0), TLSConfig: s.tls,
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
	serve := server.Serve
	if s.tls != nil {
		serve = func(l net.Listener) error { return server.ServeTLS(l, "", "") }
	}
	if err := serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return <-stopped
}
