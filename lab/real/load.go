package real

import (
	"context"
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"onevoice/airspace"
	"onevoice/client"
	"onevoice/lab/judge"
	"onevoice/lab/sim"
	"onevoice/wire"
)

const (
	// loadClients is how many clients work, half of them through the Go client, half over HTTP.
	loadClients = 8
	// opPatience is the deadline of an operation.
	opPatience = 2 * time.Second
	// thinkMost is the longest pause of a client between two operations: the load is there to be judged, not to saturate.
	thinkMost = 10 * time.Millisecond
)

// Load is a number of clients that work on a cluster until they are stopped.
type Load struct {
	cluster *Cluster
	record  *Record
	seed    uint64
	keys    *keys
	clients []*worker
	group   sync.WaitGroup
	cancel  context.CancelFunc
	fromNs  int64
	toNs    int64

	mu     sync.Mutex
	framed []*client.Client // of the clients that use it, by slot

	learned int                          // how often clients were told of other servers
	apart   [loadClients + 2]atomic.Bool // by client: a fault is aimed at it, so that its gaps do not count
}

// worker is one client of the load.
type worker struct {
	load *Load
	id   int // from 1; its address is ClientAddress(id)
	rand *rand.Rand
	ask  asker

	slot  int                           // in Load.framed, of one that uses the Go client
	fresh atomic.Pointer[client.Client] // the one to use from the next operation on, where there is another
	names atomic.Pointer[[]string]      // the servers known, of one that asks over HTTP
}

// StartLoad puts a sector into the airspace and starts the clients. Client i works from ClientAddress(i); the odd ones use
// the Go client.
func StartLoad(ctx context.Context, c *Cluster, r *Record, seed uint64) (*Load, error) {
	l := &Load{cluster: c, record: r, seed: seed, keys: newKeys(time.Now().Add(24 * time.Hour).Truncate(time.Second).UnixNano())}
	ctx, l.cancel = context.WithCancel(ctx)
	for id := 1; id <= loadClients; id++ {
		w := &worker{load: l, id: id, rand: sim.Stream(seed, fmt.Sprintf("real client %d", id))}
		if err := w.connect(); err != nil {
			l.Stop()
			return nil, err
		}
		l.clients = append(l.clients, w)
	}
	if err := l.putSector(ctx); err != nil {
		l.Stop()
		return nil, err
	}
	l.fromNs = r.NowNs()
	for _, w := range l.clients {
		l.group.Go(func() { w.work(ctx) })
	}
	return l, nil
}

// connect gives the worker its way to ask.
func (w *worker) connect() error {
	c := w.load.cluster
	if w.id%2 == 0 {
		w.names.Store(new(c.Names()))
		w.ask = &overHTTP{cluster: c, client: httpFrom(ClientAddress(w.id)), names: func() []string { return *w.names.Load() }, at: w.id, keyed: w.httpKey}
		return nil
	}
	cl, err := w.dial()
	if err != nil {
		return err
	}
	w.slot = len(w.load.framed)
	w.load.framed = append(w.load.framed, cl)
	w.ask = framed{cl}
	return nil
}

func (w *worker) dial() (*client.Client, error) {
	c := w.load.cluster
	return dialFrom(c, ClientAddress(w.id), (w.id/2)%2*(1+w.id%len(c.Servers())))
}

// Learn tells clients of the servers that belong to the cluster now: half of them each time, the others every second time, who
// until then go on with what is left of those they know. Not for use at the same time as itself or Stop.
func (l *Load) Learn() error {
	l.learned++
	for _, w := range l.clients {
		early := w.id%4 == 1 || w.id%4 == 2 // as many of either kind
		if !early && l.learned%2 == 1 {
			continue
		}
		if w.id%2 == 0 {
			w.names.Store(new(l.cluster.Names()))
			continue
		}
		cl, err := w.dial()
		if err != nil {
			return err
		}
		if unused := w.fresh.Swap(cl); unused != nil {
			_ = unused.Close()
		}
	}
	return nil
}

// learn takes the other servers, where there are any, between two operations.
func (w *worker) learn() {
	cl := w.fresh.Swap(nil)
	if cl == nil {
		return
	}
	w.load.mu.Lock()
	old := w.load.framed[w.slot]
	w.load.framed[w.slot] = cl
	w.load.mu.Unlock()
	w.ask = framed{cl}
	_ = old.Close()
}

