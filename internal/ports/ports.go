// Package ports finds ports on loopback for servers that a test or the laboratory starts.
// It is loud: it listens on each port for a moment.
//
// They lie below those that systems give to outgoing connections: one of those could be in use as such when the server comes to listen.
package ports

import (
	"fmt"
	"math/rand/v2"
	"net"
)

const (
	first, last = 10_000, 30_000
	// tries bounds how often a port that is in use is passed over.
	tries = 1_000
)

// Free gives n different ports on which nobody listens now.
func Free(n int) ([]int, error) {
	var all []int
	for range tries {
		if len(all) == n {
			return all, nil
		}
		port := first + rand.N(last-first)
		l, err := net.Listen("tcp", fmt.Sprintf("127.0.0.1:%d", port))
		if err != nil {
			continue // somebody listens there
		}
		defer l.Close()
		all = append(all, port)
	}
	return nil, fmt.Errorf("ports: %d of %d free ports found in %d tries", len(all), n, tries)
}

// Addresses gives n different addresses, as 127.0.0.1:10000.
func Addresses(n int) ([]string, error) {
	free, err := Free(n)
	var all []string
	for _, port := range free {
		all = append(all, fmt.Sprintf("127.0.0.1:%d", port))
	}
	return all, err
}
