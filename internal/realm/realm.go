// Package realm keeps the real world and the simulated one out of the same process.
// It is loud: it holds one value for the whole process.
//
// The simulated world replaces the process's source of randomness by a seeded one, on which elections and identities of
// a real server must never rest; and a process that has listened has goroutines and randomness that no seed repeats. So
// a process belongs to the first of the two that enters it, until it ends.
package realm

import (
	"errors"
	"sync/atomic"
)

// The states of a process.
const (
	none int32 = iota
	realWorld
	simWorld
)

var current atomic.Int32

// ErrSimulated says that a simulated world has run in this process, so that no server may listen in it.
var ErrSimulated = errors.New("a simulated world has run in this process and its randomness comes from a seed: " +
	"start the server in a process of its own")

// ErrReal says that this process has listened or dialled, so that no simulated world may run in it.
var ErrReal = errors.New("this process has served on real sockets, so that one seed would not give one run: " +
	"run the simulated world in a process of its own")

// EnterReal claims the process for real sockets, clocks and disks; it may be called again. The error is ErrSimulated.
// Called by host before it listens.
func EnterReal() error { return enter(realWorld, ErrSimulated) }

// EnterSim claims the process for the simulated world; it may be called again. The error is ErrReal. Called by lab/sim
// before it replaces the source of randomness.
func EnterSim() error { return enter(simWorld, ErrReal) }

func enter(want int32, refused error) error {
	if current.CompareAndSwap(none, want) || current.Load() == want {
		return nil
	}
	return refused
}
