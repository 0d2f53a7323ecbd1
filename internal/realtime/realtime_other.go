//go:build !linux

package realtime

import "errors"

var errUnknown = errors.New("real-time scheduling: not known on this system")

// Process says that it cannot.
func Process() error { return errUnknown }

// Thread says that it cannot.
func Thread() error { return errUnknown }
