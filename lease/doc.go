// Package lease grants locks by name, for a time: who must be the only one to do a thing holds one.
// It is quiet and replicated, and part of the oracle's machine.
//
// A holder names itself by 128 bits that it has drawn. Its lease lapses where it is not kept; until then nobody else gets the name, and
// after that not for the lock-delay, in which what the holder sent last may still arrive. Time is log time. A change of the group's epoch,
// and a gap in log time, give every lease its whole time again: no lease lapses because the servers were away.
//
// A lease proves nothing to a resource: its token does, see package fence. DESIGN.md gives the reasons.
package lease
