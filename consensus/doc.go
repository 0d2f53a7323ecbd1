// Package consensus is one group: one replicated log on etcd's raft, the machine it feeds, and the sessions that make its
// commands happen exactly once.
// It is quiet: inputs in, one Output out; no goroutine, clock, lock, file or socket.
//
// A driver hands in what happened (Tick, Raft, Command, Query, Done and so on) and then calls Flush once for the whole
// burst, so that many commands share one entry, many queries one read barrier, and all of them one write. Nothing that
// depends on a write leaves before Done reports that write.
//
// A broken invariant stops the group: every later Flush carries the same Halt.
//
// A group is the second of five words: machine, group, session, view, lease. What a majority of its members has on disk is agreed, and
// applied by each in the same order; a question is answered from a state that a majority has just confirmed to be the newest. Read
// on in package consensus/session: how a command happens once.
//
// DESIGN.md gives the reasons.
package consensus
