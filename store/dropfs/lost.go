package dropfs

import (
	"encoding/binary"
	"fmt"
	"os"
	"path/filepath"
)

// Lost is what a disk would lose if the power went now, and how it was used.
type Lost struct {
	Bytes   uint64 // written and not synced
	Changes uint64 // names created, renamed, linked or removed in directories that were not synced
	Syncs   uint64 // asked for
	Early   uint64 // sectors and names that reached the disk unasked
}

// hidden is the directory under the root that holds files which have no durable name, and counters. Nobody sees it through
// the file system.
const hidden = ".dropfs"

const counters = "lost"

// ReadLost reads what the last process that used root lost when it was killed.
func ReadLost(root string) (Lost, error) {
	var l Lost
	file, err := os.Open(filepath.Join(root, hidden, counters))
	if err != nil {
		return l, fmt.Errorf("dropfs: %w", err)
	}
	defer file.Close()
	if err := binary.Read(file, binary.LittleEndian, &l); err != nil {
		return l, fmt.Errorf("dropfs: %w", err)
	}
	return l, nil
}

// note leaves the counters where they survive this process.
func (f *FS) note() {
	b := f.noted[:0]
	for _, n := range []uint64{f.lost.Bytes, f.lost.Changes, f.lost.Syncs, f.lost.Early} {
		b = binary.LittleEndian.AppendUint64(b, n)
	}
	_, _ = f.counters.WriteAt(b, 0) // figures for people only
}
