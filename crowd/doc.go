// Package crowd is the membership of those that are no servers: gateways, importers, edge peers, up to 16,384 of them. From what they report of one
// another it decides who is gone.
// It is quiet and replicated: a machine that package oracle has inside, in the same log.
//
// Who joins gets an incarnation, the place in the log that admitted it, and stands on the next roll. Rolls are to a crowd what views are to servers: numbered
// without gaps and chained by their hashes. Each holds only what has changed, and a hash over the whole list. Up to ten observers look at each
// member (package ring); nine of ten take it down, and all whom they take down go on one roll. Who is gone stays gone: it comes back
// by another start, as another incarnation.
package crowd
