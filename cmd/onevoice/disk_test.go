//go:build !dropping

package main

import (
	"os"
	"path/filepath"
	"testing"

	"onevoice/consensus"
	"onevoice/store"
)

// TestTheShippedServerUsesTheRealDisk asks this build for the laboratory's disk: it does not know it.
func TestTheShippedServerUsesTheRealDisk(t *testing.T) {
	t.Setenv("ONEVOICE_DISK", "fail-sync=1")
	if disk, err := diskOf(t.TempDir()); err != nil || disk != store.RealFS() {
		t.Fatalf("%T %v", disk, err)
	}
	if limits() != (consensus.Limits{}) {
		t.Fatal("its groups have limits of their own")
	}
}

func TestKeepFiles(t *testing.T) {
	path := filepath.Join(t.TempDir(), "name")
	if err := os.WriteFile(path, []byte("n1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := keepFiles(path); err != nil {
		t.Fatal(err)
	}
	if err := keepFiles(path + ".gone"); err == nil {
		t.Fatal("a file that is not there is kept")
	}
}
