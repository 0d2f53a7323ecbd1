package real

import (
	"bufio"
	"context"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"onevoice/lab/sim"
	"onevoice/watch"
	"onevoice/web/api"
)

// wanderMost is the longest stay of a wandering watcher at one server.
const wanderMost = time.Second

// mostLine bounds one line of an event stream.
const mostLine = 16 << 20

// Watchers read event streams: one stays with each server, one wanders from server to server and resumes.
type Watchers struct {
	cluster *Cluster
	record  *Record
	ctx     context.Context // of all of them
	cancel  context.CancelFunc
	group   sync.WaitGroup
	all     []*watcher
}

// watcher is one reader.
type watcher struct {
	name    string
	servers func() []string
	cancel  context.CancelFunc
	ended   chan struct{}
	record  *Record
	cluster *Cluster
	http    *http.Client
	rand    *rand.Rand // of one that wanders

	mu   sync.Mutex
	at   watch.Position // of the newest event, or the begin
	seen chan struct{}  // closed and replaced at each event
}

// StartWatchers starts them at the beginning of the log.
func StartWatchers(ctx context.Context, c *Cluster, r *Record, seed uint64) *Watchers {
	w := &Watchers{cluster: c, record: r}
	w.ctx, w.cancel = context.WithCancel(ctx)
	for _, name := range c.Names() {
		w.Join(name)
	}
	w.start("127.0.4.251", &watcher{name: "wanderer", servers: c.Names, rand: sim.Stream(seed, "wanderer")})
	return w
}

// Join starts the watcher that stays with a server, at the beginning of the log. Not for use at the same time as Retire, Reach
// or Stop.
func (w *Watchers) Join(server string) {
	w.start(fmt.Sprintf("127.0.4.%d", w.cluster.Server(server).Number), &watcher{name: "at " + server, servers: func() []string { return []string{server} }})
}

// Retire ends the watcher that stays with a server which was killed and will not come back.
func (w *Watchers) Retire(server string) {
	for i, one := range w.all {
		if one.name == "at "+server {
			one.cancel()
			<-one.ended
			w.record.seen(Seen{Watcher: one.name, Cut: true})
			w.all = slices.Delete(w.all, i, i+1)
			return
		}
	}
}

func (w *Watchers) start(address string, one *watcher) {
	one.record, one.cluster, one.http, one.seen = w.record, w.cluster, httpFrom(address), make(chan struct{})
	ctx, cancel := context.WithCancel(w.ctx)
	one.cancel, one.ended = cancel, make(chan struct{})
	w.all = append(w.all, one)
	w.record.seen(Seen{Watcher: one.name, From: true, Index: 1})
	one.at = watch.EndOf(1)
	w.group.Go(func() {
		defer close(one.ended)
		one.run(ctx)
	})
}

// Reach waits until every watcher has come to an index.
func (w *Watchers) Reach(ctx context.Context, index uint64, patience time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	for _, one := range w.all {
		if err := one.reach(ctx, index); err != nil {
			return err
		}
	}
	return nil
}

func (w *watcher) reach(ctx context.Context, index uint64) error {
	for {
		w.mu.Lock()
		at, more := w.at, w.seen
		w.mu.Unlock()
		if at.Index >= index {
			return nil
		}
		select {
		case <-more:
		case <-ctx.Done():
			return fmt.Errorf("watcher %s has come to %v, the log to %d", w.name, at, index)
		}
	}
}

// Stop ends them.
func (w *Watchers) Stop() {
	w.cancel()
	w.group.Wait()
}

func (w *watcher) run(ctx context.Context) {
	for ctx.Err() == nil {
		servers, place := w.servers(), 0
		stay, cancel := ctx, context.CancelFunc(func() {})
		if w.rand != nil {
			place = w.rand.IntN(len(servers))
			stay, cancel = context.WithTimeout(ctx, time.Duration(1+w.rand.Int64N(int64(wanderMost))))
		}
		w.read(stay, servers[place])
		cancel()
		if !pause(ctx, again) {
			return
		}
	}
}

