// Package utm is the entities of the ASTM standards for drone airspace as a machine of records: operational intent references, constraint
// references and subscriptions of F3548-21, identification service areas and their subscriptions of F3411, and the availability of USSs. It is
// quiet and replicated: a part of the airspace's machine, which gives it service time and its place in the log.
//
// An Entity is a record of one Kind. What it says about place and time is its Extent: cells, one range of altitude, one of time. Two entities are
// relevant to each other where they have a cell in common and their ranges of altitude and time overlap: both are half-open, so ranges that only
// touch do not overlap. The exact volumes may be kept beside the extent; nothing here is decided by them.
//
// A command is a Put, a Delete or a SetAvailability. Whatever is drawn at random is in the command: each Put brings the OVN that the entity gets,
// and the identifier of the implicit subscription that may come with an intent.
//
//	create    Put without Match: Conflict where the identifier is in use
//	update    Put with the present OVN as Match: Conflict where it is another one
//	delete    Delete with the present OVN as Match
//
// An entity that has ended is not found by searches and needs no key. Its record stays for RetainNs, so that its manager may still delete
// or prolong it, and is then removed by the log itself.
package utm
