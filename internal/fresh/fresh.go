// Package fresh keeps what is made of a few small files up to date while they are exchanged under a running server.
// It is loud: files, a clock, a goroutine.
//
// What cannot be used is refused and counted, and what was there before stays in use.
package fresh

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"time"
)

// Every is how often the files are looked at. They are read as a whole: a few kilobytes, whatever their times say.
const Every = 3 * time.Second

// MaxFileBytes bounds one file: hundreds of certificates.
const MaxFileBytes = 256 << 10

// Keeper holds the newest good value made of its files. All methods may be called from any goroutine.
type Keeper[T any] struct {
	what  string
	files []string
	build func(contents [][]byte) (T, error)
	log   *slog.Logger

	value   atomic.Pointer[T]
	taken   atomic.Uint64
	refused atomic.Uint64

	mu      sync.Mutex
	read    [][]byte // what value was made of
	bad     [][]byte // what was refused last
	told    bool     // that bad is bad
	lastErr error
}

// Open reads the files and makes the first value. What names the thing in the log.
func Open[T any](what string, files []string, build func(contents [][]byte) (T, error), log *slog.Logger) (*Keeper[T], error) {
	if log == nil {
		log = slog.New(slog.DiscardHandler)
	}
	k := &Keeper[T]{what: what, files: files, build: build, log: log}
	contents, err := k.readAll()
	if err != nil {
		return nil, err
	}
	value, err := build(contents)
	if err != nil {
		return nil, err
	}
	k.read = contents
	k.value.Store(&value)
	return k, nil
}

// Get is the value in use.
func (k *Keeper[T]) Get() T { return *k.value.Load() }

// Stats are how many values were taken in place of others, and how many contents were refused.
func (k *Keeper[T]) Stats() (taken, refused uint64) { return k.taken.Load(), k.refused.Load() }

// Err says why the files as they are now are not in use; nil where they are.
func (k *Keeper[T]) Err() error {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.lastErr
}

// Run looks at the files until ctx ends, each Every, and at once when hup brings something.
func (k *Keeper[T]) Run(ctx context.Context, hup <-chan os.Signal) {
	ticker := time.NewTicker(Every)
	defer ticker.Stop()
	for {
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
			_ = k.Check(false) // told in the log, and by Err
		case <-hup:
			_ = k.Check(true)
		}
	}
}

// Check reads the files, and takes what they hold where that is new and good. Files that are exchanged one after the other do not
// fit together for a moment: what is bad is told at the second look, or at the first where now is set. The error says what
// is wrong with the files as they are.
func (k *Keeper[T]) Check(now bool) error {
	k.mu.Lock()
	defer k.mu.Unlock()
	contents, err := k.readAll()
	if err == nil && equal(contents, k.read) {
		k.bad, k.told, k.lastErr = nil, false, nil
		return nil
	}
	var value T
	if err == nil {
		value, err = k.build(contents)
	}
	if err != nil {
		k.refuse(contents, err, now)
		return err
	}
	k.read, k.bad, k.told, k.lastErr = contents, nil, false, nil
	k.value.Store(&value)
	k.taken.Add(1)
	k.log.Info("new files are in use", "what", k.what, "files", k.files)
	return nil
}

// refuse notes bad contents once.
func (k *Keeper[T]) refuse(contents [][]byte, why error, now bool) {
	same := k.lastErr != nil && equal(contents, k.bad)
	if !same {
		k.told = false
	}
	k.bad, k.lastErr = contents, why
	if k.told || !same && !now {
		return
	}
	k.told = true
	k.refused.Add(1)
	k.log.Error("new files are refused, the old ones stay in use", "what", k.what, "why", why.Error())
}

func (k *Keeper[T]) readAll() ([][]byte, error) {
	var all [][]byte
	for _, name := range k.files {
		b, err := Read(name)
		if err != nil {
			return all, err
		}
		all = append(all, b)
	}
	return all, nil
}

// Read reads a file of at most MaxFileBytes.
func Read(name string) ([]byte, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	b, err := io.ReadAll(io.LimitReader(f, MaxFileBytes+1))
	if err == nil && len(b) > MaxFileBytes {
		err = errors.New("too long")
	}
	if err != nil {
		return nil, fmt.Errorf("%s: %w, allowed: a file of up to %d bytes", name, err, MaxFileBytes)
	}
	return b, nil
}

func equal(a, b [][]byte) bool {
	return slices.EqualFunc(a, b, slices.Equal[[]byte])
}
