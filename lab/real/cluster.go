package real

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"time"

	"onevoice/internal/cluster"
	"onevoice/internal/procs"
	"onevoice/web/api"
)

const (
	// httpPort and peerPort are the same on every server's address.
	httpPort, peerPort = "7480", "7481"
	// MaxServers bounds the servers of one cluster, later ones included.
	MaxServers = cluster.MaxServers
	// askPatience bounds one question to one server.
	askPatience = time.Second
	// again is the pause before something is looked at once more.
	again = 10 * time.Millisecond
)

// Options say which cluster to run.
type Options struct {
	Servers int    // first voters, 1 to MaxServers
	Binary  string // the onevoice executable
	Dir     string // an empty directory for data and logs
	// RoundTrip is how far the servers are from one another and from the clients with the numbers 1 to Clients, beside what the machine
	// itself takes: see Network.Far.
	RoundTrip time.Duration
	Clients   int
	// Oracles are servers of their own that decide who is up, 0 to MaxServers: o1 and so on, numbered after the first voters.
	Oracles int
	// ArgsOf gives what is added to the command line of a server, or of an oracle; nil for nothing.
	ArgsOf func(name string) []string
	// Env is added to every server's environment, as "NAME=value", for builds that can do more than the shipped one.
	Env []string
	// BinaryOf gives some servers another executable; see procs.Cluster.
	BinaryOf func(name string) string
	// Exited, where set, is told of each server that ended without being asked to.
	Exited func(name string, how error)
}

// Cluster is the servers of one worker, with the network between them.
type Cluster struct {
	*procs.Cluster
	Net *Network
	// HTTP asks servers, from an address that no fault touches.
	HTTP *http.Client

	mu      sync.Mutex
	servers []cluster.Server // by number; those that have left are not in it
}

// ServerAddress is the address of the server with that number, from 1.
func ServerAddress(number int) string { return fmt.Sprintf("127.0.1.%d", number) }

// ClientAddress is the address of the client with that number, from 1 to 250.
func ClientAddress(number int) string { return fmt.Sprintf("127.0.2.%d", number) }

// observer is the address of questions that belong to no client.
const observer = "127.0.3.1"

// Start starts a cluster in the namespace of this process, and waits until it answers. It fails outside of one.
func Start(ctx context.Context, o Options) (*Cluster, error) {
	if o.Servers < 1 || o.Servers > MaxServers {
		return nil, fmt.Errorf("lab real: %d servers, allowed: 1 to %d", o.Servers, MaxServers)
	}
	if err := raise(); err != nil {
		return nil, err
	}
	var servers []cluster.Server
	for i := 1; i <= o.Servers; i++ {
		servers = append(servers, ServerNumbered(i))
	}
	all := slices.Clone(servers)
	for i := 1; i <= o.Oracles; i++ {
		s := ServerNumbered(o.Servers + i)
		s.Name, s.Oracle = fmt.Sprintf("o%d", i), true
		all = append(all, s)
	}
	genesis, err := cluster.New(all, "", 1000)
	if err != nil {
		return nil, err
	}
	c := &Cluster{
		Cluster: &procs.Cluster{Binary: o.Binary, Dir: o.Dir, Genesis: genesis, Env: o.Env, BinaryOf: o.BinaryOf, ArgsOf: o.ArgsOf, Exited: o.Exited},
		Net:     &Network{}, HTTP: httpFrom(observer), servers: servers,
	}
	c.Net.Heal()
	if o.RoundTrip > 0 {
		if err := c.moveApart(o); err != nil {
			c.Close()
			return nil, err
		}
	}
	if err := c.Init(); err != nil {
		return nil, err
	}
	for _, s := range all {
		if err := c.Start(s.Name); err != nil {
			c.Close()
			return nil, err
		}
	}
	if _, err := c.Leader(ctx, startPatience); err != nil {
		c.Close()
		return nil, fmt.Errorf("lab real: no leader at the start: %w%s", err, c.lastWords())
	}
	return c, nil
}

// moveApart puts the round trip between all of them.
func (c *Cluster) moveApart(o Options) error {
	from, to := c.Addresses(), []string(nil)
	for i := range o.Clients {
		from = append(from, ClientAddress(i+1))
	}
	for _, s := range c.Servers() {
		to = append(to, s.Peer)
	}
	return c.Net.Far(from, to, o.RoundTrip/2)
}

// startPatience is how long a cluster may take to answer first, on a busy machine.
const startPatience = 60 * time.Second

// httpFrom makes a client whose connections come from an address.
func httpFrom(address string) *http.Client {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(address)}, Timeout: askPatience}
	return &http.Client{Transport: &http.Transport{DialContext: d.DialContext, MaxIdleConnsPerHost: 8}}
}

// Close ends every fault and every server.
func (c *Cluster) Close() {
	c.Net.Close()
	for _, name := range c.Names() {
		_ = c.Signal(name, syscall.SIGCONT) // or it could not stop by itself
	}
	c.Stop()
}

// ServerNumbered is the name and addresses of the server with that number, from 1.
func ServerNumbered(number int) cluster.Server {
	at := ServerAddress(number)
	return cluster.Server{Name: fmt.Sprintf("n%d", number), Number: uint64(number),
		HTTP: net.JoinHostPort(at, httpPort), Peer: net.JoinHostPort(at, peerPort)}
}

// Joined says that a server belongs to the cluster from now on, Left that it no longer does. They start and stop nothing.
func (c *Cluster) Joined(s cluster.Server) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.servers = append(c.servers, s)
}

