package detect

import (
	"slices"
	"time"
)

// round is how long a beat and the answer to it are on their way. Mean and mean deviation are smoothed as in RFC 6298; with a hundred
// samples a second the gains are smaller than there (RFC 7323, appendix G), or one slow answer would move the bound for all. The first
// samples count alike, so that a start is over soon.
type round struct {
	samples     int64
	meanNs      int64
	deviationNs int64
}

const (
	// MostRoundNs bounds what counts as a round trip. Half the earth and back are 200 ms; what takes longer has waited somewhere.
	MostRoundNs = int64(250 * time.Millisecond)
	// roundSamples is over how many samples is smoothed: a little more than a second.
	roundSamples = 128
	// Between two servers of a hall, by this rule too, the bound is LeastBoundNs: gatherNs, half a round trip, and four deviations
	// or at least jitterNs.
	gatherNs        = int64(20 * time.Millisecond)
	jitterNs        = int64(40 * time.Millisecond)
	roundDeviations = 4
)

func (r *round) add(sampleNs int64) {
	sampleNs = min(max(sampleNs, 0), MostRoundNs)
	r.samples = min(r.samples+1, roundSamples)
	off := sampleNs - r.meanNs
	r.meanNs += off / r.samples
	r.deviationNs += (max(off, -off) - r.deviationNs) / r.samples
}

// boundNs is how long silence may last on such a way. Parts of a millisecond do not count: they would change it all the time.
func (r *round) boundNs() int64 {
	return (gatherNs + r.meanNs/2 + max(roundDeviations*r.deviationNs, jitterNs)) / int64(time.Millisecond) * int64(time.Millisecond)
}

func roundOf(p *peer) int64 { return p.round.meanNs }

// RoundNs is the round trip to a server, 0 where it is not known.
func (d *Detector) RoundNs(server uint64) int64 {
	if p := d.peer(server); p != nil {
		return p.round.meanNs
	}
	return 0
}

// MajorityRoundNs is the round trip within which this server and the nearest other voters are a majority of all voters, one of them not
// counted: who is about to fail. Where too few are known it is that to the furthest of those that are.
func (d *Detector) MajorityRoundNs(voters []uint64, without uint64) int64 {
	var rounds []int64
	for _, v := range voters {
		if p := d.peer(v); p != nil && v != without && p.round.samples > 0 {
			rounds = append(rounds, p.round.meanNs)
		}
	}
	if len(rounds) == 0 {
		return d.RoundNs(without)
	}
	return nth(rounds, len(voters)/2-1)
}

// ofMajority is the value of the furthest of as many others as are a majority.
func (d *Detector) ofMajority(value func(*peer) int64) int64 {
	var values []int64
	for i := range d.peers {
		values = append(values, value(&d.peers[i]))
	}
	if len(values) == 0 {
		return value(&peer{})
	}
	return nth(values, (len(values)+1)/2)
}

// nth is the value at a place in order, or the last.
func nth(values []int64, place int) int64 {
	slices.Sort(values)
	return values[min(max(place, 0), len(values)-1)]
}
