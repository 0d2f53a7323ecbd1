package host

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"runtime"
	"sync"
	"sync/atomic"
	"time"

	"onevoice/cert"
	"onevoice/consensus"
	"onevoice/internal/realm"
	"onevoice/problem"
	"onevoice/replica"
	"onevoice/step"
	"onevoice/store"
	"onevoice/view"
	"onevoice/watch"
	"onevoice/wire"
)

// Options are what a host is made of.
type Options struct {
	// Node is opened from Store and given to the host for good: nobody else calls it any more.
	Node *replica.Node
	// Store stays the caller's, who closes it after the host is Done.
	Store *store.Store
	// Self and Cluster must be what the store says; they come from another source, so that a wrong directory is noticed.
	Self    uint64
	Cluster wire.ID
	// Listen is the address for servers and clients, as 127.0.0.1:7483. Without Certs only loopback addresses are taken, here
	// and in Peers.
	Listen string
	// Peers are the addresses of the cluster's servers by number, as far as they are known at the start; see SetPeers. That of Self
	// is not used.
	Peers map[uint64]string
	// Certs are what this server proves itself by and believes others by: with them every connection is encrypted and proved by
	// both sides. Nil: none is, on loopback addresses only.
	Certs *cert.Keeper
	// Needs says which rights clients' frames need. It has to be there with Certs; without them everybody may do everything.
	Needs Needs
	// Build is the name of this program's build, told to other servers.
	Build string
	// Log gets what people want to know; nil for nothing.
	Log *slog.Logger
}

// Host is a running server. All methods are safe for concurrent use.
type Host struct {
	node     *replica.Node
	disk     *store.Store
	log      *slog.Logger
	listener net.Listener
	began    time.Time

	program *wire.Program     // fixed, as the build is
	groups  map[uint32]*group // fixed after Start, as numbers are
	numbers []uint32
	roster  atomic.Pointer[roster]
	obeyed  atomic.Pointer[view.View]
	setting sync.Mutex      // SetPeers, and the stop
	dialing context.Context // of all peers
	memory  *memory
	clients *clients
	conns   conns
	certs   *cert.Keeper // nil: connections are neither encrypted nor proved
	needs   Needs
	leases  leases
	inbox   *inbox
	evals   chan step.Eval
	asks    chan func()
	count   counters
	facts   factLog

	wg       sync.WaitGroup
	stopOnce sync.Once
	stop     chan struct{}
	done     chan struct{}
	cancel   context.CancelFunc
	err      atomic.Pointer[error]
}

// group is what the host keeps beside one group of the node.
type group struct {
	number      uint32
	latest      latest
	journal     *Journal
	gate        *gate
	startCommit uint64       // known to be agreed when the process started: applying up to it confirms nothing
	confirmedNs atomic.Int64 // when a majority last confirmed anything to this server, 0 never
}

// Start runs a server until ctx ends, Close, or a failure. The error names what is wrong with the options, the address
// or the disk.
func Start(ctx context.Context, o Options) (*Host, error) {
	if err := o.check(); err != nil {
		return nil, err
	}
	if err := realm.EnterReal(); err != nil {
		return nil, fmt.Errorf("host: %w", err)
	}
	known, err := openMemory(o.Store)
	if err != nil {
		return nil, err
	}
	config := net.ListenConfig{KeepAliveConfig: keepAlive}
	listener, err := config.Listen(ctx, "tcp", o.Listen)
	if err != nil {
		return nil, fmt.Errorf("host: listen: %w", err)
	}
	h := newHost(o, known, listener)
	dialing, cancel := context.WithCancel(context.WithoutCancel(ctx))
	h.cancel = cancel
	h.run(dialing)
	context.AfterFunc(ctx, h.end)
	h.log.Info("serving", "server", o.Self, "address", listener.Addr().String(), "boot", o.Store.Identity().Boot)
	return h, nil
}

func newHost(o Options, known *memory, listener net.Listener) *Host {
	h := &Host{
		node: o.Node, disk: o.Store, log: o.Log, listener: listener, began: time.Now(),
		certs: o.Certs, needs: o.Needs,
		groups: map[uint32]*group{}, memory: known, clients: newClients(), inbox: newInbox(),
		evals: make(chan step.Eval, maxEvals), asks: make(chan func()), stop: make(chan struct{}), done: make(chan struct{}),
	}
	if h.log == nil {
		h.log = slog.New(slog.DiscardHandler)
	}
	first := &roster{peers: map[uint64]*peer{}}
	for number, address := range o.Peers {
		if number != o.Self {
			first.peers[number] = newPeer(number, address)
		}
	}
	h.roster.Store(first)
	groups := o.Node.Status().Groups
	h.program = programOf(o.Build, groups)
	for _, s := range groups {
		h.addGroup(s)
	}
	return h
}

