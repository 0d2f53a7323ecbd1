package store_test

import (
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/cockroachdb/pebble/v2/vfs"

	"onevoice/store"
	"onevoice/store/dropfs"
	"onevoice/store/storetest"
)

// onDrops gives the suite a store on the file system that loses what was not synced.
type onDrops struct {
	*disk
	drops *dropfs.FS
	root  string
}

func newOnDrops(t *testing.T, root string, r *rand.Rand) *onDrops {
	t.Helper()
	f, err := dropfs.New(root, dropfs.Options{Seed: r.Uint64(), EarlyPercent: []int{0, 30, 90}[r.IntN(3)]})
	if err != nil {
		t.Fatal(err)
	}
	place := filepath.Join(root, dir)
	if _, err := f.Stat(place); err != nil {
		create(t, f, place)
	}
	return &onDrops{disk: &disk{t: t, Store: open(t, f, place), r: r}, drops: f, root: root}
}

// Crash finds in another directory what would be left of this one.
func (d *onDrops) Crash() storetest.Disk {
	next := filepath.Join(d.t.TempDir(), "next")
	keep := []int{0, 50, 100}[d.r.IntN(3)]
	err := d.drops.CutNow(vfs.Default, next, func(u dropfs.Unsynced) int {
		if d.r.IntN(100) < keep {
			return d.r.IntN(u.Size + 1)
		}
		return 0
	})
	if err != nil {
		d.t.Fatal(err)
	}
	d.Settle()
	return newOnDrops(d.t, next, d.r)
}

func TestConformanceOnADroppingDisk(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Disk {
		return newOnDrops(t, t.TempDir(), rand.New(rand.NewPCG(8, uint64(len(t.Name())))))
	})
}

// sharedLock lets a store be opened again while the failed one holds its files, as a new process could.
type sharedLock struct{ *dropfs.FS }

func (sharedLock) Lock(string) (io.Closer, error) { return io.NopCloser(nil), nil }

// TestAfterAFailedSyncWhatIsShownIsDurable fails a sync, whose pages the kernel then takes for clean: a new process reads them
// from memory. What it shows it must have written anew, because they are not on the disk.
func TestAfterAFailedSyncWhatIsShownIsDurable(t *testing.T) {
	root, moment := t.TempDir(), time.Unix(1, 0)
	control := filepath.Join(t.TempDir(), "control")
	f, err := dropfs.New(root, dropfs.Options{Control: control})
	if err != nil {
		t.Fatal(err)
	}
	order := func(text string) {
		t.Helper()
		moment = moment.Add(time.Second)
		if err := os.WriteFile(control, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chtimes(control, moment, moment); err != nil {
			t.Fatal(err)
		}
	}
	place := filepath.Join(root, dir)
	create(t, f, place)
	s, err := store.OpenFS(sharedLock{f}, place)
	if err != nil {
		t.Fatal(err)
	}
	if err := put(s, "a"); err != nil {
		t.Fatal(err)
	}
	order("fail-sync=1")
	if err := put(s, "b"); err == nil || !strings.Contains(err.Error(), syscall.EIO.Error()) {
		t.Fatalf("a failed sync says %v", err)
	}
	order("fail-sync=0")
	again, err := store.OpenFS(sharedLock{f}, place)
	if err != nil {
		t.Fatal(err)
	}
	shown := keysOf(again)
	if shown != "a b" {
		t.Fatalf("the new process shows %q: the test does not meet its case", shown)
	}
	mem := vfs.NewMem()
	if err := f.CutNow(mem, "/", func(dropfs.Unsynced) int { return 0 }); err != nil {
		t.Fatal(err)
	}
	if left := keysOf(open(t, mem, dir)); left != shown {
		t.Fatalf("shown was %q, after a cut there is %q", shown, left)
	}
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
}
