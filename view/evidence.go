package view

// Evidence is why a server seems not to be up. A server's evidence is an opinion, never a decision.
type Evidence uint8

// The kinds of evidence. The numbers are part of the format.
const (
	// NoEvidence: nothing speaks against the server.
	NoEvidence Evidence = 0
	// Silent: nothing has come from it for the detection bound.
	Silent Evidence = 1
	// Deaf: it speaks, and by its own word has heard nothing of who reports for the detection bound.
	Deaf Evidence = 2
	// Refused: its machine answers that nobody listens at its address, and nothing has come from it since.
	Refused Evidence = 3
	// Stuck: it says itself that its disk has not completed a write for long.
	Stuck Evidence = 4
	// Restarted: a later start of the same server was admitted. It is no report, but a reason for a verdict.
	Restarted Evidence = 5
	// Exited: its own last word was that it ends.
	Exited Evidence = 6
	// Disk: its own last word was that its disk has failed.
	Disk Evidence = 7
	// Killed: an operator has taken it down.
	Killed Evidence = 8
)

// LastEvidence is the highest kind that this build knows.
const LastEvidence = Killed

// String is the evidence's word in tables and JSON.
func (e Evidence) String() string {
	switch e {
	case NoEvidence:
		return "none"
	case Silent:
		return "silent"
	case Deaf:
		return "deaf"
	case Refused:
		return "refused"
	case Stuck:
		return "stuck"
	case Restarted:
		return "restarted"
	case Exited:
		return "exited"
	case Disk:
		return "disk"
	case Killed:
		return "killed"
	}
	return "unknown"
}
