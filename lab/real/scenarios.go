package real

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"
)

// Scenario is a course of faults.
type Scenario struct {
	Name  string
	About string
	// Gap is the longest time without an answer that is allowed, 0 for any. Machines that are busy with other things need some.
	Gap time.Duration
	// Play puts faults on until the trial's time is over. Its error is a broken promise.
	Play func(t *Trial) error
}

// Scenarios lists all, in the order of "all".
func Scenarios() []Scenario {
	const allowed = 10 * time.Second
	const unbounded = 0 // a network whose round trip is as long as an election is a fault in which no answer is promised
	return []Scenario{
		{"crash-leader", "kill -9 of the leader, restart after 0.5 s", allowed, crashLeader},
		{"crash-follower", "kill -9 of a follower, restart after 0.5 s", allowed, crashFollower},
		{"crash-all", "kill -9 of every server at once, restart", allowed, crashAll},
		{"stop-leader", "SIGSTOP of the leader for 1.5 s", allowed, stopLeader},
		{"stop-cont", "SIGSTOP of the leader for moments around an election, with clients' input queued at it", allowed, stopCont},
		{"cut-leader", "the leader hears and reaches two clients, and no server", allowed, cutLeader},
		{"deaf-leader", "the leader hears no server, all hear it", allowed, deafLeader},
		{"mute-leader", "no server hears the leader, it hears all", allowed, muteLeader},
		{"star", "servers reach one another only through one of them", allowed, star},
		{"chain", "each server reaches only its neighbours", allowed, chain},
		{"bridge", "two halves that only one server reaches", allowed, bridge},
		{"flap", "the leader's links go and come every 50 ms", allowed, flap},
		{"flap-crash", "the leader's links flap, and a follower is killed and comes back", allowed, flapCrash},
		{"reset", "every packet between leader and a follower is answered with a reset", allowed, resets},
		{"slow", "all links between servers late by 50 ms each way", unbounded, func(t *Trial) error { return slow(t, 0) }},
		{"slow-lossy", "the same, and losing 5 % of the packets", unbounded, func(t *Trial) error { return slow(t, 5) }},
		{"rolling-restart", "SIGTERM and restart of one server after the other", allowed, rollingRestart},
		{"replace", "a voter is killed for good and replaced while the links of another one flap", replaceGap, replace},
		{"upgrade", "one server after the other to a build with a newer machine version, back and forth, and the version raised", allowed, upgrade},
	}
}

// Find finds scenarios by names separated by commas, or "all".
func Find(names string) ([]Scenario, error) {
	all := Scenarios()
	if names == "all" {
		return all, nil
	}
	var found []Scenario
	for name := range strings.SplitSeq(names, ",") {
		i := slices.IndexFunc(all, func(s Scenario) bool { return s.Name == name })
		if i < 0 {
			var known []string
			for _, s := range all {
				known = append(known, s.Name)
			}
			return nil, fmt.Errorf("scenario is %q, allowed: all, %s", name, strings.Join(known, ", "))
		}
		found = append(found, all[i])
	}
	return found, nil
}

const downTime = 500 * time.Millisecond

func crashLeader(t *Trial) error {
	return t.Each(func(leader string, _ []string) error { return t.Crash(leader, downTime) })
}

func crashFollower(t *Trial) error {
	return t.Each(func(_ string, others []string) error { return t.Crash(t.Pick(others), downTime) })
}

func crashAll(t *Trial) error {
	return t.Each(func(string, []string) error {
		if err := t.KillAll(); err != nil {
			return err
		}
		for _, name := range t.Names() {
			if err := t.Start(name); err != nil {
				return err
			}
		}
		return nil
	})
}

func stopLeader(t *Trial) error {
	return t.Each(func(leader string, _ []string) error { return t.Freeze(leader, faultTime) })
}

// stopCont lets a leader go on at about the time at which another is elected: it believes that it leads, and finds requests
// that came while it was stopped.
func stopCont(t *Trial) error {
	return t.Each(func(leader string, _ []string) error {
		return t.Freeze(leader, 50*time.Millisecond+time.Duration(t.Rand.Int64N(int64(400*time.Millisecond))))
	})
}

func cutLeader(t *Trial) error {
	return t.Each(func(leader string, others []string) error {
		undo := []Undo{t.Net.Isolate(t.At(leader), t.at(others)), t.Load.Apart(1, 2)}
		for _, other := range others {
			undo = append(undo, t.Net.Cut(ClientAddress(1), t.At(other)), t.Net.Cut(ClientAddress(2), t.At(other)))
		}
		return t.During("cut off: "+leader+" with clients 1 and 2", undo...)
	})
}

