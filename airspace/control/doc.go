// Package control is who controls which flight and works which sector, as a machine of records, and the leases of the positions that do.
// It is quiet and replicated, and part of the airspace's machine; it knows nothing of geometry.
//
// A Position is a controller's working place. A console signs it on for a time and keeps it; while it stands, the position may act. What a
// position controls stays its own when its lease is gone: it is unattended then, and another position may take it, but it is never nobody's.
//
// A Record is that of one flight or one sector. Every change of it is one act of one position, at one place of the log:
//
//	pre-active, uncontrolled  -- coordinate -->  coordinated to a position or sector
//	pre-active, uncontrolled  -- assume ------>  controlled
//	coordinated               -- assume ------>  controlled, by whom it is coordinated to; refuse: uncontrolled
//	controlled                -- propose ----->  handoff, controlled by the proposer until another accepts
//	handoff                   -- accept ------>  controlled by the other
//	handoff                   -- refuse, recall, time out -->  controlled by the proposer, as before
//	controlled                -- release ----->  uncontrolled: any position may assume it
//	controlled                -- finish ------>  finished (flights only)
//	unattended                -- take -------->  controlled by who takes it
//
// A supervisor may take anything for a position, and release anything, by force.
package control