func (h *Host) addGroup(s consensus.Status) {
	p, _ := h.node.Published(s.Group)
	g := &group{number: s.Group, startCommit: s.Commit}
	g.latest.made.Store(&p)
	g.journal = newJournal(watch.Mark{Index: p.Index, Hash: p.Hash, LogTimeNs: p.LogTimeNs, Epoch: p.Epoch})
	g.gate = newGate(s.Group, func(frame []byte) {
		h.inbox.putUrgent(step.Input{Kind: step.Frame, From: barrierAddress, Bytes: frame})
	})
	h.groups[s.Group] = g
	h.numbers = append(h.numbers, s.Group)
}

// run starts the goroutines.
func (h *Host) run(dialing context.Context) {
	h.wg.Go(h.drive)
	h.wg.Go(h.accept)
	for _, number := range h.numbers {
		h.wg.Go(func() { h.groups[number].journal.run(h.stop) })
	}
	if h.certs != nil {
		h.wg.Go(h.endLeases)
	}
	h.dialing = dialing
	for _, number := range h.peerNumbers() {
		h.startPeer(h.peer(number))
	}
	for range runtime.GOMAXPROCS(0) {
		h.wg.Go(h.work)
	}
}

func (o *Options) check() error {
	if o.Node == nil || o.Store == nil {
		return errors.New("host: Options.Node and Options.Store are needed")
	}
	id := o.Store.Identity()
	if id.Server != o.Self || id.Cluster != o.Cluster {
		return fmt.Errorf("host: %s belongs to server %d of cluster %x, asked for is server %d of cluster %x: the directory or the "+
			"configuration is another server's", o.Store.Dir(), id.Server, id.Cluster, o.Self, o.Cluster)
	}
	if o.Certs != nil && o.Needs == nil {
		return errors.New("host: Options.Needs is needed with Options.Certs, or every certificate could do everything")
	}
	if err := o.checkAddress("Options.Listen", o.Listen); err != nil {
		return err
	}
	for number, address := range o.Peers {
		if number == 0 || number > uint64(step.MaxServer) {
			return fmt.Errorf("host: Options.Peers has server %d, allowed: 1 to %d", number, step.MaxServer)
		}
		if err := o.checkAddress(fmt.Sprintf("Options.Peers[%d]", number), address); err != nil {
			return err
		}
	}
	return nil
}

// loopbackOnly refuses an address that other machines can reach.
func loopbackOnly(field, address string) error {
	name, _, err := net.SplitHostPort(address)
	if err != nil {
		return fmt.Errorf("host: %s is %q, allowed: host:port: %w", field, problem.Clip(address), err)
	}
	if ip := net.ParseIP(name); name == "localhost" || ip != nil && ip.IsLoopback() {
		return nil
	}
	return fmt.Errorf("host: %s is %q, allowed: a loopback address such as 127.0.0.1:7483, because connections between machines "+
		"would be neither encrypted nor checked; with certificates any address: onevoice cert init, cert issue, then serve with --ca, --cert and --key",
		field, problem.Clip(address))
}

// nowNs is the host's monotonic clock, from 1.
func (h *Host) nowNs() int64 { return time.Since(h.began).Nanoseconds() + 1 }

// fail stops the host for a reason; the first one stays.
func (h *Host) fail(err error) {
	h.err.CompareAndSwap(nil, &err)
	h.log.Error("the server stops", "why", err.Error())
	h.end()
}

// end makes every goroutine stop, and closes done after the last.
func (h *Host) end() {
	h.stopOnce.Do(func() {
		h.setting.Lock()
		close(h.stop)
		h.setting.Unlock()
		h.cancel()
		_ = h.listener.Close()
		h.conns.closeAll()
		h.inbox.close()
		go func() {
			h.wg.Wait()
			close(h.done)
		}()
	})
}

// Done is closed when the host has stopped, for whatever reason.
func (h *Host) Done() <-chan struct{} { return h.done }

// Err says why the host stopped: a broken invariant with its evidence, or a failure of the disk. It is nil while the
// host runs and after Close. The process must end: its volatile state is lost, and a new one reads the disk.
func (h *Host) Err() error {
	if p := h.err.Load(); p != nil {
		return *p
	}
	return nil
}

// Close stops the host and waits until it has stopped; the error is Err.
func (h *Host) Close() error {
	h.end()
	<-h.done
	return h.Err()
}

// Addr is the address that the host listens on.
func (h *Host) Addr() string { return h.listener.Addr().String() }

// Read gives a state of a group that is not older than the moment of the call: linearizable, on any server. The error is
// a *problem.Error: NoVoice where no majority answered before ctx ended or within 2 s, Overloaded, or NotFound for a
// group that is not here.
func (h *Host) Read(ctx context.Context, number uint32) (consensus.Published, error) {
	g := h.groups[number]
	if g == nil {
		return consensus.Published{}, &problem.Error{Kind: problem.NotFound, Op: "read", Subject: groupName(number)}
	}
	return g.gate.read(ctx, h.stop)
}

// Journal is the journal of a group; nil for a group that is not here.
func (h *Host) Journal(number uint32) *Journal {
	if g := h.groups[number]; g != nil {
		return g.journal
	}
	return nil
}