func dialFrom(c *Cluster, address string, nearest int) (*client.Client, error) {
	o := client.Options{Group: airspaceGroup, Cluster: c.Genesis.ID(), Nearest: nearest}
	for _, s := range c.Servers() {
		o.Endpoints = append(o.Endpoints, client.Endpoint{Number: s.Number, Addr: s.Peer, From: address})
	}
	return client.Dial(o)
}

func (w *worker) httpKey() string {
	return fmt.Sprintf("lab-%d-%d-%016x", w.load.seed, w.id, w.rand.Uint64())
}

func (l *Load) putSector(ctx context.Context) error {
	return until(ctx, startPatience, func() error {
		ctx, cancel := context.WithTimeout(ctx, opPatience)
		defer cancel()
		return framed{l.framed[0]}.command(ctx, airspace.Encode(airspace.PutSector{Sector: sector()}), nil).failed()
	})
}

// failed is why an answer is not a good one.
func (a answer) failed() error {
	if a.err == nil && a.outcome != judge.OK {
		return fmt.Errorf("no answer, outcome %d", a.outcome)
	}
	return a.err
}

// Apart says that a fault is aimed at clients, so that their answers count for no gap.
func (l *Load) Apart(ids ...int) Undo {
	for _, id := range ids {
		l.apart[id].Store(true)
	}
	return func() {
		for _, id := range ids {
			l.apart[id].Store(false)
		}
	}
}

// Passes waits until n more commands are answered.
func (l *Load) Passes(ctx context.Context, n int, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	first, _ := l.record.answered()
	for {
		now, more := l.record.answered()
		if now >= first+n {
			return nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return fmt.Errorf("%d commands were answered in %v, %d are wanted%s", now-first, patience, n, l.cluster.lastWords())
		}
	}
}

// Stop ends the clients; what they had open stays unknown.
func (l *Load) Stop() {
	if l.toNs == 0 {
		l.toNs = l.record.NowNs()
	}
	l.cancel()
	l.group.Wait()
	for _, w := range l.clients {
		w.learn()
	}
	for _, c := range l.framed {
		_ = c.Close()
	}
}

func (w *worker) work(ctx context.Context) {
	for ctx.Err() == nil && !w.load.record.full() {
		w.learn()
		w.one(ctx)
		if !pause(ctx, time.Duration(w.rand.Int64N(int64(thinkMost)))) {
			return
		}
	}
}

// one draws an operation and does it.
func (w *worker) one(ctx context.Context) {
	at := w.load.keys.pick(w.rand)
	switch n := w.rand.IntN(100); {
	case n < 30:
		w.read(ctx, at)
	case n < 45:
		w.who(ctx, at.gen)
	case n < 75:
		w.change(ctx, at, nil)
	default:
		if k, ok := w.load.keys.recall(at); ok {
			w.change(ctx, at, &k)
			return
		}
		w.change(ctx, at, nil)
	}
}

// begin is an operation as it is called.
func (w *worker) begin(kind judge.Kind, at key) Op {
	return Op{Op: judge.Op{Group: airspaceGroup, Client: w.id, Kind: kind, Key: at.String(), CallNs: w.load.record.NowNs()}}
}

// end fills in what all operations have.
func (w *worker) end(o *Op, a *answer) {
	o.ReturnNs = w.load.record.NowNs()
	o.Outcome, o.Index, o.Sub, o.Via, o.Apart = a.outcome, a.index, a.sub, a.via, w.load.apart[w.id].Load()
	if a.err != nil {
		o.Error = a.err.Error()
		w.blame(o, a.err)
	}
	if o.Outcome == judge.OK {
		w.load.record.hash("a client's answer via "+a.via, a.index, a.hash)
	}
}

// blame names the law that an answer breaks which should never be given.
func (w *worker) blame(o *Op, err error) {
	law := "client"
	if strings.Contains(err.Error(), "two-voices") || strings.Contains(err.Error(), "two voices") {
		law = "S7"
	}
	w.load.record.wrong(law, "%v: %v", &o.Op, err)
}

func (w *worker) read(ctx context.Context, at key) {
	o := w.begin(judge.Read, at)
	o.Query = true
	ctx, cancel := context.WithTimeout(ctx, opPatience)
	defer cancel()
	a := w.ask.read(ctx, o.Key)
	if len(a.visits) > 0 {
		v := a.visits[0]
		o.Found, o.Value = true, v.value
		w.load.keys.learn(at, v.version, v.value)
	}
	w.end(&o, &a)
	w.load.record.add(o)
}

