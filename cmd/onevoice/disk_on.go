//go:build dropping

package main

import (
	"fmt"
	"os"

	"onevoice/consensus"
	"onevoice/store"
	"onevoice/store/dropfs"
)

// diskOf is a disk of the laboratory: killed, this server has lost what it did not sync.
func diskOf(dir string) (store.FS, error) {
	o, err := dropfs.Parse(os.Getenv(dropfs.Environment))
	if err != nil {
		return nil, usageError{err}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return nil, fmt.Errorf("serve: %w", err)
	}
	return dropfs.New(dir, o)
}

// limits make snapshots frequent, so that cuts of the power meet them.
func limits() consensus.Limits { return consensus.Limits{SnapshotEntries: 400, KeepEntries: 200} }