// Left is the other half of Joined.
func (c *Cluster) Left(name string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.servers = slices.DeleteFunc(slices.Clone(c.servers), func(s cluster.Server) bool { return s.Name == name })
}

// Servers lists the servers that belong to the cluster.
func (c *Cluster) Servers() []cluster.Server {
	c.mu.Lock()
	defer c.mu.Unlock()
	return slices.Clone(c.servers)
}

// Names lists the names of the servers that belong to the cluster.
func (c *Cluster) Names() []string {
	var names []string
	for _, s := range c.Servers() {
		names = append(names, s.Name)
	}
	return names
}

// Server gives the addresses of a server, also of one that has left. Names are those of ServerNumbered, and of oracles; it panics for
// another.
func (c *Cluster) Server(name string) cluster.Server {
	if s, err := c.Genesis.Server(name); err == nil {
		return s
	}
	number, err := strconv.Atoi(strings.TrimPrefix(name, "n"))
	if err != nil || number < 1 || number > 250 {
		panic(fmt.Sprintf("lab real: no server is called %q", name))
	}
	return ServerNumbered(number)
}

// At is a server's address.
func (c *Cluster) At(name string) string { return ServerAddress(int(c.Server(name).Number)) }

// Addresses lists all servers' addresses.
func (c *Cluster) Addresses() []string {
	var all []string
	for _, name := range c.Names() {
		all = append(all, c.At(name))
	}
	return all
}

// Others are the servers but one.
func (c *Cluster) Others(name string) []string {
	return slices.DeleteFunc(c.Names(), func(n string) bool { return n == name })
}

// Get asks one server for a path below /api/v1 and decodes what it answers; the header is nil where it gave no good answer.
func (c *Cluster) Get(ctx context.Context, name, path string, into any) (http.Header, error) {
	ctx, cancel := context.WithTimeout(ctx, askPatience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+c.Server(name).HTTP+"/api/v1"+path, nil)
	if err != nil {
		return nil, err
	}
	answer, err := c.HTTP.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("%s: GET %s: %s", name, path, answer.Status)
	}
	return answer.Header, json.NewDecoder(answer.Body).Decode(into)
}

// Status asks a server what it knows of itself.
func (c *Cluster) Status(ctx context.Context, name string) (api.Status, error) {
	var s api.Status
	_, err := c.Get(ctx, name, "/status", &s)
	return s, err
}

// Leader waits until some server says that it leads and a majority has confirmed something to it just now, and names the one
// of the newest term. Servers that do not answer are left out.
func (c *Cluster) Leader(ctx context.Context, patience time.Duration) (string, error) {
	var leader string
	err := until(ctx, patience, func() error {
		term := uint64(0)
		leader = ""
		for _, name := range c.Names() {
			if c.Pid(name) == 0 {
				continue
			}
			s, err := c.Status(ctx, name)
			if err == nil && s.Role == "leader" && s.Voice == api.OneVoice && s.Term > term {
				leader, term = name, s.Term
			}
		}
		if leader == "" {
			return errors.New("no server leads")
		}
		return nil
	})
	return leader, err
}

// Connected waits until every server that runs holds connections to all others that run.
func (c *Cluster) Connected(ctx context.Context, patience time.Duration) error {
	return until(ctx, patience, func() error {
		for _, name := range c.Names() {
			if c.Pid(name) == 0 {
				continue
			}
			s, err := c.Status(ctx, name)
			if err != nil {
				return err
			}
			for _, other := range c.Others(name) {
				field := fmt.Sprintf("peer_%d_connected", c.Server(other).Number)
				if c.Pid(other) != 0 && s.Counters[field] == 0 {
					return fmt.Errorf("%s has no connection to %s", name, other)
				}
			}
		}
		return nil
	})
}

// until tries until there is no error; the last one is given when patience or ctx ends.
func until(ctx context.Context, patience time.Duration, try func() error) error {
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var last error
	for {
		err := try()
		if err == nil {
			return nil
		}
		if ctx.Err() == nil || last == nil {
			last = err
		}
		if !pause(ctx, again) {
			return fmt.Errorf("still so after %v: %w", patience, last)
		}
	}
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

// Election is a leadership that a server's log tells of.
type Election struct {
	Server string `json:"server"`
	Boot   int    `json:"boot"`
	Group  uint32 `json:"group"`
	Term   uint64 `json:"term"`
}

var (
	bootLine   = regexp.MustCompile(`msg=serving .*\bboot=(\d+)`)
	leaderLine = regexp.MustCompile(`msg=leader .*\bgroup=(\d+) value=(\d+)`)
)

// Elections reads who led when from the servers' logs.
func (c *Cluster) Elections() ([]Election, error) {
	var all []Election
	logs, err := filepath.Glob(c.LogFile("n*"))
	if err != nil {
		return nil, fmt.Errorf("lab real: %w", err)
	}
	for _, path := range logs {
		content, err := os.ReadFile(path)
		if err != nil {
			return nil, fmt.Errorf("lab real: %w", err)
		}
		all = append(all, elections(strings.TrimSuffix(filepath.Base(path), ".log"), string(content))...)
	}
	return all, nil
}

func elections(name, log string) []Election {
	var all []Election
	boot := 0
	for line := range lines(log) {
		if m := bootLine.FindStringSubmatch(line); m != nil {
			boot, _ = strconv.Atoi(m[1])
		}
		if m := leaderLine.FindStringSubmatch(line); m != nil {
			group, _ := strconv.ParseUint(m[1], 10, 32)
			term, _ := strconv.ParseUint(m[2], 10, 64)
			all = append(all, Election{name, boot, uint32(group), term})
		}
	}
	return all
}
