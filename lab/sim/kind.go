package sim

// Kind names a fault. The numbers are of one build only.
type Kind uint8

// The kinds of fault. Those up to Jump are episodes that the schedule starts; the rest colour the whole run.
const (
	// Crash stops a server, loses a suffix of its unsynced writes and starts it again later.
	Crash Kind = iota
	// Power crashes all servers at one moment.
	Power
	// Bounce crashes one server several times, milliseconds apart.
	Bounce
	// Ambush crashes servers right after they were told that a write is durable, and starts them again at once: the moment
	// after a promise.
	Ambush
	// Pause stops a server with everything in its queue, as SIGSTOP does.
	Pause
	// Slow makes a server late for every input.
	Slow
	// OneWay cuts one direction between two servers.
	OneWay
	// Pair cuts both directions between two servers.
	Pair
	// Isolate cuts one server off all others.
	Isolate
	// Halves cuts the servers into two groups.
	Halves
	// Star leaves only the connections to one server.
	Star
	// Bridge makes two groups that only one server reaches both of.
	Bridge
	// Mute drops what one server sends to servers.
	Mute
	// Deaf drops what servers send to one server.
	Deaf
	// Flap cuts one pair in a fast rhythm.
	Flap
	// Lossy loses many frames everywhere.
	Lossy
	// Lag delays frames of one server.
	Lag
	// Stall keeps a disk from completing anything.
	Stall
	// DiskError fails the next writes of one disk; its server must stop.
	DiskError
	// Fire destroys a server with its disk, for ever; a majority is always spared.
	Fire
	// Hangup closes the connections of one client.
	Hangup
	// Drift changes the rate of a clock.
	Drift
	// Jump sets a wall clock to another time.
	Jump
	episodes

	// Loss, Duplicate, Spike, Reorder, Hold, Burst and Far colour the whole run until it is healed.
	Loss Kind = iota - 1
	Duplicate
	Spike
	Reorder
	Hold
	Burst
	Far
	// Promise crashes a server by chance right after it has given its word, as in a vote, and starts it again at once.
	Promise
	// Upgrade restarts a server with another build of its program; who runs the world says when and with which.
	Upgrade
	kindCount
)

var kindNames = [kindCount]string{
	Crash: "crash", Power: "power", Bounce: "bounce", Ambush: "ambush", Pause: "pause", Slow: "slow", OneWay: "one-way", Pair: "pair",
	Isolate: "isolate", Halves: "halves", Star: "star", Bridge: "bridge", Mute: "mute", Deaf: "deaf", Flap: "flap",
	Lossy: "lossy", Lag: "lag", Stall: "stall", DiskError: "disk-error", Fire: "fire",
	Hangup: "hangup", Drift: "drift", Jump: "jump",
	Loss: "loss", Duplicate: "duplicate", Spike: "spike", Reorder: "reorder", Hold: "hold", Burst: "burst",
	Far: "far", Promise: "promise", Upgrade: "upgrade",
}

// String is the fault's word on the command line.
func (k Kind) String() string {
	if k < kindCount {
		return kindNames[k]
	}
	return "none"
}

// Kinds lists all kinds of fault.
func Kinds() []Kind {
	kinds := make([]Kind, kindCount)
	for i := range kinds {
		kinds[i] = Kind(i)
	}
	return kinds
}

// ParseKind finds a kind by its word.
func ParseKind(word string) (Kind, bool) {
	for _, k := range Kinds() {
		if k.String() == word {
			return k, true
		}
	}
	return 0, false
}

// KindSet is a set of kinds of fault.
type KindSet uint64

// With is the set with k added.
func (s KindSet) With(k Kind) KindSet { return s | 1<<k }

// Has says whether k is in the set.
func (s KindSet) Has(k Kind) bool { return s>>k&1 == 1 }

// colours says which of the faults that last as long as the run are in this world, for counting them.
func (p *Params) colours() map[Kind]bool {
	return map[Kind]bool{
		Loss: p.LossPpm > 0, Duplicate: p.DupPpm > 0, Spike: p.SpikePpm > 0, Reorder: !p.InOrder, Hold: p.HoldPpm > 0,
		Burst: p.BurstPpm > 0, Far: p.FarNs > 0,
	}
}

// without turns the colours in off to nothing; the schedule asks the set itself, so that its draws stay the same.
func (p *Params) without(off KindSet) {
	if off.Has(Loss) {
		p.LossPpm = 0
	}
	if off.Has(Duplicate) {
		p.DupPpm = 0
	}
	if off.Has(Spike) {
		p.SpikePpm = 0
	}
	if off.Has(Reorder) {
		p.InOrder = true
	}
	if off.Has(Hold) {
		p.HoldPpm = 0
	}
	if off.Has(Promise) {
		p.PromisePpm = 0
	}
	if off.Has(Far) {
		p.FarNs = 0
	}
	if off.Has(Burst) {
		p.BurstPpm = 0
	}
}
