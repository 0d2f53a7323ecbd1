package peer

import (
	"math/bits"

	"onevoice/crowd"
)

const (
	// badLost and goodLost are how many of the last 64 probes are lost where something is held against a subject, and where no more.
	badLost, goodLost = 10, 4
	// silentRun is how many lost in a row are silence.
	silentRun = 10
)

// link is what is known of one subject.
type link struct {
	id      uint64
	address string
	lost    uint64 // the last 64 probes, the newest lowest: 1 is lost
	run     int    // how many of the newest were lost in a row
	seq     uint64 // of the probe that is out, 0 for none
	answer  bool   // it was answered
	opinion crowd.Evidence
	told    crowd.Evidence // what the servers were told last
	toldNs  int64
}

// judge closes the probe that is out.
func (l *link) judge() {
	if l.seq == 0 {
		return
	}
	l.lost <<= 1
	if l.run++; l.answer {
		l.run = 0
	} else {
		l.lost |= 1
	}
	l.seq = 0
	switch n := bits.OnesCount64(l.lost); {
	case l.run >= silentRun:
		l.opinion = crowd.Silent
	case n >= badLost:
		l.opinion = crowd.Lossy
	case n <= goodLost:
		l.opinion = crowd.Nothing
	case l.opinion == crowd.Silent:
		l.opinion = crowd.Lossy
	}
}
