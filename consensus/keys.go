package consensus

import (
	"encoding/binary"
	"math"

	"onevoice/step"
)

// The keys of a group begin with its number (uint32, big-endian) and one of these bytes. The bytes are part of the
// storage format.
const (
	keyChunk = 'C' // + index of the snapshot + number of the chunk (uint64, big-endian): one chunk
	keyEntry = 'E' // + index (uint64, big-endian): one log entry
	keyHard  = 'H' // raft's hard state
	keyMeta  = 'M' // the newest complete snapshot
)

const keyPrefixBytes = 5

func keyOf(group uint32, kind byte, numbers ...uint64) []byte {
	k := make([]byte, 0, keyPrefixBytes+8*len(numbers))
	k = binary.BigEndian.AppendUint32(k, group)
	k = append(k, kind)
	for _, n := range numbers {
		k = binary.BigEndian.AppendUint64(k, n)
	}
	return k
}

// chunksOf is the prefix of one snapshot's chunks.
func chunksOf(group uint32, index uint64) []byte { return keyOf(group, keyChunk, index) }

// dropChunks deletes all chunks of one snapshot.
func dropChunks(group uint32, index uint64) step.Op {
	return step.Op{Kind: step.DeleteRange, Key: chunksOf(group, index), Value: chunksOf(group, index+1)}
}

// dropEntries deletes the entries from first up to, not including, end.
func dropEntries(group uint32, first, end uint64) step.Op {
	return step.Op{Kind: step.DeleteRange, Key: keyOf(group, keyEntry, first), Value: keyOf(group, keyEntry, end)}
}

const maxIndex = math.MaxUint64
