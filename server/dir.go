package server

import (
	"context"
	crand "crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"onevoice/consensus"
	"onevoice/internal/durable"
	"onevoice/machine"
	"onevoice/members"
	"onevoice/oracle"
	"onevoice/replica"
	"onevoice/step"
	"onevoice/store"
	"onevoice/wire"
)

// The files of a directory. The record comes last: without it nothing counts as made.
const (
	storeName  = "store"
	recordName = "server.json"
	diskName   = "disk" // the identity of the new disk, from the first attempt to join
)

// recordFormat is the version of the record that this build writes and reads.
const recordFormat = 1

// record is what a server knows of itself before its log tells it more.
type record struct {
	Format  int    `json:"format"`
	Cluster string `json:"cluster"` // 32 hexadecimal digits
	Number  uint64 `json:"number"`
	Address string `json:"address"`
	// Joined says that it came by an invitation.
	Joined bool `json:"joined,omitempty"`
	// Servers are those known at the beginning, this one included.
	Servers []known `json:"servers"`
}

// known is one server and where it is found.
type known struct {
	Number  uint64 `json:"number"`
	Address string `json:"address"`
}

// id is the cluster's identity.
func (r *record) id() (id wire.ID) {
	if n, err := hex.Decode(id[:], []byte(r.Cluster)); err != nil || n != len(id) {
		return wire.ID{} // no store has it
	}
	return id
}

// prepare makes the directory the first time, and reads what server it holds.
func prepare(ctx context.Context, o *Options) (record, error) {
	if o.Machine == nil || o.Dir == "" {
		return record{}, errors.New("server: Options.Dir and Options.Machine are needed")
	}
	path := filepath.Join(o.Dir, recordName)
	b, err := os.ReadFile(path)
	if errors.Is(err, os.ErrNotExist) {
		return create(ctx, o)
	}
	var r record
	if err == nil {
		err = json.Unmarshal(b, &r)
	}
	switch {
	case err != nil:
		return r, fmt.Errorf("server: %s: %w", path, err)
	case r.Format != recordFormat:
		return r, fmt.Errorf("server: %s: format %d, this build reads %d", path, r.Format, recordFormat)
	case o.First != nil && o.First.Number != r.Number:
		return r, fmt.Errorf("server: %s belongs to server %d, not to %d", o.Dir, r.Number, o.First.Number)
	}
	return r, nil
}

func create(ctx context.Context, o *Options) (record, error) {
	if err := os.MkdirAll(o.Dir, 0o755); err != nil {
		return record{}, fmt.Errorf("server: %w", err)
	}
	switch {
	case o.First != nil:
		return found(o)
	case o.Invitation != "":
		return join(ctx, o)
	}
	return record{}, fmt.Errorf("server: %s holds no server, and an empty directory is never a new cluster by itself: give First or an Invitation", o.Dir)
}

// found makes the directory of a server of the beginning.
func found(o *Options) (record, error) {
	f := o.First
	if err := f.check(); err != nil {
		return record{}, err
	}
	sum := sha256.Sum256([]byte("onevoice cluster\n" + f.Cluster + "\n" + strings.Join(f.Addresses, "\n")))
	r := record{Format: recordFormat, Cluster: hex.EncodeToString(sum[:16]), Number: f.Number, Address: f.Addresses[f.Number-1]}
	for i, a := range f.Addresses {
		r.Servers = append(r.Servers, known{uint64(i + 1), a})
	}
	var disk wire.ID
	if _, err := crand.Read(disk[:]); err != nil {
		return r, fmt.Errorf("server: %w", err)
	}
	return r, r.write(o, disk, replica.Bootstrap)
}

// write makes the store and the record.
func (r *record) write(o *Options, disk wire.ID, first func(replica.Config) ([]step.Op, error)) error {
	config, err := r.config(o)
	if err != nil {
		return err
	}
	ops, err := first(config)
	if err != nil {
		return err
	}
	at := filepath.Join(o.Dir, storeName)
	if err := os.RemoveAll(at); err != nil { // half made by an attempt before
		return fmt.Errorf("server: %w", err)
	}
	if err := store.Create(at, store.Identity{Cluster: r.id(), Server: r.Number, Store: disk}, ops); err != nil {
		return err
	}
	b, err := json.MarshalIndent(r, "", "  ")
	if err != nil {
		return fmt.Errorf("server: %w", err)
	}
	return keep(filepath.Join(o.Dir, recordName), append(b, '\n'))
}

// keep writes a file that is there after a loss of power, or not at all.
func keep(path string, content []byte) error {
	dir := filepath.Dir(path)
	if err := errors.Join(durable.Write(path, content, 0o600), durable.SyncDir(filepath.Dir(dir))); err != nil {
		return fmt.Errorf("server: %w", err)
	}
	return nil
}

// config is the node of a server, without its start.
func (r *record) config(o *Options) (replica.Config, error) {
	random, err := newRand()
	if err != nil {
		return replica.Config{}, err
	}
	first := members.Genesis{}
	var voters []uint64
	for _, s := range r.Servers {
		voters = append(voters, s.Number)
		if !r.Joined {
			first.Servers = append(first.Servers, members.Server{Number: s.Number, Name: nameOf(s.Address), HTTP: noHTTP(s.Address), Peer: s.Address})
		}
	}
	if !r.Joined {
		first.Groups = []uint32{Group, Membership}
	}
	group := func(number uint32, of func() machine.Machine) consensus.Config {
		return consensus.Config{Group: number, Self: r.Number, Voters: voters, Rand: random, NewMachine: of}
	}
	return replica.Config{Self: r.Number, Membership: Membership, Groups: []consensus.Config{
		group(Group, o.Machine), group(Membership, func() machine.Machine { return oracle.New(first) }),
	}}, nil
}

// noHTTP stands where the agreed membership wants an HTTP address, which differs from all others: these servers have none.
func noHTTP(address string) string { return "no-http." + address }

// nameOf is the name of the server at an address: the agreed membership wants one, of letters, digits, dots, dashes and underscores.
func nameOf(address string) string {
	name := []byte(address)
	for i, c := range name {
		if (c < '0' || c > '9') && (c < 'a' || c > 'z') && (c < 'A' || c > 'Z') && c != '.' && c != '-' {
			name[i] = '_'
		}
	}
	return string(name[:min(len(name), members.MaxNameBytes)])
}
