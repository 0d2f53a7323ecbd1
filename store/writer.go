package store

import (
	"fmt"
	"time"

	"github.com/cockroachdb/pebble/v2"

	"onevoice/step"
)

// runWriter commits what is queued, round by round. While one round is being synced the next one gathers.
func (s *Store) runWriter() {
	defer close(s.writerEnd)
	var round []request
	for {
		if round = s.queue.takeAll(round); round == nil {
			return
		}
		s.commitRound(round)
	}
}

// commitRound makes one batch of the writes up to each read or save, so that those see exactly what came before them.
// Only the last batch that needs it is synced: the log is one file, so that makes the earlier ones durable too. Then
// all writes are reported, in order.
func (s *Store) commitRound(round []request) {
	lastSync := -1
	for i := range round {
		if round[i].kind == writeRequest && round[i].sync {
			lastSync = i
		}
	}
	began := time.Now()
	s.count.roundBegan.Store(&began)
	for from := 0; from < len(round); {
		to := from
		for to < len(round) && round[to].kind == writeRequest {
			to++
		}
		s.commit(round[from:to], from <= lastSync && lastSync < to)
		if to < len(round) {
			s.startSide(round[to])
			to++
		}
		from = to
	}
	s.count.round(round, lastSync >= 0, time.Since(began))
	err := s.Err()
	for i := range round {
		if round[i].kind == writeRequest {
			round[i].done(err)
		}
	}
}

// commit applies the writes as one batch. A failure goes to fail.
func (s *Store) commit(writes []request, sync bool) {
	if len(writes) == 0 || s.Err() != nil {
		return
	}
	b := s.db.NewBatchWithSize(batchBytes(writes))
	err := s.prove(b)
	for i := 0; i < len(writes) && err == nil; i++ {
		err = addOps(b, writes[i].ops)
	}
	if err != nil {
		s.fail("write", err)
		return
	}
	if s.apply(b, sync); sync && s.Err() == nil {
		s.proof.durable = s.proof.number
	}
}

// batchHeaderBytes and opBytes are generous allowances for what Pebble adds to keys and values.
const (
	batchHeaderBytes = 128
	opBytes          = 16
)

func batchBytes(writes []request) int {
	n := batchHeaderBytes
	for i := range writes {
		n += writes[i].bytes + opBytes*len(writes[i].ops)
	}
	return n
}

func addOps(b *pebble.Batch, ops []step.Op) error {
	for i := range ops {
		op := &ops[i]
		var err error
		switch op.Kind {
		case step.Set:
			err = b.Set(op.Key, op.Value, nil)
		case step.Delete:
			err = b.Delete(op.Key, nil)
		case step.DeleteRange:
			err = b.DeleteRange(op.Key, op.Value, nil)
		default:
			err = fmt.Errorf("operation kind is %d, allowed: %d to %d", op.Kind, step.Set, step.DeleteRange)
		}
		if err != nil {
			return err
		}
	}
	return nil
}

// apply commits b. Pebble reports a failed commit to its logger's Fatalf, on this goroutine, before it returns nil: so
// the store's failure is asked too.
func (s *Store) apply(b *pebble.Batch, sync bool) {
	opts := pebble.NoSync
	if sync {
		opts = pebble.Sync
	}
	if err := s.db.Apply(b, opts); err != nil {
		s.fail("commit", err)
	}
	if s.Err() == nil {
		_ = b.Close() // gives the batch's memory back; it has no other failure after a commit
	}
}

// startSide starts a read or save whose earlier writes are committed.
func (s *Store) startSide(r request) {
	s.side.Add(1)
	if r.kind == saveRequest {
		before, ended := s.lastSave, make(chan struct{})
		s.lastSave = ended
		go s.runSave(r, before, ended)
		return
	}
	if s.Err() != nil {
		go s.runRead(r, nil)
		return
	}
	go s.runRead(r, s.db.NewSnapshot())
}
