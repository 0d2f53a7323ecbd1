//go:build !linux

package realtime

import "errors"

// Process says that it cannot.
func Process() error { return errors.New("real-time scheduling: not known on this system") }
