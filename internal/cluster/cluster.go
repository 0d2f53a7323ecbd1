// Package cluster reads and writes the file that begins a cluster: its identity, its first voters, its clock.
// It is loud: it reads and writes files.
package cluster

import (
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"onevoice/wire"
)

// FileFormat is the version of the file that this build writes and reads.
const FileFormat = 1

// MaxServers bounds the first voters of each role. More voters make a cluster slower, not safer.
const MaxServers = 9

// Server is one voter: its name, its number in the group, the address of its HTTP port and of the port for its peers. An oracle is in the
// membership's group only.
type Server struct {
	Name   string `json:"name"`
	Number uint64 `json:"number"`
	HTTP   string `json:"http"`
	Peer   string `json:"peer"`
	Oracle bool   `json:"oracle,omitempty"`
}

// Genesis is what a cluster begins with. Every voter starts from the same file: its Cluster identity is made of a nonce
// and of the content, so a file changed by hand is refused.
type Genesis struct {
	Format  int      `json:"format"`
	Cluster string   `json:"cluster"`
	Nonce   string   `json:"nonce"`
	Servers []Server `json:"servers"`
	// ServiceTime is where service time begins (RFC 3339, UTC); empty: with the clock.
	ServiceTime string `json:"serviceTime,omitempty"`
	// RateMilli is how fast service time runs, in thousandths of real time.
	RateMilli int64 `json:"rateMilli"`
	// Restored names the backup that the cluster begins with; nil: it begins empty.
	Restored *Restored `json:"restored,omitempty"`
}

// Restored says which backup a cluster begins with, and with what state each of its servers must begin.
type Restored struct {
	Backup  string          `json:"backup"`  // SHA-256 of the file, hexadecimal
	Cluster string          `json:"cluster"` // identity of the cluster that it was taken from
	Groups  []RestoredGroup `json:"groups"`  // by number; the groups that are not here begin empty
}

// RestoredGroup is one group of a cluster that begins with a backup.
type RestoredGroup struct {
	Group uint32 `json:"group"`
	Index uint64 `json:"index"` // in the backup
	State string `json:"state"` // SHA-256 over the chunks of the state that every server begins with, hexadecimal
}

// New makes the genesis of a new cluster with a fresh identity.
func New(servers []Server, serviceTime string, rateMilli int64) (Genesis, error) {
	return renew(Genesis{Servers: servers, ServiceTime: serviceTime, RateMilli: rateMilli}, nil)
}

// NewRestored makes the genesis of a new cluster with a fresh identity, that begins with a backup. restored is given the nonce,
// which no other cluster has.
func NewRestored(servers []Server, restored func(nonce string) (*Restored, error)) (Genesis, error) {
	return renew(Genesis{Servers: servers, RateMilli: 1000}, restored)
}

func renew(g Genesis, restored func(nonce string) (*Restored, error)) (Genesis, error) {
	var nonce [16]byte
	if _, err := rand.Read(nonce[:]); err != nil {
		return Genesis{}, fmt.Errorf("new cluster: %w", err)
	}
	g.Format, g.Nonce = FileFormat, hex.EncodeToString(nonce[:])
	if restored != nil {
		var err error
		if g.Restored, err = restored(g.Nonce); err != nil {
			return Genesis{}, err
		}
	}
	g.Cluster = g.identity()
	return g, g.Validate()
}

// identity is the cluster's, derived from all other fields.
func (g Genesis) identity() string {
	g.Cluster = ""
	content, err := json.Marshal(g)
	if err != nil {
		panic(err) // plain strings and numbers always marshal
	}
	sum := sha256.Sum256(content)
	return hex.EncodeToString(sum[:16])
}

// ID is the cluster's identity as servers compare it.
func (g Genesis) ID() wire.ID {
	var id wire.ID
	if _, err := hex.Decode(id[:], []byte(g.Cluster)); err != nil {
		panic(err) // Validate has checked it
	}
	return id
}

