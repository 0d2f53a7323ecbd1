package bench

import (
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"onevoice/airspace"
	"onevoice/geo"
)

// Volumes makes the entities and questions of the query bench, the same ones for the same seed: volumes of 0.3 to 2 km, of five to nine
// corners, 30 to 120 m high, for 10 to 60 minutes of a day, over a region of 500 by 300 km.
type Volumes struct {
	rand  *rand.Rand
	begin int64
}

// The region, a day, and the ends of what is drawn.
const (
	regionWestE7, regionSouthE7 = 50_000_000, 460_000_000
	regionEastM, regionNorthM   = 500_000, 300_000
	dayNs                       = int64(24 * time.Hour)
	leastM, mostM               = 300, 2000
	lowestCm, highestCm         = 0, 10_000
	thinnestCm, thickestCm      = 3_000, 12_000
	shortestNs, longestNs       = int64(10 * time.Minute), int64(60 * time.Minute)
	// questionNs and questionCm are the time and height of a question: half an hour, up to 120 m.
	questionNs = int64(30 * time.Minute)
	questionCm = 12_000
	// latE7PerM and lonE7PerM turn metres into 1e-7 degree in the middle of the region.
	latE7PerM = 1e7 / 111_195
	lonE7PerM = 1e7 / 75_300
)

// NewVolumes begins a day at an instant.
func NewVolumes(seed uint64, begin time.Time) *Volumes {
	return &Volumes{rand: rand.New(rand.NewPCG(seed, 4)), begin: begin.UnixNano()}
}

func (v *Volumes) between(low, high int64) int64 { return low + v.rand.Int64N(high-low+1) }

// time is between two, in whole microseconds, which all systems can hold.
func (v *Volumes) time(low, high int64) int64 { return 1000 * v.between(low/1000, high/1000) }

// Flight is the n-th entity.
func (v *Volumes) Flight(n int) airspace.Flight {
	radius := float64(v.between(leastM, mostM)) / 2
	east, north := v.between(0, regionEastM), v.between(0, regionNorthM)
	floor := int32(v.between(lowestCm, highestCm))
	from := v.begin + v.time(0, dayNs-longestNs)
	band := geo.Band{Floor: geo.Altitude{Cm: floor, Ref: geo.RefAMSL}, Ceiling: geo.Altitude{Cm: floor + int32(v.between(thinnestCm, thickestCm)), Ref: geo.RefAMSL}}
	return airspace.Flight{
		ID: fmt.Sprintf("V%07d", n), Callsign: fmt.Sprintf("DRONE%07d", n),
		Volumes: []airspace.Volume4D{{Area: geo.Polygon{Rings: []geo.Ring{v.ring(float64(east), float64(north), radius)}, Band: band}, FromNs: from, ToNs: from + v.time(shortestNs, longestNs)}},
	}
}

// ring is a regular polygon of five to nine corners, turned by chance.
func (v *Volumes) ring(east, north, radius float64) geo.Ring {
	corners := int(v.between(5, 9))
	turned := v.rand.Float64()
	var r geo.Ring
	for i := range corners {
		a := 2 * math.Pi * (float64(i) + turned) / float64(corners)
		r = append(r, place(east+radius*math.Cos(a), north+radius*math.Sin(a)))
	}
	return r
}

func place(east, north float64) geo.LatLon {
	return geo.LatLon{LatE7: regionSouthE7 + int32(north*latE7PerM), LonE7: regionWestE7 + int32(east*lonE7PerM)}
}

// Question is a box of some kilometres in the region, at 0 to 120 m, for half an hour.
func (v *Volumes) Question(km int) airspace.VolumeQuery {
	side := int64(km) * 1000
	east, north := float64(v.between(0, regionEastM-side)), float64(v.between(0, regionNorthM-side))
	s := float64(side)
	from := v.begin + v.time(0, dayNs-questionNs)
	return airspace.VolumeQuery{
		Volume: geo.Polygon{
			Rings: []geo.Ring{{place(east, north), place(east+s, north), place(east+s, north+s), place(east, north+s)}},
			Band:  geo.Band{Floor: geo.Altitude{Cm: 0, Ref: geo.RefAMSL}, Ceiling: geo.Altitude{Cm: questionCm, Ref: geo.RefAMSL}},
		},
		FromNs: from, ToNs: from + questionNs, Limit: airspace.MaxPage,
	}
}
