package airspace

import (
	"fmt"

	"onevoice/codec"
	"onevoice/problem"
)

// Capacity is how much traffic of a sector is worth a warning, and how much an alert; 0 is none. A count that reaches a threshold has
// its level.
type Capacity struct {
	// OccupancyWarn and OccupancyAlert count flights that may be in the sector at once.
	OccupancyWarn, OccupancyAlert int
	// EntriesWarn and EntriesAlert count flights that may enter it within an hour.
	EntriesWarn, EntriesAlert int
}

// capacity checks thresholds: in range, and no alert before its warning.
func (c *checker) capacity(t Capacity) {
	for _, pair := range []struct {
		field       string
		warn, alert int
	}{{"occupancy", t.OccupancyWarn, t.OccupancyAlert}, {"entries", t.EntriesWarn, t.EntriesAlert}} {
		c.number("capacity."+pair.field+"Warn", int64(pair.warn), 0, MaxThreshold)
		c.number("capacity."+pair.field+"Alert", int64(pair.alert), 0, MaxThreshold)
		if pair.alert != 0 && pair.warn > pair.alert {
			c.fail(problem.Invalid, "capacity."+pair.field+"Warn", fmt.Sprint(pair.warn), fmt.Sprintf("up to the alert's %d", pair.alert))
		}
	}
}

func appendCapacity(w *codec.Writer, t Capacity) {
	for _, n := range [...]int{t.OccupancyWarn, t.OccupancyAlert, t.EntriesWarn, t.EntriesAlert} {
		w.Uvarint(uint64(n))
	}
}

func readCapacity(r *codec.Reader) Capacity {
	var n [4]int
	for i := range n {
		u := r.Uvarint()
		if u > MaxThreshold {
			r.Fail()
		}
		n[i] = int(u)
	}
	return Capacity{n[0], n[1], n[2], n[3]}
}
