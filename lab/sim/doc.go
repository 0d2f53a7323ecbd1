// Package sim is a simulated world: servers with disks and clocks, clients, a network between them, and faults in all of it.
// It is a laboratory: one goroutine, virtual time, and every choice drawn from one seed, so that one seed is one run.
//
// The machines in it are the ones that production runs. What the host gives them from sockets, files and clocks, the world
// gives them from an event queue. Each purpose draws from a random stream of its own, derived from the seed and a name, so
// that a new consumer does not shift the others. A running SHA-256 over every input delivered and every output taken is the
// run's trace hash; equal seeds give equal hashes in every process of one build.
//
// The raft library draws its election time-outs from the process-wide crypto/rand.Reader. A world replaces it, so one world
// lives in a process at a time, and none where real sockets have been opened.
package sim
