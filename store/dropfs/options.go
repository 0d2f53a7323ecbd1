// Package dropfs is a file system for real processes that loses, when its process is killed, what was not synced: kill -9 then
// means what a cut of the power means. It is a laboratory: built into servers only with the tag "dropping".
//
// It lies over a directory of the real file system, which holds exactly what is durable. What is written to a file stays in
// memory until the file is synced; what is created, renamed, linked or removed stays there until its directory is synced. Real
// disks do more than they must: a seeded part of the unsynced writes reaches the directory early, out of order and torn
// at sectors of 512 bytes.
package dropfs

import (
	"fmt"
	"math"
	"os"
	"strconv"
	"strings"
	"time"
)

// Environment names the variable from which a server of the test build takes its Options, as Parse reads them.
const Environment = "ONEVOICE_DISK"

// Options say how the disk behaves. The zero value loses all that is unsynced and has no fault.
type Options struct {
	// Seed decides what reaches the disk early; the directory's name is mixed in.
	Seed uint64
	// EarlyPercent is the chance, 0 to 100, that a write or a change of a directory reaches the disk early, in part.
	EarlyPercent int
	// Latency is how long each sync takes before anything of it is durable.
	Latency time.Duration
	// FailSync is the number of the sync, from 1, from which on every sync fails with EIO; 0 for none. What a failed sync should
	// have made durable never will be, as with a kernel that drops pages which it could not write.
	FailSync uint64
	// FullBytes is after how many bytes written every write fails with ENOSPC; 0 for never.
	FullBytes uint64
	// FailRead is a part of the names of the files whose reads fail with EIO; empty for none.
	FailRead string
	// Control names a file of the real file system that is read as Options again, over these, whenever it has changed. It need
	// not exist. ControlInRoot is ControlFile in the file system's own root.
	Control string
}

// ControlInRoot, as Options.Control, stands for ControlFile in the root.
const (
	ControlInRoot = "root"
	ControlFile   = ".control"
)

// Parse reads options as "seed=7,early=30,latency=2ms,fail-sync=100,full=1000000,fail-read=.sst,control=/path". Each is optional.
func Parse(text string) (Options, error) { return Options{}.with(text) }

// String is what Parse reads.
func (o Options) String() string {
	return fmt.Sprintf("seed=%d,early=%d,latency=%s,fail-sync=%d,full=%d,fail-read=%s,control=%s",
		o.Seed, o.EarlyPercent, o.Latency, o.FailSync, o.FullBytes, o.FailRead, o.Control)
}

func (o Options) with(text string) (Options, error) {
	for part := range strings.SplitSeq(strings.TrimSpace(text), ",") {
		if part == "" {
			continue
		}
		name, value, _ := strings.Cut(part, "=")
		if err := o.set(name, value); err != nil {
			return o, fmt.Errorf("dropfs: %s is %q: %w", name, value, err)
		}
	}
	return o, nil
}

func (o *Options) set(name, value string) (err error) {
	switch name {
	case "seed":
		o.Seed, err = strconv.ParseUint(value, 10, 64)
	case "early":
		if o.EarlyPercent, err = strconv.Atoi(value); err == nil && (o.EarlyPercent < 0 || o.EarlyPercent > 100) {
			err = fmt.Errorf("allowed: 0 to 100")
		}
	case "latency":
		o.Latency, err = time.ParseDuration(value)
	case "fail-sync":
		o.FailSync, err = strconv.ParseUint(value, 10, 64)
	case "full":
		o.FullBytes, err = strconv.ParseUint(value, 10, 64)
	case "fail-read":
		o.FailRead = value
	case "control":
		o.Control = value
	default:
		err = fmt.Errorf("allowed: seed, early, latency, fail-sync, full, fail-read, control")
	}
	return err
}

// control reads the control file where it has changed. A file that cannot be understood changes nothing.
func (f *FS) control() {
	if f.options.Control == "" {
		return
	}
	info, err := os.Stat(f.options.Control)
	if err != nil || info.ModTime().Equal(f.controlled) {
		return
	}
	content, err := os.ReadFile(f.options.Control)
	if err != nil {
		return
	}
	if o, err := f.options.with(string(content)); err == nil {
		f.controlled, f.options = info.ModTime(), o
	}
}

// syncFails counts a sync and says whether it is to fail.
func (f *FS) syncFails() bool {
	f.lost.Syncs++
	return f.options.FailSync > 0 && f.lost.Syncs >= f.options.FailSync
}

// room says whether n more bytes fit.
func (f *FS) room(n int) bool {
	limit := f.options.FullBytes
	if limit == 0 {
		limit = math.MaxUint64
	}
	f.written += uint64(n)
	return f.written <= limit
}
