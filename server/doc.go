// Package server runs one server of a replicated service of one's own: somebody else's machine on oracle, replica, store and host.
// It is loud: it makes directories and owns goroutines.
//
//	s, err := server.Start(ctx, server.Options{
//		Dir:     "data/1",
//		First:   &server.First{Number: 1, Addresses: []string{"127.0.0.1:7001", "127.0.0.1:7002", "127.0.0.1:7003"}},
//		Machine: func() machine.Machine { return counter.New() },
//	})
//	if err != nil {
//		return err
//	}
//	return s.Wait()
//
// Any program then asks them as one: client.Dial(server.Client("127.0.0.1:7001", "127.0.0.1:7002", "127.0.0.1:7003")). examples/counter is
// a whole service in under 100 lines.
//
// # The words, and where to read on
//
// A machine is what you write: a deterministic state without I/O, changed by commands and asked by questions (package machine).
//
// A group is one replicated log and its machine, the same on all its servers; a majority of them agrees on each entry (package consensus).
// A server has two: Group is yours; Membership is that of the oracle. Package replica puts them behind one transport and one disk, and
// package host drives that with sockets, a clock and goroutines.
//
// A session is what makes a command happen once, however often it is sent and whoever leads by then (packages client and
// consensus/session). You see of it only that a command ends with a result, with an error, or UNKNOWN.
//
// A view is the numbered, agreed list of the servers that are up (packages view and oracle). Servers watch one another (package detect);
// what a majority says goes into the oracle's log, and everybody obeys what comes out, even where it is mistaken: connections to a start
// that is down end, and what it owed is asked elsewhere. A server that was taken down is started anew, at once, as a new
// incarnation. This package does that within the process.
//
// A lease, the last of the five words, is a promise of the oracle's log to one holder for some time, with a token that grows: for what
// only one process may do (package client/lock). Whoever guards the thing refuses an older token than it has seen (package fence).
//
// # A server's life
//
// The first time, Start makes the directory from First or, for a server that is added later, by an Invitation. From then on the
// directory is enough. Without either, an empty one is refused: it is never a new cluster by itself. A wiped directory that is made again
// is a stranger to the servers that knew it; invite it.
//
// A server that is stopped hands over what it leads and says farewell, so that nobody waits for an election.
package server
