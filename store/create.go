package store

import (
	"errors"
	"fmt"
	"os"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"onevoice/step"
)

// Create makes the store of a new server in dir, which must be missing or empty, with first as its first content. What
// marks it complete is written last, so that Open refuses what a crash leaves half-made. id.Format and id.Boot are not
// used: the format is Format, and no start has been counted.
func Create(dir string, id Identity, first []step.Op) error {
	return CreateFS(vfs.Default, dir, id, first)
}

// CreateFS is Create on another file system, for tests.
func CreateFS(fs vfs.FS, dir string, id Identity, first []step.Op) error {
	if err := checkVacant(fs, dir); err != nil {
		return err
	}
	s := newStore(dir)
	o := options(fs, s)
	o.ErrorIfNotExists, o.ErrorIfExists = false, true
	db, err := pebble.Open(dir, o)
	if err != nil {
		return fmt.Errorf("store: create %s: %w", dir, err)
	}
	s.db = db
	s.fill(id, first)
	if err = s.Err(); err == nil {
		err = db.Close()
	}
	if err != nil {
		return fmt.Errorf("store: create %s: %w: remove the directory before another attempt", dir, err)
	}
	return nil
}

func checkVacant(fs vfs.FS, dir string) error {
	names, err := fs.List(dir)
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("store: create %s: %w", dir, err)
	}
	if len(names) == 0 {
		return nil
	}
	if desc, err := pebble.Peek(dir, fs); err == nil && desc.Exists {
		return fmt.Errorf("store: create %s: a store is already there: run onevoice serve without --init-from, or, where a first "+
			"start was interrupted, remove the directory and run it again", dir)
	}
	return fmt.Errorf("store: create %s: the directory is not empty: name one that is empty or does not exist", dir)
}

// firstBatchBytes bounds one batch of the first content; it need not be atomic, because the store is not complete yet.
const firstBatchBytes = 4 << 20

func (s *Store) fill(id Identity, first []step.Op) {
	id.Format = Format
	ops := append([]step.Op{
		{Kind: step.Set, Key: identityKey, Value: encodeIdentity(id)},
		{Kind: step.Set, Key: bootKey, Value: encodeBoot(0, nil)},
	}, first...)
	for len(ops) > 0 {
		n, bytes := 0, 0
		for n < len(ops) && bytes < firstBatchBytes {
			bytes += len(ops[n].Key) + len(ops[n].Value)
			n++
		}
		s.commit([]request{{ops: ops[:n]}}, true)
		ops = ops[n:]
	}
	s.commit([]request{{ops: []step.Op{{Kind: step.Set, Key: completeKey, Value: []byte{Format}}}}}, true)
}