// who asks for everybody in the sector while the flights of a generation are there: one answer that reads them all.
func (w *worker) who(ctx context.Context, gen int) {
	var all []Op
	for slot := range slots {
		o := w.begin(judge.Read, key{slot, gen})
		o.Query, o.CallNs = true, w.load.record.NowNs()
		all = append(all, o)
	}
	ctx, cancel := context.WithTimeout(ctx, opPatience)
	defer cancel()
	from, to := w.load.keys.span(gen)
	a := w.ask.who(ctx, from, to)
	for i := range all {
		o := &all[i]
		for _, v := range a.visits {
			if v.id == o.Key {
				o.Found, o.Value = true, v.value
			}
		}
		w.end(o, &a)
		a.err = nil // one complaint is enough
	}
	w.load.record.add(all...)
}

// change puts a flight, where match is given only over that version.
func (w *worker) change(ctx context.Context, at key, match *known) {
	o := w.begin(judge.Write, at)
	o.ID = w.load.keys.nextID()
	o.Arg = int64(o.ID)
	var version *airspace.Version
	if match != nil {
		o.Kind, o.Old, version = judge.CompareAndSet, match.value, &match.version
	}
	var k *wire.Key
	if w.rand.IntN(8) == 0 {
		k = w.key(o.ID)
	}
	f := w.load.keys.flight(at, o.ID)
	short, cancel := context.WithTimeout(ctx, opPatience)
	defer cancel()
	a := w.ask.put(short, f, version, k)
	o.Changed = a.changed
	switch {
	case a.changed:
		o.Found, o.Value = true, o.Arg
		w.load.keys.learn(at, a.version, o.Value)
	case a.current != nil:
		o.Found, o.Current = true, a.current.String()
	}
	w.end(&o, &a)
	w.load.record.add(o)
	if k != nil && a.result != nil {
		w.askAgain(ctx, &o, k, airspace.Encode(airspace.PutFlight{Flight: f, If: airspace.Precondition{Match: version}}), &a)
	}
}

func (w *worker) key(id uint64) *wire.Key {
	return &wire.Key{Name: sha256.Sum256(fmt.Appendf(nil, "lab real %d", id)), Body: sha256.Sum256(binary.BigEndian.AppendUint64(nil, id))}
}

// askAgain asks for an answered command under its key once more, through another client: the answer must be the same (S5).
func (w *worker) askAgain(ctx context.Context, o *Op, k *wire.Key, op []byte, first *answer) {
	w.load.mu.Lock()
	other := w.load.framed[w.rand.IntN(len(w.load.framed))]
	w.load.mu.Unlock()
	ctx, cancel := context.WithTimeout(ctx, opPatience)
	defer cancel()
	reply, err := other.Do(ctx, op, k)
	if err != nil {
		return
	}
	name := binary.BigEndian.Uint64(k.Name[:])
	w.load.record.reply(Reply{name, o.ID, first.index, first.sub, first.result})
	w.load.record.reply(Reply{name, o.ID, reply.Index, reply.Sub, reply.Result})
}

// last asks every server for every flight once more, and the Go client too; with nothing else going on.
func (l *Load) last(ctx context.Context) error {
	for _, name := range append([]string{""}, l.cluster.Names()...) {
		w, done, err := l.lastWorker(name)
		if err != nil {
			return err
		}
		for _, at := range l.keys.all() {
			w.read(ctx, at)
		}
		done()
	}
	return nil
}

// lastWorker asks one server over HTTP, or all through the Go client where the name is empty.
func (l *Load) lastWorker(name string) (*worker, func(), error) {
	w := &worker{load: l, id: loadClients + 1, rand: sim.Stream(l.seed, "real last "+name)}
	if name != "" {
		c := httpFrom(observer)
		w.ask = &overHTTP{cluster: l.cluster, client: c, names: func() []string { return []string{name} }, keyed: w.httpKey}
		return w, c.CloseIdleConnections, nil
	}
	cl, err := dialFrom(l.cluster, observer, 0)
	if err != nil {
		return nil, nil, err
	}
	w.ask = framed{cl}
	return w, func() { _ = cl.Close() }, nil
}
