// Package airspace is the replicated temporal database of sectors and flights: it answers which flights may be in a
// sector, and when.
// It is quiet and replicated: every server gives it the same commands in the same order and gets the same state, results
// and events, to the last byte.
//
// # The nouns
//
// A Sector is a named set of volumes. A Flight is an agreed plan: 4D points with uncertainty. From the two the machine
// alone computes the sector windows (flight, sector, enters between, leaves between), when a flight or a sector is put,
// from the sector set at that index.
//
// # Versions
//
// The Version of a sector or flight is the position of the command that put it, index.sub. It is what a Precondition
// compares. Sector windows carry no version of their own: when a sector changes, the windows of the flights it touches
// change in the same entry, but those flights keep their Version, because the plan that a client holds is still the
// agreed one.
//
// # Service time
//
// "Now" in the airspace is service time, derived from log time by the settings: anchor + (log time - anchor's log time) *
// rate. It never goes back in one cluster. Flights expire by it; every Result and Answer carries it.
package airspace
