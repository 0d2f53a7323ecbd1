// Package oracle is the membership machine: from what servers report of one another it decides, by majority, who is up.
// It is quiet and replicated: a machine in a small group of its own, so that no verdict waits behind traffic.
//
// The leader of its group brings into the log what it hears in the servers' beats, as one Observation, whenever that differs from what was
// observed before. Everything else follows from the log alone, on every replica alike: who is admitted, who is down, and why. Each
// change makes one view, numbered and chained by its hash. Package members, whose wish says who shall be a member at all, is part of
// this machine.
//
// Who uses it for servers of his own takes package server, which has one in every cluster: the View of a host says who is up, and package replica
// makes everybody obey. The last of the five words, machine, group, session, view, lease, rests on it too: a lease is given by the oracle's
// log to one holder for some time, with a token that grows, by which a resource refuses who held it before: packages lease, client/lock and fence.
package oracle
