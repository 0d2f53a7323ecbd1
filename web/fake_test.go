package web

import (
	"context"
	"slices"
	"sync"
	"testing"
	"time"

	"onevoice/airspace"
	"onevoice/chain"
	"onevoice/machine"
	"onevoice/members"
	"onevoice/problem"
	"onevoice/view"
	"onevoice/watch"
	"onevoice/web/api"
	"onevoice/wire"
)

// fake is a Service of one process: a real machine and a real journal behind a lock.
type fake struct {
	mu      sync.Mutex
	machine *airspace.Machine
	journal *watch.Log
	latest  Snapshot
	servers []members.Server
	keys    map[[32]byte]kept
	wake    chan struct{}
	silent  bool  // no majority answers
	mute    bool  // and none says so
	age     int64 // what Status says
	forged  bool  // hashes are another cluster's
	lose    int   // answers of writes to lose
	now     func() int64
}

type kept struct {
	body  [32]byte
	reply wire.Reply
}

// epochNs is when a fake's log begins: 2018-08-01T05:00:00Z.
const epochNs = 1_533_099_600_000_000_000

func newFake(t testing.TB, servers ...members.Server) *fake {
	t.Helper()
	f := &fake{
		machine: airspace.New(), journal: watch.NewLog(watch.DefaultLimits()), keys: map[[32]byte]kept{}, wake: make(chan struct{}),
		latest: Snapshot{Group: 1, Epoch: view.Epoch{View: 3, Term: 7}}, servers: servers,
	}
	f.now = func() int64 { return epochNs + int64(f.latest.Index)*int64(time.Millisecond) }
	f.tick()
	return f
}

// Servers implements Service.
func (f *fake) Servers() []members.Server {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.servers
}

// must runs a command that has to take effect.
func (f *fake) must(t testing.TB, cmd airspace.Command) airspace.Result {
	t.Helper()
	reply, err := f.Do(context.Background(), time.Time{}, airspace.Encode(cmd), nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := airspace.DecodeResult(reply.Result)
	if err != nil || res.Problem != nil {
		t.Fatal(err, res.Problem)
	}
	return res
}

// tick applies a time entry.
func (f *fake) tick() {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.entry(nil)
}

// entry applies one entry. The caller holds the lock.
func (f *fake) entry(op []byte) []byte {
	log := max(f.now(), f.latest.LogTimeNs)
	at := machine.At{Group: 1, Index: f.latest.Index + 1, Epoch: f.latest.Epoch, LogTimeNs: log}
	var events [][]byte
	emit := func(e []byte) { events = append(events, e) }
	f.machine.Advance(at, emit)
	var result []byte
	if op != nil {
		result = f.machine.Apply(at, op, emit)
	}
	voice := result
	if f.forged {
		voice = append(slices.Clone(result), "another voice"...)
	}
	var l chain.Linker
	link := chain.Entry{Index: at.Index, LogTimeNs: log, Digest: l.Digest(at.Epoch.Term, 0, op, voice), Events: events}
	f.latest.Index, f.latest.LogTimeNs, f.latest.State = at.Index, log, f.machine.State()
	f.latest.Hash = l.Next(f.latest.Hash, &link)
	if err := f.journal.Append(watch.Entry{Index: at.Index, Hash: f.latest.Hash, Digest: link.Digest, LogTimeNs: log, Epoch: at.Epoch, Events: events}); err != nil {
		panic(err)
	}
	close(f.wake)
	f.wake = make(chan struct{})
	return result
}

func noVoice(op string) error {
	return &problem.Error{Kind: problem.NoVoice, Op: op, Detail: "no majority answered in time"}
}

func (f *fake) Read(ctx context.Context) (Snapshot, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.mute {
		<-ctx.Done()
		return Snapshot{}, ctx.Err()
	}
	if f.silent {
		return Snapshot{}, noVoice("read")
	}
	return f.latest, nil
}

func (f *fake) Latest() Snapshot {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.latest
}

func (f *fake) Do(ctx context.Context, _ time.Time, op []byte, key *wire.Key) (wire.Reply, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.silent {
		return wire.Reply{}, noVoice("write")
	}
	if key != nil {
		if k, ok := f.keys[key.Name]; ok {
			if k.body != key.Body {
				return wire.Reply{Status: wire.KeyReused}, nil
			}
			return k.reply, nil
		}
	}
	reply := wire.Reply{Status: wire.OK, Result: f.entry(op)}
	reply.Index, reply.Hash, reply.LogTimeNs = f.latest.Index, f.latest.Hash, f.latest.LogTimeNs
	if key != nil {
		f.keys[key.Name] = kept{key.Body, reply}
	}
	if f.lose > 0 {
		f.lose--
		return wire.Reply{}, noVoice("write")
	}
	return reply, nil
}

func (f *fake) Events(ctx context.Context, after watch.Position) ([]watch.Item, error) {
	for {
		f.mu.Lock()
		items, err := f.journal.After(after, 1000)
		wake := f.wake
		f.mu.Unlock()
		if err != nil || len(items) > 0 {
			return items, err
		}
		select {
		case <-wake:
		case <-ctx.Done():
			return nil, ctx.Err()
		}
	}
}

func (f *fake) Entries(after uint64, most, bytes int) (watch.Mark, []watch.Record, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.journal.Entries(after, most, bytes)
}

func (f *fake) Mark(index uint64) (watch.Mark, bool) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.journal.At(index)
}

func (f *fake) Range() (first, last uint64) {
	f.mu.Lock()
	defer f.mu.Unlock()
	return f.journal.Range()
}

func (f *fake) Status() api.Status {
	f.mu.Lock()
	defer f.mu.Unlock()
	return api.Status{
		Server: 1, Cluster: "00000000000000000000000000000001", Build: "test", AgreedAgeMs: f.age, ClockState: "good", ObeyedView: 4, DetectionBoundMs: 60, Standing: "up", FsyncP99Ms: 2.5, Role: "leader", Leader: "n1",
		Commit: f.latest.Index, Counters: map[string]uint64{"frames_dropped_total": 2, "sessions": 1, "refused_wrong-cluster_total": 4},
	}
}

// set changes the fake under its lock.
func (f *fake) set(change func()) {
	f.mu.Lock()
	defer f.mu.Unlock()
	change()
}
