// Package host runs one server's node in the real world: sockets, disk, clock and goroutines.
// It is loud: it drives the quiet machine of package replica as step asks of a driver; package lab/sim is the other driver.
//
// One goroutine owns the node. It drains a bounded inbox into bursts, gives each burst to the node as one step, and does
// what the node wants done, in this order: it starts the writes; adds what was applied to the journals; notes that the states
// went on; only then sends. So whoever has an answer finds its index in the journal and in the state that Latest gives.
//
// Every server dials every other and sends on its own connections only; what it receives comes on the others'. One reader
// and one writer goroutine and a bounded queue per connection keep a slow peer from holding up another.
//
// Who runs a machine of his own starts a package server, which makes, starts and ends hosts, and finds here what he reads on his own server:
// Read, a state that is not older than the call; Latest, the newest one here; Journal, what happened, in order; View, who is
// up; Status, figures.
package host
