package real

import (
	"fmt"
	"os/exec"
	"slices"
	"strings"
	"sync"
	"time"
)

// Undo ends a fault. Calling it again does nothing. It panics where the packet filter cannot be changed, for then nothing
// that follows means anything.
type Undo func()

// Network is the packet filter of the namespace. Faults lie on links between addresses and add up; each ends by its own
// Undo, or all by Heal. Its methods may be called from any goroutine. They panic where the filter cannot be changed.
type Network struct {
	mu     sync.Mutex
	rules  []*rule // what is dropped and reset, in the order of the calls
	turns  []*rule // what goes through a relay
	stops  []func()
	relays []*relay
}

type rule struct{ text string }

// ruleset is the whole filter as nft reads it: applied at once or not at all.
func ruleset(rules, turns []*rule) string {
	var b strings.Builder
	// A table is emptied by naming, deleting and making it again in one transaction.
	b.WriteString("table inet lab {}\ndelete table inet lab\ntable inet lab {\n chain cut {\n  type filter hook input priority 0;\n")
	for _, r := range rules {
		b.WriteString("  " + r.text + "\n")
	}
	b.WriteString(" }\n chain turn {\n  type nat hook output priority -100;\n")
	for _, r := range turns {
		b.WriteString("  " + r.text + "\n")
	}
	b.WriteString(" }\n}\n")
	return b.String()
}

// apply brings the filter to what is wanted; the caller holds the lock.
func (n *Network) apply() {
	cmd := exec.Command("nft", "-f", "-")
	text := ruleset(n.rules, n.turns)
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		panic(fmt.Sprintf("lab real: nft: %v: %s\n%s", err, out, text))
	}
}

// put adds rules at once.
func (n *Network) put(texts ...string) Undo {
	var mine []*rule
	for _, t := range texts {
		mine = append(mine, &rule{t})
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	n.rules = append(n.rules, mine...)
	n.apply()
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		before := len(n.rules)
		n.rules = slices.DeleteFunc(n.rules, func(r *rule) bool { return slices.Contains(mine, r) })
		if len(n.rules) != before {
			n.apply()
		}
	}
}

func oneWay(from, to, verdict string) string {
	return fmt.Sprintf("ip saddr %s ip daddr %s %s", from, to, verdict)
}

func bothWays(a, b, verdict string) []string {
	return []string{oneWay(a, b, verdict), oneWay(b, a, verdict)}
}

// Cut drops every packet between two addresses; nobody is told.
func (n *Network) Cut(a, b string) Undo { return n.put(bothWays(a, b, "drop")...) }

// CutOneWay drops every packet from one address to another. Whoever is at the second hears nothing from the first, no
// acknowledgements of TCP either.
func (n *Network) CutOneWay(from, to string) Undo { return n.put(oneWay(from, to, "drop")) }

// Mute drops every packet that one address sends to others, Deaf every one that others send to it, and Alone both.
func (n *Network) Mute(one string) Undo { return n.put(muted(one)) }

// Deaf is the other direction of Mute.
func (n *Network) Deaf(one string) Undo { return n.put(deafened(one)) }

// Alone is both directions.
func (n *Network) Alone(one string) Undo { return n.put(muted(one), deafened(one)) }

// muted lets pass what relays send in its name: that was on its way already.
func muted(one string) string {
	return fmt.Sprintf("meta mark != %d ip saddr %s ip daddr != %[2]s drop", passMark, one)
}

func deafened(one string) string { return fmt.Sprintf("ip daddr %s ip saddr != %[1]s drop", one) }

// Drop loses each packet between two addresses with a chance of percent in a hundred, 0 to 100.
func (n *Network) Drop(a, b string, percent int) Undo { return n.put(lossy(a, b, percent)...) }

// Lossy does so on all links between any two of the addresses.
func (n *Network) Lossy(all []string, percent int) Undo {
	var texts []string
	eachPair(all, func(a, b string) { texts = append(texts, lossy(a, b, percent)...) })
	return n.put(texts...)
}

func lossy(a, b string, percent int) []string {
	switch {
	case percent <= 0:
		return nil
	case percent >= 100:
		return bothWays(a, b, "drop")
	}
	return bothWays(a, b, fmt.Sprintf("numgen random mod 100 < %d drop", percent))
}

// Reset answers every TCP packet between two addresses with a reset: connections break, and no new one is made, until it
// is undone. Resets themselves pass.
func (n *Network) Reset(a, b string) Undo {
	return n.put(bothWays(a, b, "tcp flags & rst != rst reject with tcp reset")...)
}

// Isolate cuts one address off from all others named.
func (n *Network) Isolate(one string, others []string) Undo {
	return n.keep(append([]string{one}, others...), func(a, b string) bool { return a != one && b != one })
}

// Star leaves only the links of the centre.
func (n *Network) Star(centre string, all []string) Undo {
	return n.keep(all, func(a, b string) bool { return a == centre || b == centre })
}

// Chain leaves only the links between neighbours in the list.
func (n *Network) Chain(all []string) Undo {
	return n.keep(all, func(a, b string) bool {
		distance := slices.Index(all, a) - slices.Index(all, b)
		return distance == 1 || distance == -1
	})
}

// Bridge splits the list in halves that only the one in the middle hears and is heard by.
func (n *Network) Bridge(all []string) Undo {
	middle := len(all) / 2
	return n.keep(all, func(a, b string) bool {
		i, j := slices.Index(all, a), slices.Index(all, b)
		return i == middle || j == middle || (i < middle) == (j < middle)
	})
}

// keep cuts the links for which wanted is false.
func (n *Network) keep(all []string, wanted func(a, b string) bool) Undo {
	var texts []string
	eachPair(all, func(a, b string) {
		if a != b && !wanted(a, b) {
			texts = append(texts, bothWays(a, b, "drop")...)
		}
	})
	return n.put(texts...)
}

func eachPair(all []string, each func(a, b string)) {
	for i, a := range all {
		for _, b := range all[i+1:] {
			each(a, b)
		}
	}
}

// Flap puts a fault on for one period and takes it off for another, again and again. Each change takes some milliseconds of
// its own.
func (n *Network) Flap(on, off time.Duration, fault func() Undo) Undo {
	stop, ended := make(chan struct{}), make(chan struct{})
	go func() {
		defer close(ended)
		for {
			undo := fault()
			going := rest(stop, on)
			undo()
			if !going || !rest(stop, off) {
				return
			}
		}
	}()
	end := sync.OnceFunc(func() { close(stop); <-ended })
	n.mu.Lock()
	n.stops = append(n.stops, end)
	n.mu.Unlock()
	return end
}

func rest(stop <-chan struct{}, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-stop:
		return false
	}
}

// Heal ends every fault. Connections that were delayed go on through their relays without delay.
func (n *Network) Heal() {
	n.mu.Lock()
	stops := n.stops
	n.stops = nil
	n.mu.Unlock()
	for _, stop := range stops {
		stop()
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	for _, r := range n.relays {
		r.delayNs.Store(0)
	}
	n.rules, n.turns = nil, nil
	n.apply()
}

// Close ends every fault and every relay.
func (n *Network) Close() {
	n.Heal()
	n.mu.Lock()
	relays := n.relays
	n.relays = nil
	n.mu.Unlock()
	for _, r := range relays {
		r.close()
	}
}