// ServiceNs is where service time begins, 0 for the clock.
func (g Genesis) ServiceNs() int64 {
	if g.ServiceTime == "" {
		return 0
	}
	at, err := time.Parse(time.RFC3339Nano, g.ServiceTime)
	if err != nil {
		panic(err) // Validate has checked it
	}
	return at.UnixNano()
}

// Validate checks every field and that the identity belongs to the content.
func (g Genesis) Validate() error {
	if g.Format != FileFormat {
		return fmt.Errorf("cluster file: format is %d, this build reads %d: use the build that wrote it, or a newer one", g.Format, FileFormat)
	}
	if n := len(g.Full()); n < 1 || n > MaxServers {
		return fmt.Errorf("cluster file: servers holds %d, allowed: 1 to %d", n, MaxServers)
	}
	if n := len(g.Oracles()); n > MaxServers {
		return fmt.Errorf("cluster file: servers holds %d oracles, allowed: 0 to %d", n, MaxServers)
	}
	if g.RateMilli < 1 || g.RateMilli > 1_000_000 {
		return fmt.Errorf("cluster file: rateMilli is %d, allowed: 1 to 1000000", g.RateMilli)
	}
	if g.ServiceTime != "" {
		if _, err := time.Parse(time.RFC3339Nano, g.ServiceTime); err != nil {
			return fmt.Errorf("cluster file: serviceTime is %q, allowed: RFC 3339 in UTC, as 2018-08-01T05:00:00Z", g.ServiceTime)
		}
	}
	seen := map[string]string{}
	for i, s := range g.Servers {
		if s.Number != uint64(i+1) {
			return fmt.Errorf("cluster file: server %s has number %d, allowed: %d", s.Name, s.Number, i+1)
		}
		for _, v := range []struct{ field, value string }{{"name", s.Name}, {"http", s.HTTP}, {"peer", s.Peer}} {
			if v.value == "" {
				return fmt.Errorf("cluster file: server %d has no %s", s.Number, v.field)
			}
			if other, twice := seen[v.value]; twice {
				return fmt.Errorf("cluster file: %s %q of server %s is also used by %s", v.field, v.value, s.Name, other)
			}
			seen[v.value] = s.Name
		}
	}
	if g.Cluster != g.identity() {
		return fmt.Errorf("cluster file: the identity does not belong to the content; do not edit the file, make a new one with onevoice init")
	}
	return nil
}

// Full are the servers that are no oracles, Oracles those that are.
func (g Genesis) Full() []Server { return g.ofRole(false) }

// Oracles are the servers that Full leaves out.
func (g Genesis) Oracles() []Server { return g.ofRole(true) }

func (g Genesis) ofRole(oracle bool) []Server {
	return slices.DeleteFunc(slices.Clone(g.Servers), func(s Server) bool { return s.Oracle != oracle })
}

// Server finds a server by name.
func (g Genesis) Server(name string) (Server, error) {
	i := slices.IndexFunc(g.Servers, func(s Server) bool { return s.Name == name })
	if i < 0 {
		var names []string
		for _, s := range g.Servers {
			names = append(names, s.Name)
		}
		return Server{}, fmt.Errorf("cluster file: no server %q, allowed: %s", name, strings.Join(names, ", "))
	}
	return g.Servers[i], nil
}

