package bench

import "fmt"

// The kinds of cell.
const (
	// Write is durable on a majority before it is answered.
	Write = "write"
	// Read is linearizable.
	Read = "read"
	// Watch has each client watch on a connection of its own while one writer writes as fast as it is answered. Its rate is that
	// of the events that arrive, its delay from before the write to the watcher.
	Watch = "watch"
	// WatchRate is Watch with WatchRatePerSecond writes, sent when they are due.
	WatchRate = "watch at 100/s"
	// Overload has 1,024 clients write in a closed loop, for the peak, and then as many writes come as five times that, whether or
	// not others are answered, each with a second's patience. Its rate is that of those answered in time, its share that by the peak.
	Overload = "overload"
)

// WatchRatePerSecond is how often the writer of WatchRate writes.
const WatchRatePerSecond = 100

// Kinds lists what can be asked for.
func Kinds() []string { return []string{Write, Read, Watch, WatchRate, Overload} }

// Tasks are the kinds with the numbers of clients that are compared: for writes and reads those given, for watches 100 and 1,000.
func Tasks(kinds []string, clients []int) ([]Task, error) {
	var tasks []Task
	for _, kind := range kinds {
		switch kind {
		case Write, Read:
			for _, n := range clients {
				tasks = append(tasks, Task{kind, n})
			}
		case Watch:
			tasks = append(tasks, Task{kind, 100})
		case WatchRate:
			tasks = append(tasks, Task{kind, 1000})
		case Overload:
			tasks = append(tasks, Task{kind, 1024})
		default:
			return nil, fmt.Errorf("kind is %q, allowed: %q", kind, Kinds())
		}
	}
	return tasks, nil
}

// How many requests of an Overload may be under way: over frames they cost little; over HTTP each has a connection.
const (
	FramesUnanswered = 40_000
	HTTPUnanswered   = 3_000
)
