package store

import (
	"crypto/rand"
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"os"
	"slices"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"onevoice/codec"
	"onevoice/step"
	"onevoice/wire"
)

// Format is the version of what this build stores.
const Format = 1

// Identity says who a store is. It is fixed by Create, except Boot.
type Identity struct {
	Format  uint32
	Cluster wire.ID
	Store   wire.ID // random, made with the store: another disk is another store
	Server  uint64  // voter number
	Boot    uint64  // starts counted so far, this one included; durable before Open returns
	// Starts are random numbers drawn at this start and those before it, newest first, at most wire.MaxStarts: they tell two
	// copies of one disk apart. Durable before Open returns; they belong to the caller.
	Starts []uint64
}

// The store's own records. Each ends with a CRC-32C of what comes before.
var (
	identityKey  = []byte(LocalPrefix + "identity")
	bootKey      = []byte(LocalPrefix + "boot")
	completeKey  = []byte(LocalPrefix + "complete")
	condemnedKey = []byte(LocalPrefix + "condemned")
)

var castagnoli = crc32.MakeTable(crc32.Castagnoli)

const crcBytes = 4

// Seal appends the CRC-32C of a record to it. For records under LocalPrefix.
func Seal(record []byte) []byte {
	w := codec.Writer{B: record}
	w.U32(crc32.Checksum(record, castagnoli))
	return w.B
}

// Unseal checks and takes off what Seal appended.
func Unseal(sealed []byte) ([]byte, error) {
	n := len(sealed) - crcBytes
	if n < 0 {
		return nil, errors.New("record is cut short")
	}
	if codec.NewReader(sealed[n:]).U32() != crc32.Checksum(sealed[:n], castagnoli) {
		return nil, errors.New("record has a wrong checksum")
	}
	return sealed[:n], nil
}

func encodeIdentity(id Identity) []byte {
	var w codec.Writer
	w.U32(id.Format)
	w.Raw(id.Cluster[:])
	w.Raw(id.Store[:])
	w.U64(id.Server)
	return Seal(w.B)
}

func decodeIdentity(sealed []byte) (Identity, error) {
	record, err := Unseal(sealed)
	if err != nil {
		return Identity{}, err
	}
	r := codec.NewReader(record)
	id := Identity{Format: r.U32()}
	if r.Err() == nil && id.Format != Format {
		return Identity{}, fmt.Errorf("stored in format %d, this build reads format %d: use a build that reads both", id.Format, Format)
	}
	copy(id.Cluster[:], r.Raw(len(id.Cluster)))
	copy(id.Store[:], r.Raw(len(id.Store)))
	id.Server = r.U64()
	return id, r.Finish()
}

func encodeBoot(boot uint64, starts []uint64) []byte {
	var w codec.Writer
	w.U64(boot)
	for _, s := range starts {
		w.U64(s)
	}
	return Seal(w.B)
}

// decodeBoot also reads what was written before starts had numbers: none are there then.
func decodeBoot(sealed []byte) (boot uint64, starts []uint64, err error) {
	record, err := Unseal(sealed)
	if err != nil {
		return 0, nil, err
	}
	r := codec.NewReader(record)
	boot = r.U64()
	for r.Err() == nil && r.Len() > 0 {
		starts = append(starts, r.U64())
	}
	return boot, starts, r.Finish()
}

// nextStart counts one more start and gives it a number of its own.
func (id *Identity) nextStart() error {
	var number [8]byte
	if _, err := rand.Read(number[:]); err != nil {
		return fmt.Errorf("store: %w", err)
	}
	id.Boot++
	id.Starts = slices.Insert(id.Starts, 0, binary.BigEndian.Uint64(number[:]))
	id.Starts = id.Starts[:min(len(id.Starts), wire.MaxStarts)]
	return nil
}

const howToStart = "an empty directory is never a new server: run onevoice serve --init-from FILE"

// checkDir tells a store from what is not one, before Pebble touches the directory.
func checkDir(fs vfs.FS, dir string) error {
	names, err := fs.List(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("store: %s: %w", dir, err)
	}
	if len(names) == 0 {
		return fmt.Errorf("store: %s: nothing is there: %s", dir, howToStart)
	}
	desc, err := pebble.Peek(dir, fs)
	if err != nil {
		return fmt.Errorf("store: %s: %w", dir, err)
	}
	if !desc.Exists {
		return notComplete(dir)
	}
	return nil
}

func notComplete(dir string) error {
	return fmt.Errorf("store: %s: holds files but no complete store: if a first start was interrupted, remove the directory "+
		"and run onevoice serve --init-from FILE again; otherwise name another directory", dir)
}

// readIdentity refuses a store that was not finished, is damaged or condemned.
func (s *Store) readIdentity() (Identity, error) {
	values := make(map[string][]byte)
	for _, key := range [][]byte{completeKey, condemnedKey, identityKey, bootKey} {
		value, err := readValue(s.db, key)
		if err != nil {
			return Identity{}, fmt.Errorf("store: %s: read %s: %w", s.dir, key, withCure(err))
		}
		values[string(key)] = value
	}
	if values[string(completeKey)] == nil {
		return Identity{}, notComplete(s.dir)
	}
	if why := values[string(condemnedKey)]; why != nil {
		return Identity{}, fmt.Errorf("store: %s: condemned: %s: this disk must not serve again; replace the server by a new one "+
			"with an empty directory", s.dir, why)
	}
	id, err := decodeIdentity(values[string(identityKey)])
	if err == nil {
		id.Boot, id.Starts, err = decodeBoot(values[string(bootKey)])
	}
	if err != nil {
		return Identity{}, fmt.Errorf("store: %s: identity: %w", s.dir, err)
	}
	return id, nil
}

// Condemn makes every later Open refuse this store, for a reason that people read: it has been found older than what it
// said in the past, or not the disk it claims to be. Durable when it returns nil.
func (s *Store) Condemn(reason string) error {
	done := make(chan error, 1)
	s.Write(step.Write{Ops: []step.Op{{Kind: step.Set, Key: condemnedKey, Value: []byte(reason)}}, Sync: true},
		func(err error) { done <- err })
	return <-done
}
