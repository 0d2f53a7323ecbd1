package server

import (
	"context"
	crand "crypto/rand"
	"errors"
	"fmt"
	"math/rand/v2"
	"path/filepath"
	"sync/atomic"
	"time"

	"onevoice/host"
	"onevoice/replica"
	"onevoice/store"
)

const (
	// handOverPatience bounds the handing over before a stop: some round trips.
	handOverPatience = 500 * time.Millisecond
	// endPatience bounds the end of a start that was taken down: its disk may be what hangs.
	endPatience = 5 * time.Second
)

// Server is a running server, over all its starts. Its methods may be called from any goroutine.
type Server struct {
	options Options
	record  record
	now     atomic.Pointer[start]
	cancel  context.CancelFunc
	done    chan struct{}
	err     error // once done
}

// Start runs a server until ctx ends or Stop, or until it fails. It returns when the server listens; the error says what is wrong with the
// options, the directory, the address or, for one that joins, with the invitation.
func Start(ctx context.Context, o Options) (*Server, error) {
	r, err := prepare(ctx, &o)
	if err != nil {
		return nil, err
	}
	s := &Server{options: o, record: r, done: make(chan struct{})}
	first, err := s.begin(false)
	if err != nil {
		return nil, err
	}
	ctx, s.cancel = context.WithCancel(ctx)
	go func() {
		defer close(s.done)
		s.err = s.run(ctx, first)
	}()
	return s, nil
}

// Wait waits for the end of the server. The error is nil after Stop or the end of ctx. After any other the process should end too:
// what it was cannot be told from here, and a new one reads the disk.
func (s *Server) Wait() error {
	<-s.done
	return s.err
}

// Stop hands over what the server leads, tells the others that it ends, and ends it.
func (s *Server) Stop() error {
	s.cancel()
	return s.Wait()
}

// Number is the server's number.
func (s *Server) Number() uint64 { return s.record.Number }

// Host is the newest start: its states, events and figures. See host.Host: Read, Latest, Journal, Status and View are what a machine's
// owner needs of it.
func (s *Server) Host() *host.Host { return s.now.Load().host }

// run starts the server anew whenever it is taken down.
func (s *Server) run(ctx context.Context, at *start) error {
	for {
		select {
		case <-ctx.Done():
			return at.end(true)
		case <-at.host.Done():
		}
		why := at.host.Err()
		if !isDown(why) {
			return errors.Join(why, at.end(false))
		}
		s.options.log().Warn("this start ends", "why", why.Error())
		if !at.endsBy(endPatience) {
			return fmt.Errorf("server: %w; but this start does not end: end the process", why)
		}
		var err error
		if at, err = s.begin(true); err != nil {
			return err
		}
	}
}

// start is one start of a server.
type start struct {
	disk *store.Store
	host *host.Host
	tie  *tie
}

// begin makes a start; fell says that the one before was taken down.
func (s *Server) begin(fell bool) (*start, error) {
	disk, err := store.Open(filepath.Join(s.options.Dir, storeName))
	if err != nil {
		return nil, err
	}
	h, err := s.open(disk, fell)
	if err != nil {
		return nil, errors.Join(err, disk.Close())
	}
	t, err := s.bind(h)
	if err != nil {
		return nil, errors.Join(err, h.Close(), disk.Close())
	}
	at := &start{disk: disk, host: h, tie: t}
	s.now.Store(at)
	return at, nil
}

func (s *Server) open(disk *store.Store, fell bool) (*host.Host, error) {
	config, err := s.record.config(&s.options)
	if err != nil {
		return nil, err
	}
	config.Boot, config.Fell = disk.Identity().Boot, fell
	node, err := replica.Open(config, disk.Scan)
	if err != nil {
		return nil, err
	}
	peers := map[uint64]string{}
	for _, k := range s.record.Servers {
		peers[k.Number] = k.Address
	}
	return host.Start(context.Background(), host.Options{
		Node: node, Store: disk, Self: s.record.Number, Cluster: s.record.id(), Listen: s.record.Address, Peers: peers,
		Certs: s.options.Certs, Needs: s.options.Needs, Log: s.options.log().With("server", s.record.Number),
	})
}

// end ends a start; orderly, others take over first.
func (a *start) end(orderly bool) error {
	if orderly {
		a.host.HandOver(handOverPatience)
		a.host.Farewell()
	}
	a.tie.end()
	err := a.host.Close()
	if orderly && isDown(err) {
		err = nil // by its own word
	}
	return errors.Join(err, a.disk.Close())
}

// endsBy ends a start that was taken down, and says whether that took no longer than patience.
func (a *start) endsBy(patience time.Duration) bool {
	ended := make(chan struct{})
	go func() {
		defer close(ended)
		_ = a.end(false) // why it ends is known
	}()
	select {
	case <-ended:
		return true
	case <-time.After(patience):
		return false
	}
}

func isDown(err error) bool {
	var down *replica.Downed
	return errors.As(err, &down)
}

func newRand() (*rand.Rand, error) {
	var seed [32]byte
	if _, err := crand.Read(seed[:]); err != nil {
		return nil, fmt.Errorf("server: %w", err)
	}
	return rand.New(rand.NewChaCha8(seed)), nil
}
