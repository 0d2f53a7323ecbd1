//go:build !linux

package real

import (
	"errors"
	"os/exec"
	"syscall"
)

const (
	inside   = "ONEVOICE_LAB_NAMESPACE"
	passMark = 7
)

// Within does nothing on this system.
func Within(*exec.Cmd) {}

// Inside is never so on this system.
func Inside() bool { return false }

// Unable says that real clusters need Linux.
func Unable() error { return errors.New("lab real: network namespaces are needed, so Linux is") }

func raise() error { return Unable() }

func markPass(_, _ string, _ syscall.RawConn) error { return Unable() }
