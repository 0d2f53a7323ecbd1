// Package backup is the format of a backup: the state of each group at one index, that says what it is and proves that it is whole.
// It is quiet: it writes to an io.Writer and reads from an io.Reader.
//
// A backup is 16 bytes of magic with the format version, then records. A record is its kind (1 byte), the length of its body
// (uint32), the body, and the CRC-32C of all of that; all integers are big-endian. The records are, in this order:
//
//	Head                            whose backup it is, of when, made by what
//	for each group, by number:
//	  Group                         which group, of which machine, at which index
//	  Chunk, one or more            its state, as consensus keeps it in snapshots
//	  GroupEnd                      how many chunks and bytes that was, and their sum
//	End                             how many records come before it, and the SHA-256 of every byte before it
//
// Nothing follows the End. A stream that breaks off before it is no backup. The body of each kind is written out in
// records.go.
package backup

import (
	"fmt"

	"onevoice/view"
	"onevoice/wire"
)

// Format is the version of the format that this build writes and reads.
const Format = 1

// MaxGroups bounds the groups of a backup: far more than a server holds.
const MaxGroups = 1024

// MaxChunkBytes bounds one chunk: it is the most that consensus stores as one.
const MaxChunkBytes = wire.MaxChunkBytes

// maxTextBytes bounds the program's version and the name of a machine.
const maxTextBytes = 256

// Origin says what a backup was taken from. The numbers are part of the format.
type Origin uint8

const (
	// Live is a running server, after a read barrier: everything acknowledged before the backup was asked for is in it.
	Live Origin = 1
	// Disk is the disk of a stopped server, up to the last index that this server knew to be agreed.
	Disk Origin = 2
	// DiskWithTail is such a disk with the entries after that index, of which it did not know whether they were agreed.
	DiskWithTail Origin = 3
)

// String names an origin.
func (o Origin) String() string {
	switch o {
	case Live:
		return "live"
	case Disk:
		return "disk"
	case DiskWithTail:
		return "disk-with-tail"
	}
	return fmt.Sprintf("origin-%d", uint8(o))
}

// Head says whose backup it is.
type Head struct {
	Cluster wire.ID
	Server  uint64 // voter number of the server it was taken from
	Origin  Origin
	TimeNs  int64  // when it was taken, by that machine's clock, nanoseconds UTC
	Program string // version of the program that wrote it
	Groups  uint32 // how many follow, 1 to MaxGroups
}

// Group says which group's state follows, and as of where.
type Group struct {
	Number uint32 // from 1
	// Machine names what the state is of; Version is the format in which that machine writes it.
	Machine string
	Version uint32
	Index   uint64
	Epoch   view.Epoch
	// Hash is the chain hash of the log after Index.
	Hash      [32]byte
	LogTimeNs int64
	// Agreed is the last index that the server knew to be agreed, and Last the last one it held: both Index in a Live backup.
	Agreed, Last uint64
}

// Sum names the chunks of one group: how many, how many bytes, and the SHA-256 over all, each preceded by its length (uint64).
type Sum struct {
	Chunks, Bytes uint64
	SHA256        [32]byte
}

// Damaged says that bytes are no whole backup of a format that this build reads. Offset is where the first record begins that
// is wrong.
type Damaged struct {
	Offset int64
	Why    string
}

// Error implements error.
func (d *Damaged) Error() string { return fmt.Sprintf("backup: at byte %d: %s", d.Offset, d.Why) }