func (t *Trial) at(names []string) []string {
	var all []string
	for _, name := range names {
		all = append(all, t.At(name))
	}
	return all
}

func deafLeader(t *Trial) error {
	return t.Each(func(leader string, others []string) error {
		var undo []Undo
		for _, other := range others {
			undo = append(undo, t.Net.CutOneWay(t.At(other), t.At(leader)))
		}
		return t.During("deaf: "+leader, undo...)
	})
}

func muteLeader(t *Trial) error {
	return t.Each(func(leader string, others []string) error {
		var undo []Undo
		for _, other := range others {
			undo = append(undo, t.Net.CutOneWay(t.At(leader), t.At(other)))
		}
		return t.During("mute: "+leader, undo...)
	})
}

func star(t *Trial) error {
	return t.Each(func(_ string, others []string) error {
		centre := t.Pick(others)
		return t.During("star around "+centre, t.Net.Star(t.At(centre), t.Addresses()))
	})
}

// shuffled draws an order of all servers' addresses.
func (t *Trial) shuffled() []string {
	all := t.Addresses()
	t.Rand.Shuffle(len(all), func(i, j int) { all[i], all[j] = all[j], all[i] })
	return all
}

func chain(t *Trial) error {
	return t.Each(func(string, []string) error {
		all := t.shuffled()
		return t.During("chain "+strings.Join(all, " "), t.Net.Chain(all))
	})
}

func bridge(t *Trial) error {
	return t.Each(func(string, []string) error {
		all := t.shuffled()
		return t.During("bridge "+strings.Join(all, " "), t.Net.Bridge(all))
	})
}

// flapTime is how long links are cut, and how long they are whole, in turn.
const flapTime = 50 * time.Millisecond

// flapping cuts one server off from all others and back, again and again, and notes for how long it was cut off at most.
func (t *Trial) flapping(one string, period time.Duration) Undo {
	return t.Net.Flap(period, period, func() Undo {
		began := t.Record.NowNs() // the cut holds from some moment within the call on, which on a busy machine lasts
		heal := t.Net.Isolate(t.At(one), t.at(t.Others(one)))
		t.Record.Note("cut off: %s, by a call of %d ms", one, (t.Record.NowNs()-began)/1_000_000)
		return func() {
			heal()
			t.Record.Note("whole: links of %s", one)
			t.cutNs.Store(max(t.cutNs.Load(), t.Record.NowNs()-began))
		}
	})
}

func flap(t *Trial) error {
	return t.Each(func(leader string, _ []string) error {
		return t.During("flapping links of "+leader, t.flapping(leader, flapTime))
	})
}

func flapCrash(t *Trial) error {
	return t.Each(func(leader string, others []string) error {
		undo := t.flapping(leader, flapTime)
		err := t.Crash(t.Pick(others), downTime)
		return errors.Join(err, t.During("flapping links of "+leader, undo))
	})
}

func resets(t *Trial) error {
	return t.Each(func(leader string, others []string) error {
		other := t.Pick(others)
		return t.During("resets between "+leader+" and "+other, t.Net.Reset(t.At(leader), t.At(other)))
	})
}

// slow needs no heal in between: the fault lasts as long as the trial.
func slow(t *Trial, lossPercent int) error {
	var undo []Undo
	for _, from := range t.Servers() {
		for _, to := range t.Servers() {
			if from.Name == to.Name {
				continue
			}
			u, err := t.Net.Delay(t.At(from.Name), to.Peer, 50*time.Millisecond)
			if err != nil {
				return err
			}
			undo = append(undo, u)
		}
	}
	undo = append(undo, t.Net.Lossy(t.Addresses(), lossPercent))
	t.cycles++
	return t.For(time.Until(t.end), fmt.Sprintf("all links late, losing %d %%", lossPercent), undo...)
}

func rollingRestart(t *Trial) error {
	for {
		for _, name := range t.Names() {
			if more, err := t.Next(); err != nil || !more {
				return err
			}
			t.Record.Note("SIGTERM %s", name)
			if err := t.Terminate(name); err != nil {
				return err
			}
			if err := t.Start(name); err != nil {
				return err
			}
			if err := t.Up(name); err != nil {
				return err
			}
		}
	}
}
