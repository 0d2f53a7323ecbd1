package real

import (
	"fmt"
	"math/rand/v2"
	"strconv"
	"sync"
	"time"

	"onevoice/airspace"
	"onevoice/geo"
)

const (
	// sectorID is the one sector; every flight of the load is in it for some minutes.
	sectorID = "LAB"
	// slots is how many flights are worked on at once, keyUses after how many uses a flight gives way to another one, so
	// that no history grows too long to judge.
	slots   = 6
	keyUses = 60
	// stepNs is between the begins of the flights of two generations, stayNs how long each lasts: those of one generation
	// are in the sector together, and alone.
	stepNs = int64(10 * time.Minute)
	stayNs = int64(5 * time.Minute)
)

// key is one flight: a register whose value is its callsign, a number that no other change has.
type key struct{ slot, gen int }

func (k key) String() string { return fmt.Sprintf("F%d.%d", k.slot, k.gen) }

// keys draws flights for all clients.
type keys struct {
	mu      sync.Mutex
	uses    [slots]int
	gens    [slots]int
	lastID  uint64
	known   map[key]known
	beginNs int64 // of generation 0
}

// known is a version with its value, from some answer.
type known struct {
	version airspace.Version
	value   int64
}

func newKeys(beginNs int64) *keys { return &keys{known: map[key]known{}, beginNs: beginNs} }

// pick draws a flight and counts the use.
func (k *keys) pick(r *rand.Rand) key {
	k.mu.Lock()
	defer k.mu.Unlock()
	slot := r.IntN(slots)
	if k.uses[slot]++; k.uses[slot] > keyUses {
		k.uses[slot] = 1
		k.gens[slot]++
	}
	return key{slot, k.gens[slot]}
}

func (k *keys) nextID() uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.lastID++
	return k.lastID
}

func (k *keys) learn(at key, v airspace.Version, value int64) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if old, ok := k.known[at]; !ok || old.version.Compare(v) < 0 {
		k.known[at] = known{v, value}
	}
}

func (k *keys) recall(at key) (known, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	v, ok := k.known[at]
	return v, ok
}

// all lists every flight that was drawn.
func (k *keys) all() []key {
	k.mu.Lock()
	defer k.mu.Unlock()
	var all []key
	for slot, last := range k.gens {
		for gen := range last + 1 {
			all = append(all, key{slot, gen})
		}
	}
	return all
}

// span is when the flights of a generation are in the sector.
func (k *keys) span(gen int) (fromNs, toNs int64) {
	from := k.beginNs + int64(gen)*stepNs
	return from, from + stayNs
}

func sector() airspace.Sector {
	at := func(lat, lon int32) geo.LatLon { return geo.LatLon{LatE7: lat * 10_000_000, LonE7: lon * 10_000_000} }
	ring := geo.Ring{at(47, 8), at(47, 9), at(48, 9), at(48, 8)}
	band := geo.Band{Floor: geo.Altitude{Ref: geo.RefSTD}, Ceiling: geo.FlightLevel(400)}
	return airspace.Sector{ID: sectorID, Name: "laboratory", Volumes: []geo.Polygon{{Rings: []geo.Ring{ring}, Band: band}}}
}

// flight is a flight with a value: inside the sector from its first point to its last.
func (k *keys) flight(at key, value uint64) airspace.Flight {
	from, to := k.span(at.gen)
	point := func(lat, lon int32, atNs int64) geo.Point4D {
		return geo.Point4D{Pos: geo.LatLon{LatE7: lat * 1_000_000, LonE7: lon * 1_000_000}, Alt: geo.FlightLevel(300), AtNs: atNs}
	}
	return airspace.Flight{ID: at.String(), Callsign: strconv.FormatUint(value, 10), From: "LSZH", To: "LSGG",
		Path: []geo.Point4D{point(472, 82, from), point(478, 88, to)}}
}
