package control

// Limits of control. At each a command is refused with the limit in its words.
const (
	// MaxPositions bounds the positions that are signed on or still have something: all of Europe's centres have some 2,000.
	MaxPositions = 4096
	// MaxPositionSectors bounds the sectors that one position works at once.
	MaxPositionSectors = 64
	// MaxOwnerBytes bounds the text that says for people who has signed a position on: printable ASCII, may be empty.
	MaxOwnerBytes = 128
	// MinLeaseMs and MaxLeaseMs bound how long a position stands that is not kept, in milliseconds of log time.
	MinLeaseMs, MaxLeaseMs = 1_000, 600_000
	// MinTimeoutMs and MaxTimeoutMs bound how long an offer stands, in milliseconds of log time; DefaultTimeoutMs is where none is named.
	MinTimeoutMs, MaxTimeoutMs, DefaultTimeoutMs = 1_000, 600_000, 60_000
	// MaxDue bounds the leases and offers that one entry ends; the rest comes with the next, which is due at once.
	MaxDue = 64
	// MaxPage bounds one page of any list.
	MaxPage = 1000
)

// gapNs is a silence of the log that is no quiet: while somebody leads there is an entry each second.
const gapNs = 3_000_000_000

const msNs = 1_000_000
