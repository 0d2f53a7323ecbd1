package sim

import (
	"bytes"
	"encoding/binary"
	"errors"
	"iter"
	"math/rand/v2"
	"strings"

	"github.com/tidwall/btree"

	"onevoice/step"
)

// errDisk is what a machine gets for a write that a fault made fail.
var errDisk = errors.New("sim: the disk failed this write")

// disk is an ordered key-value store that keeps apart what would survive a crash and what was only started.
// A batch is atomic. A crash keeps a prefix of the unsynced batches, chosen by the seed. It passes the suite that the real store
// passes.
type disk struct {
	safe   btree.Map[string, []byte] // survives every crash
	log    [][]step.Op               // started, not synced, in order
	first  uint64                    // number of log[0]
	due    []started                 // writes whose completion is still to come, in order
	saves  []step.Save               // the first is being written, the others wait for it
	lastNs int64                     // completion of the newest write
	broken bool                      // every write fails until the next start
	stall  int64                     // no completion before this moment
}

// started is a write that has not completed.
type started struct {
	write  step.Write
	number uint64 // of its batch; 0 where it failed at once
}

// batches are what a save becomes: one for each chunk; what lay under the prefix before goes with the first.
func batches(s step.Save) [][]step.Op {
	all := [][]step.Op{{clearing(s.Prefix)}}
	n := 0
	for chunk := range s.Chunks {
		set := step.Op{Kind: step.Set, Key: chunkKey(s.Prefix, n), Value: bytes.Clone(chunk)}
		if n == 0 {
			all[0] = append(all[0], set)
		} else {
			all = append(all, []step.Op{set})
		}
		n++
	}
	return all
}

// clearing removes all keys that begin with prefix, which does not end in 0xff.
func clearing(prefix []byte) step.Op {
	end := bytes.Clone(prefix)
	end[len(end)-1]++
	return step.Op{Kind: step.DeleteRange, Key: prefix, Value: end}
}

// start adds a batch to the log and returns its number.
func (d *disk) start(ops []step.Op) uint64 {
	d.log = append(d.log, ops)
	return d.first + uint64(len(d.log)) - 1
}

// harden makes everything up to and including batch n durable.
func (d *disk) harden(n uint64) {
	for len(d.log) > 0 && d.first <= n {
		apply(&d.safe, d.log[0])
		d.log[0] = nil
		d.log = d.log[1:]
		d.first++
	}
}

// end is the number of the newest batch; with an empty log, of the newest durable one.
func (d *disk) end() uint64 { return d.first + uint64(len(d.log)) - 1 }

// crash loses a suffix of the unsynced batches and says how many were lost.
func (d *disk) crash(r *rand.Rand) int {
	keep := 0
	switch r.IntN(3) {
	case 0:
		keep = len(d.log)
	case 1:
		keep = r.IntN(len(d.log) + 1)
	}
	lost := len(d.log) - keep
	if keep > 0 {
		d.harden(d.first + uint64(keep) - 1)
	}
	d.first += uint64(len(d.log))
	d.log, d.due, d.saves, d.broken, d.stall, d.lastNs = nil, nil, nil, false, 0, 0
	return lost
}

func apply(m *btree.Map[string, []byte], ops []step.Op) {
	for _, op := range ops {
		switch op.Kind {
		case step.Set:
			m.Set(string(op.Key), op.Value)
		case step.Delete:
			m.Delete(string(op.Key))
		case step.DeleteRange:
			deleteRange(m, string(op.Key), string(op.Value))
		}
	}
}

func deleteRange(m *btree.Map[string, []byte], from, to string) {
	var keys []string
	m.Ascend(from, func(key string, _ []byte) bool {
		if key < to {
			keys = append(keys, key)
		}
		return key < to
	})
	for _, key := range keys {
		m.Delete(key)
	}
}

// read finds the value of key as of all batches started; nil where there is none.
func (d *disk) read(key []byte) []byte {
	for i := len(d.log) - 1; i >= 0; i-- {
		if value, found := lookUp(d.log[i], key); found {
			return value
		}
	}
	value, _ := d.safe.Get(string(key))
	return value
}

// lookUp says what a batch does to key, if anything.
func lookUp(ops []step.Op, key []byte) (value []byte, found bool) {
	for i := len(ops) - 1; i >= 0; i-- {
		op := ops[i]
		switch {
		case op.Kind == step.DeleteRange:
			if bytes.Compare(op.Key, key) <= 0 && bytes.Compare(key, op.Value) < 0 {
				return nil, true
			}
		case bytes.Equal(op.Key, key):
			if op.Kind == step.Set {
				return op.Value, true
			}
			return nil, true
		}
	}
	return nil, false
}

// scan yields what was written, in key order: to a machine that is built, what is durable, because nothing else is there then.
func (d *disk) scan(prefix []byte) iter.Seq2[[]byte, []byte] {
	return func(yield func([]byte, []byte) bool) {
		all := &d.safe
		if len(d.log) > 0 {
			all = d.safe.Copy()
		}
		for _, ops := range d.log {
			apply(all, ops)
		}
		p := string(prefix)
		all.Ascend(p, func(key string, value []byte) bool {
			return strings.HasPrefix(key, p) && yield([]byte(key), value)
		})
	}
}

// chunkKey is where chunk n of a save goes.
func chunkKey(prefix []byte, n int) []byte {
	return binary.BigEndian.AppendUint64(bytes.Clone(prefix), uint64(n))
}
