// Package realtime asks the system to run this process before other programs.
// It is loud: it asks the system.
//
// What runs so is woken at once on a machine that is busy otherwise. It must have little to do: while it runs, nothing else does on that
// processor. The system keeps a twentieth of each second for others (/proc/sys/kernel/sched_rt_runtime_us).
package realtime

// Priority is the lowest of those that go before every usual program.
const Priority = 1
