package host

import (
	"errors"
	"syscall"
)

const (
	// unheardMs is for how long what we send to a peer may stay unacknowledged before the connection is given up. Left alone TCP
	// doubles its pauses, and stays silent for about as long again as a link was cut after that is whole; a new connection
	// works at once.
	unheardMs = 500
	// tcpUserTimeout is TCP_USER_TIMEOUT of tcp(7), RFC 5482.
	tcpUserTimeout = 18
)

// impatient makes a socket give up after unheardMs.
func impatient(_, _ string, c syscall.RawConn) error {
	var failed error
	err := c.Control(func(fd uintptr) {
		failed = syscall.SetsockoptInt(int(fd), syscall.IPPROTO_TCP, tcpUserTimeout, unheardMs)
	})
	return errors.Join(err, failed)
}