// read reads one server's stream until it ends.
func (w *watcher) read(ctx context.Context, server string) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.cluster.Server(server).HTTP+"/api/v1/events", nil)
	if err != nil {
		panic(err) // the address is ours
	}
	request.Header.Set("Last-Event-ID", w.at.String())
	answer, err := w.http.Do(request)
	if err != nil {
		return
	}
	defer answer.Body.Close()
	switch answer.StatusCode {
	case http.StatusOK:
		w.lines(server, answer.Body)
	case http.StatusGone:
		w.anew(server, answer.Body)
	}
}

// anew begins behind what a server no longer holds. The events between are known from others, or the judge misses them.
func (w *watcher) anew(server string, body io.Reader) {
	var p api.Problem
	if err := json.NewDecoder(io.LimitReader(body, 1<<20)).Decode(&p); err != nil {
		return
	}
	first, err := watch.ParsePosition(p.First)
	if err != nil {
		w.record.wrong("S8", "watcher %s: %s says that events are gone and the first is %q", w.name, server, p.First)
		return
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = watch.EndOf(first.Index - 1)
	w.record.seen(Seen{Watcher: w.name, Server: server, From: true, Index: w.at.Index})
}

func (w *watcher) lines(server string, body io.Reader) {
	in := bufio.NewScanner(body)
	in.Buffer(make([]byte, 64<<10), mostLine)
	var id, data string
	for in.Scan() {
		field, value, _ := strings.Cut(in.Text(), ": ")
		switch field {
		case "id":
			id = value
		case "data":
			data = value
		case "":
			if strings.HasPrefix(in.Text(), ": ") {
				w.beat(server, value)
			} else if id != "" {
				w.event(server, id, data)
			}
			id, data = "", ""
		}
	}
}

// event takes one event. One without an id, as the reason of an end, is none.
func (w *watcher) event(server, id, data string) {
	at, err := watch.ParsePosition(id)
	if err != nil {
		w.record.wrong("S8", "watcher %s: %s sends an event with id %q", w.name, server, id)
		return
	}
	w.record.seen(Seen{Watcher: w.name, Server: server, Index: at.Index, Sub: at.Sub, Data: []byte(data)})
	w.mu.Lock()
	defer w.mu.Unlock()
	w.at = at
	close(w.seen)
	w.seen = make(chan struct{})
}

// beat takes the hash of a heartbeat: "index=812 view=1 as_of=... hash=...".
func (w *watcher) beat(server, text string) {
	var index uint64
	var hash [32]byte
	var err error
	for word := range strings.FieldsSeq(text) {
		name, value, _ := strings.Cut(word, "=")
		switch name {
		case "index":
			index, err = strconv.ParseUint(value, 10, 64)
		case "hash":
			_, err = hex.Decode(hash[:], []byte(value))
		}
		if err != nil {
			w.record.wrong("S8", "watcher %s: %s sends the heartbeat %q", w.name, server, text)
			return
		}
	}
	w.record.hash(server, index, hash)
}

// errApart says that servers do not stand at one index.
var errApart = errors.New("the servers do not stand at one index")

// Settle waits until all servers stand at one index, and records the hash of what each holds there.
func (c *Cluster) Settle(ctx context.Context, r *Record, patience time.Duration) error {
	return until(ctx, patience, func() error {
		var states []State
		for _, name := range c.Names() {
			s, err := c.state(ctx, name)
			if err != nil {
				return err
			}
			states = append(states, s)
			if s.Index != states[0].Index {
				return fmt.Errorf("%w: %s at %d, %s at %d", errApart, states[0].Server, states[0].Index, s.Server, s.Index)
			}
		}
		for _, s := range states {
			r.state(s)
		}
		return nil
	})
}
