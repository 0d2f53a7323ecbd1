// Package core is the client's obedience machine: what a client of a replicated group believes, whom it asks, when it asks
// again and when it stops. It is quiet: one caller at a time gives it what happened and takes from Out what it wants done.
// The loud client and the simulated world drive the same code.
//
// # What it promises
//
// A command that ends with a Reply was applied exactly once. One that ends with an error and MaybeApplied false was not
// applied and never will be; with MaybeApplied true its outcome is UNKNOWN: it was applied once or not at all, and that may still be open. A
// query that ends with a Reply was answered as of a moment within the call.
//
// # How
//
// A command is (session, seq) from its first attempt to its end, so that a retry, whoever answers it, gives the first
// result. Sessions are opened through the log: the first with the first command, more (MaxSessions at most) when Window
// commands of each are unanswered. Every command brings the highest seq up to which all replies have come, so that servers
// forget those. A session that was not used for SessionIdleNs is given up, long before servers expire it.
//
// Commands go to the server believed to lead. The belief comes from replies; one of an older epoch does not change it.
// While nobody is believed to lead, one command a server at a time asks around and the others wait. Queries go to
// Config.Nearest, else to the leader, else to any server. An attempt ends without an answer after AttemptNs or
// more, or when the connection does; the request is then sent again: a query to another server, a command to
// another one if the server has been silent.
//
// Two answers as of one index must carry one chain hash. Where they do not, the request ends with problem.TwoVoices.
//
// State is what the client can prove of all this at any moment.
//
// # Duties of a driver
//
// Keep connections to all servers, always: there are few, and a change of leader then costs no dial. Say Up after the
// handshake and Down when a connection ends. Give each frame of Out.Sends to the connection that was up when it was made,
// at most once (a stream does that), or not at all. Tell Out.States before Out.Finished. Close and dial anew what Out.Redial names. Call Tick at DueNs or later.
// Times are nanoseconds of one monotonic clock.
package core
