package sim

import (
	"crypto/sha256"
	"encoding/binary"
	"math/rand/v2"
)

// Stream is the random stream of one purpose: the same seed and name always give the same numbers.
func Stream(seed uint64, name string) *rand.Rand { return rand.New(source(seed, name)) }

func source(seed uint64, name string) *rand.ChaCha8 {
	buf := binary.BigEndian.AppendUint64(make([]byte, 0, 64), seed)
	return rand.NewChaCha8(sha256.Sum256(append(buf, name...)))
}

// million is the denominator of chances given in ppm.
const million = 1_000_000

// chance is true ppm times in a million.
func chance(r *rand.Rand, ppm int) bool { return ppm > 0 && r.IntN(million) < ppm }

// between draws a duration from lo up to and including hi.
func between(r *rand.Rand, lo, hi int64) int64 {
	if hi <= lo {
		return lo
	}
	return lo + r.Int64N(hi-lo+1)
}

// spread draws an exponentially distributed duration of the given mean, at most ten times the mean.
func spread(r *rand.Rand, mean int64) int64 {
	if mean <= 0 {
		return 0
	}
	return int64(min(r.ExpFloat64(), 10) * float64(mean))
}
