package crowd

import (
	"fmt"
	"time"
)

const (
	us = int64(time.Microsecond)
	ms = int64(time.Millisecond)
)

// The model. Times are in nanoseconds.
const (
	// A datagram, or a segment of TCP, takes lanNs and an exponentially distributed time of mean lanSpreadNs: a local network.
	lanNs, lanSpreadNs = 100 * us, 150 * us
	// SendNs is what a server's processor takes to write one frame to a connection, and to read one: what BenchmarkSend shows on two shared cores
	// with others at work, the receiver's part included, is 12 to 30 us.
	SendNs = 20 * us
	// An entry is durable on a server after syncNs and an exponentially distributed time of mean syncSpreadNs: see docs/bench.md.
	syncNs, syncSpreadNs = 300 * us, 700 * us
	// resendNs is after how long TCP sends what was lost once more, doubled each time.
	resendNs = 200 * ms
	// batchNs is how often the leader brings to the log what has come, and looks at what is due.
	batchNs = 10 * ms
	// jitterNs is the mean of how late a member's tick is.
	jitterNs = 300 * us
)

// The course of a run, from its beginning: what is quiet, then ordinary changes, then the fault, and one more change while it is being found.
const (
	// idleNs is for how long nothing has happened before: so the first change draws the rings anew.
	idleNs    = 60_000 * ms
	joinAtNs  = 1_000 * ms
	leaveAtNs = 2_000 * ms
	faultAtNs = 8_000 * ms // the windows have 64 probes then
	againAtNs = 11_000 * ms
	runNs     = 20_000 * ms
)

// AimNs is within how long 99 of 100 members must hold a roll.
const AimNs = 50 * ms

// Options says what to simulate.
type Options struct {
	// Members is how many there are, Lossy how many of them lose, one way, LossPermille of their packets from some moment on.
	Members, Lossy, LossPermille int
	// HealthyPermille is what every member's link loses, each way; a probe and its answer pass four times one.
	HealthyPermille int
	// Servers is how many the members are connected to; at most nine of them vote.
	Servers int
}

// Defaults are the options of the aim: 1,000 members, ten of whom lose 30 %.
func Defaults() Options {
	return Options{Members: 1_000, Lossy: 10, LossPermille: 300, HealthyPermille: 1, Servers: 3}
}

// Check says what of the options makes no sense.
func (o *Options) Check() error {
	for _, f := range []struct {
		name            string
		value, from, to int
	}{
		{"members", o.Members, 20, 16_000}, {"lossy", o.Lossy, 0, o.Members / 5}, {"loss", o.LossPermille, 0, 1000},
		{"healthy loss", o.HealthyPermille, 0, 20}, {"servers", o.Servers, 1, 32},
	} {
		if f.value < f.from || f.value > f.to {
			return fmt.Errorf("lab crowd: %s is %d, allowed: %d to %d", f.name, f.value, f.from, f.to)
		}
	}
	return nil
}
