package core

import (
	"encoding/hex"
	"strconv"

	"onevoice/problem"
	"onevoice/wire"
)

// MaxVoices is how many indices a client remembers the hash of, the latest heard of.
const MaxVoices = 1024

// voice is what was said about one index, and by whom.
type voice struct {
	index, server uint64
	hash          [32]byte
}

// voices finds two answers as of one index whose hashes differ.
type voices struct {
	at   map[uint64]int // index -> place in ring
	ring []voice
	next int
}

func newVoices() voices { return voices{at: map[uint64]int{}} }

// check remembers what a reply says, or returns the contradiction with what was said before. The zero hash says nothing.
func (v *voices) check(group uint32, server uint64, p wire.Reply) *problem.Error {
	if p.Index == 0 || p.Hash == ([32]byte{}) {
		return nil
	}
	if i, ok := v.at[p.Index]; ok {
		if v.ring[i].hash == p.Hash {
			return nil
		}
		return contradiction(group, v.ring[i], voice{p.Index, server, p.Hash})
	}
	said := voice{p.Index, server, p.Hash}
	if len(v.ring) < MaxVoices {
		v.at[p.Index] = len(v.ring)
		v.ring = append(v.ring, said)
		return nil
	}
	delete(v.at, v.ring[v.next].index)
	v.at[p.Index], v.ring[v.next] = v.next, said
	v.next = (v.next + 1) % MaxVoices
	return nil
}

func contradiction(group uint32, a, b voice) *problem.Error {
	says := func(v voice) string {
		return "server " + strconv.FormatUint(v.server, 10) + " says " + hex.EncodeToString(v.hash[:])
	}
	return &problem.Error{
		Kind: problem.TwoVoices, Op: "compare answers",
		Subject: "group " + strconv.FormatUint(uint64(group), 10) + " index " + strconv.FormatUint(a.index, 10),
		Detail:  says(a) + ", " + says(b) + ": trust neither, keep both servers' disks and logs as evidence",
	}
}