// ParseServers reads "n1=HOST:PORT,n2=..." as given to init: each address is the HTTP port; the port for peers is that many
// above it as there are servers, or is named as "n1=HOST:PORT/PEERPORT".
func ParseServers(text string) ([]Server, error) {
	var servers []Server
	parts := strings.Split(text, ",")
	for i, part := range parts {
		name, address, ok := strings.Cut(strings.TrimSpace(part), "=")
		if !ok || name == "" {
			return nil, fmt.Errorf("servers: %q is not name=host:port", part)
		}
		address, peerPort, named := strings.Cut(address, "/")
		host, port, err := net.SplitHostPort(address)
		if err != nil {
			return nil, fmt.Errorf("servers: %s: %w", name, err)
		}
		number, err := strconv.ParseUint(port, 10, 16)
		if err != nil || number == 0 {
			return nil, fmt.Errorf("servers: %s: port is %q, allowed: 1 to 65535", name, port)
		}
		peer := number + uint64(len(parts))
		if named {
			if peer, err = strconv.ParseUint(peerPort, 10, 16); err != nil || peer == 0 {
				return nil, fmt.Errorf("servers: %s: peer port is %q, allowed: 1 to 65535", name, peerPort)
			}
		}
		if peer > 65535 {
			return nil, fmt.Errorf("servers: %s: no room for the peer port above %d; name it as host:port/peerport", name, number)
		}
		servers = append(servers, Server{
			Name: name, Number: uint64(i + 1), HTTP: net.JoinHostPort(host, port),
			Peer: net.JoinHostPort(host, strconv.FormatUint(peer, 10)),
		})
	}
	return servers, nil
}

// WithOracles adds oracles to servers, as given to init: how many, or where each is, as ParseServers reads it. Those that are counted
// are called o1, o2 and so on, stand on the machines of the servers in turn, and take the ports above all that the servers have.
func WithOracles(servers []Server, text string) ([]Server, error) {
	n, err := strconv.ParseUint(text, 10, 16)
	if err == nil && n > MaxServers {
		return nil, fmt.Errorf("oracles is %s, allowed: 0 to %d", text, MaxServers)
	}
	if err == nil {
		if text, err = beside(servers, int(n)); err != nil || n == 0 {
			return servers, err
		}
	}
	oracles, err := ParseServers(text)
	if err != nil {
		return nil, fmt.Errorf("oracles: a number, or a list: %w", err)
	}
	all := slices.Clone(servers)
	for _, s := range oracles {
		s.Number, s.Oracle = uint64(len(all)+1), true
		all = append(all, s)
	}
	return all, nil
}

// beside finds places for n oracles.
func beside(servers []Server, n int) (string, error) {
	var hosts []string
	port := uint64(0)
	for _, s := range servers {
		for _, address := range []string{s.HTTP, s.Peer} {
			host, text, err := net.SplitHostPort(address)
			if err != nil {
				return "", fmt.Errorf("oracles: %s: %w", s.Name, err)
			}
			at, err := strconv.ParseUint(text, 10, 16)
			if err != nil {
				return "", fmt.Errorf("oracles: %s: %w", s.Name, err)
			}
			port = max(port, at)
			hosts = append(hosts, host)
		}
	}
	var parts []string
	for i := range n {
		address := net.JoinHostPort(hosts[2*i%len(hosts)], strconv.FormatUint(port+1+uint64(i), 10))
		parts = append(parts, fmt.Sprintf("o%d=%s", i+1, address))
	}
	return strings.Join(parts, ","), nil
}

// MaxFileBytes bounds the file.
const MaxFileBytes = 64 << 10

// Read reads and validates a file.
func Read(path string) (Genesis, error) {
	content, err := os.ReadFile(path)
	if err != nil {
		return Genesis{}, fmt.Errorf("cluster file: %w", err)
	}
	if len(content) > MaxFileBytes {
		return Genesis{}, fmt.Errorf("cluster file: %s holds %d bytes, allowed: up to %d", path, len(content), MaxFileBytes)
	}
	var g Genesis
	if err := json.Unmarshal(content, &g); err != nil {
		return Genesis{}, fmt.Errorf("cluster file: %s: %w", path, err)
	}
	return g, g.Validate()
}

// Write creates the file; one that is already there is never overwritten, for it may be the only copy of a cluster's identity.
func Write(path string, g Genesis) error {
	content, err := json.MarshalIndent(g, "", "  ")
	if err != nil {
		return fmt.Errorf("cluster file: %w", err)
	}
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o644)
	if err != nil {
		return fmt.Errorf("cluster file: %w", err)
	}
	_, err = f.Write(append(content, '\n'))
	if closing := f.Close(); err == nil {
		err = closing
	}
	if err != nil {
		return fmt.Errorf("cluster file: %w", err)
	}
	return nil
}
