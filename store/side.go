package store

import (
	"bytes"
	"encoding/binary"
	"errors"

	"github.com/cockroachdb/pebble/v2"
)

// saveBatchBytes is how much of a save is committed and synced at a time: little enough that a log entry which is synced
// beside it waits for a few milliseconds at most.
const saveBatchBytes = 512 << 10

// runRead looks key up in a snapshot, nil where the store had failed before.
func (s *Store) runRead(r request, at *pebble.Snapshot) {
	defer s.side.Done()
	defer func() { <-s.readSlots }()
	if at == nil {
		r.found(nil, s.Err())
		return
	}
	value, err := readValue(at, r.key)
	if closeErr := at.Close(); err == nil {
		err = closeErr
	}
	if err != nil {
		s.fail("read", err)
		r.found(nil, s.Err())
		return
	}
	s.count.reads.Add(1)
	r.found(value, nil)
}

// readValue is nil, nil for a key that is not there; a value that is there and empty is not nil.
func readValue(r pebble.Reader, key []byte) ([]byte, error) {
	value, closer, err := r.Get(key)
	if errors.Is(err, pebble.ErrNotFound) {
		return nil, nil
	}
	if err != nil {
		return nil, err
	}
	value = append([]byte{}, value...)
	return value, closer.Close()
}

// runSave writes a save after the one before it has ended.
func (s *Store) runSave(r request, before <-chan struct{}, ended chan<- struct{}) {
	defer s.side.Done()
	defer func() { <-s.saveSlots }()
	defer close(ended)
	<-before
	if s.Err() == nil {
		s.writeChunks(r)
	}
	s.count.saves.Add(1)
	r.done(s.Err())
}

func (s *Store) writeChunks(r request) {
	b := s.db.NewBatch()
	err := b.DeleteRange(r.save.Prefix, prefixEnd(r.save.Prefix), nil)
	number := uint64(0)
	p := s.newPace()
	for chunk := range r.save.Chunks {
		if err != nil || s.Err() != nil {
			break
		}
		key := binary.BigEndian.AppendUint64(bytes.Clone(r.save.Prefix), number)
		err = b.Set(key, chunk, nil)
		number++
		if err == nil && b.Len() >= saveBatchBytes {
			s.count.savedBytes.Add(uint64(b.Len()))
			s.apply(b, true)
			b = s.db.NewBatch()
			p.rest()
		}
	}
	if err != nil {
		s.fail("save", err)
		return
	}
	if s.Err() == nil && b.Count() > 0 {
		s.count.savedBytes.Add(uint64(b.Len()))
		s.apply(b, true)
	}
}
