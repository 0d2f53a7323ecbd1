// Package ring says which members of a crowd observe which: a pure function of who they are and of a seed that nobody chooses.
// It is quiet and replicated: every replica and every member computes the same from the same list.
//
// Members stand on K rings, in an order that the seed draws for each ring, and each observes who comes after it on each of them. So everybody has K
// observers and K subjects, counted by ring, whom the next seed draws anew. Up to FullMost members are too few for that: there
// everybody observes everybody.
package ring

import (
	"cmp"
	"crypto/sha256"
	"encoding/binary"
	"slices"
)

const (
	// K is the number of rings: with ten observers nine can agree although one is wrong itself.
	K = 10
	// FullMost is how many members at most observe one another without rings.
	FullMost = 12
)

// Seed draws the rings.
type Seed [32]byte

// Rings is the rings of one list of members. It is never changed.
type Rings struct {
	ids   []uint64
	salts [K]uint64
	rings [K][]place // each sorted by key; empty up to FullMost members
}

// place is a member's on one ring.
type place struct{ key, id uint64 }

// New puts members on rings. Their numbers are sorted, none comes twice, and they must not change.
func New(seed Seed, ids []uint64) *Rings {
	r := &Rings{ids: ids, salts: salts(seed)}
	if len(ids) <= FullMost {
		return r
	}
	for k, salt := range r.salts {
		ring := make([]place, len(ids))
		for i, id := range ids {
			ring[i] = place{mix(id ^ salt), id}
		}
		slices.SortFunc(ring, byKey)
		r.rings[k] = ring
	}
	return r
}

func byKey(a, b place) int { return cmp.Compare(a.key, b.key) }

// salts tells the rings apart.
func salts(seed Seed) [K]uint64 {
	var all [K]uint64
	for k := range all {
		sum := sha256.Sum256(append(seed[:], byte(k)))
		all[k] = binary.BigEndian.Uint64(sum[:])
	}
	return all
}

// mix is the end of splitmix64: one to one, so no two members have one key, and every bit of the result depends on every bit of x.
func mix(x uint64) uint64 {
	x = (x ^ x>>30) * 0xbf58476d1ce4e5b9
	x = (x ^ x>>27) * 0x94d049bb133111eb
	return x ^ x>>31
}

// Observers lists who observes a member, sorted: none where it is not on the rings.
func (r *Rings) Observers(id uint64) []uint64 { return r.beside(id, -1) }

// Subjects lists whom a member observes, sorted: none where it is not on the rings.
func (r *Rings) Subjects(id uint64) []uint64 { return r.beside(id, 1) }

// beside lists who stands next to a member in one direction, each once.
func (r *Rings) beside(id uint64, step int) []uint64 {
	if _, known := slices.BinarySearch(r.ids, id); !known {
		return nil
	}
	if len(r.ids) <= FullMost {
		return slices.DeleteFunc(slices.Clone(r.ids), func(o uint64) bool { return o == id })
	}
	all := make([]uint64, 0, K)
	for k, ring := range r.rings {
		i, _ := slices.BinarySearchFunc(ring, place{key: mix(id ^ r.salts[k])}, byKey)
		all = append(all, ring[(i+step+len(ring))%len(ring)].id)
	}
	slices.Sort(all)
	return slices.Compact(all)
}

// Subjects is what New(seed, ids).Subjects(self) gives, for one member alone, without putting the others in order.
func Subjects(seed Seed, ids []uint64, self uint64) []uint64 {
	if _, known := slices.BinarySearch(ids, self); !known || len(ids) <= FullMost {
		return New(seed, ids).Subjects(self)
	}
	all := make([]uint64, 0, K)
	for _, salt := range salts(seed) {
		own := mix(self ^ salt)
		next, least := self, uint64(0)
		for _, id := range ids {
			// The way around from us to it, which is shortest to who comes next.
			if way := mix(id^salt) - own; id != self && (next == self || way < least) {
				next, least = id, way
			}
		}
		all = append(all, next)
	}
	slices.Sort(all)
	return slices.Compact(all)
}
