package demo

import (
	"encoding/binary"
	"fmt"
	"math"
	"math/rand/v2"

	"onevoice/airspace"
	"onevoice/cover"
	"onevoice/geo"
)

// SlotNs is the time between two departures: 200 an hour.
const SlotNs int64 = 18e9

// LongestNs bounds how long any flight of the region is under way.
const LongestNs int64 = 3 * 3600e9

// aerodrome is a real place; coordinates are those of its reference point, to four decimals.
type aerodrome struct {
	icao string
	pos  geo.LatLon
}

func aerodromes() map[string]aerodrome {
	places := map[string]aerodrome{}
	for _, a := range []aerodrome{
		{"LSZH", at(47.4647, 8.5492)}, {"LSGG", at(46.2381, 6.1089)}, {"LIMC", at(45.6306, 8.7281)},
		{"EDDM", at(48.3538, 11.7861)}, {"EDDF", at(50.0333, 8.5706)}, {"LFPG", at(49.0097, 2.5478)},
		{"EGLL", at(51.4706, -0.4619)}, {"EHAM", at(52.3086, 4.7639)}, {"EBBR", at(50.9014, 4.4844)},
		{"LOWW", at(48.1103, 16.5697)}, {"LIRF", at(41.8003, 12.2389)}, {"LEBL", at(41.2971, 2.0785)},
		{"LFMN", at(43.6584, 7.2159)}, {"LFLL", at(45.7256, 5.0811)}, {"EDDS", at(48.6899, 9.2220)},
		{"LIPZ", at(45.5053, 12.3519)}, {"LEMD", at(40.4719, -3.5626)}, {"EDDL", at(51.2895, 6.7668)},
		{"LIME", at(45.6739, 9.7042)}, {"LFSB", at(47.5896, 7.5299)},
	} {
		places[a.icao] = a
	}
	return places
}

// pairs are routes whose great circle crosses the region.
func pairs() [][2]string {
	return [][2]string{
		{"EGLL", "LIRF"}, {"EGLL", "LIMC"}, {"LFPG", "LIRF"}, {"LFPG", "LIPZ"}, {"EHAM", "LIMC"}, {"EHAM", "LFMN"},
		{"EBBR", "LIRF"}, {"EDDF", "LIMC"}, {"EDDF", "LEBL"}, {"EDDF", "LFMN"}, {"EDDM", "LEBL"}, {"EDDM", "LEMD"},
		{"EDDM", "LSGG"}, {"EDDM", "LFLL"}, {"LOWW", "LSGG"}, {"LOWW", "LFPG"}, {"LOWW", "LEMD"}, {"LSZH", "LSGG"},
		{"LSZH", "LIRF"}, {"LSZH", "LEBL"}, {"LSZH", "LIPZ"}, {"EDDL", "LIME"}, {"EDDL", "LIRF"}, {"EDDS", "LIMC"},
		{"EDDS", "LEBL"}, {"LFSB", "LIRF"}, {"LSGG", "LIPZ"}, {"LFLL", "EDDM"}, {"LIMC", "LFPG"}, {"EHAM", "LIRF"},
	}
}

func carriers() []string { return []string{"OVA", "ALP", "RHO", "TIC", "JUR", "ENG"} }

// Slot is the number of the departure slot that holds the moment atNs (UTC, nanoseconds since 1970).
func Slot(atNs int64) int64 { return atNs / SlotNs }

// Flight is the one that departs in a slot: the same for every caller with the same seed. It comes without Cells.
func Flight(seed uint64, slot int64) airspace.Flight {
	var key [32]byte
	binary.BigEndian.PutUint64(key[:], seed)
	binary.BigEndian.PutUint64(key[8:], uint64(slot))
	rng := rand.New(rand.NewChaCha8(key))
	routes, places, names := pairs(), aerodromes(), carriers()
	route := routes[rng.IntN(len(routes))]
	if rng.IntN(2) == 1 {
		route[0], route[1] = route[1], route[0]
	}
	callsign := fmt.Sprintf("%s%d", names[rng.IntN(len(names))], 100+rng.IntN(9900))
	departNs := slot*SlotNs + rng.Int64N(SlotNs/1e9)*1e9
	return airspace.Flight{
		ID: fmt.Sprintf("%s-%d", callsign, slot), Callsign: callsign, From: route[0], To: route[1],
		Path:        cover.GreatCircle(profile(places[route[0]].pos, places[route[1]].pos, departNs, rng)),
		Uncertainty: geo.Uncertainty{LateralCm: 100_000, VerticalCm: 6_000, TimeNs: 30e9},
	}
}

const earthRadiusM = 6_371_008.8

// profile is the flight's four corners: lift-off, top of climb, top of descent, touch-down.
func profile(from, to geo.LatLon, departNs int64, rng *rand.Rand) []geo.Point4D {
	const climbMps, cruiseMps, rateFtPerMin = 165.0, 230.0, 2000.0
	distanceM := distance(from, to)
	// A short hop cruises low: climb and descent together take at most two thirds of the way.
	highest := int(distanceM / 3 / climbMps * rateFtPerMin / 60 / 100)
	level := min(290+20*rng.IntN(6)+10*rng.IntN(2), highest/10*10)
	climbS := float64(level) * 100 / rateFtPerMin * 60
	climbPart := climbS * climbMps / distanceM
	cruiseS := distanceM * (1 - 2*climbPart) / cruiseMps
	point := func(part float64, fl int, afterS float64) geo.Point4D {
		return geo.Point4D{Pos: between(from, to, part), Alt: geo.FlightLevel(fl), AtNs: departNs + int64(afterS*1e9)}
	}
	return []geo.Point4D{
		point(0, 0, 0), point(climbPart, level, climbS),
		point(1-climbPart, level, climbS+cruiseS), point(1, 0, 2*climbS+cruiseS),
	}
}

func vector(p geo.LatLon) [3]float64 {
	lat, lon := float64(p.LatE7)*1e-7*math.Pi/180, float64(p.LonE7)*1e-7*math.Pi/180
	return [3]float64{math.Cos(lat) * math.Cos(lon), math.Cos(lat) * math.Sin(lon), math.Sin(lat)}
}

func angle(a, b [3]float64) float64 {
	return math.Acos(max(-1, min(1, a[0]*b[0]+a[1]*b[1]+a[2]*b[2])))
}

func distance(from, to geo.LatLon) float64 { return earthRadiusM * angle(vector(from), vector(to)) }

// between is the point at a part (0 to 1) of the great circle.
func between(from, to geo.LatLon, part float64) geo.LatLon {
	a, b := vector(from), vector(to)
	w := angle(a, b)
	p, q := math.Sin((1-part)*w)/math.Sin(w), math.Sin(part*w)/math.Sin(w)
	x, y, z := p*a[0]+q*b[0], p*a[1]+q*b[1], p*a[2]+q*b[2]
	return at(math.Atan2(z, math.Hypot(x, y))*180/math.Pi, math.Atan2(y, x)*180/math.Pi)
}

// Position is where a flight is at a moment, straight between the points of its path; false before and after it.
func Position(f airspace.Flight, atNs int64) (p geo.Point4D, trackDeg, groundSpeedKt float64, ok bool) {
	for i := 1; i < len(f.Path); i++ {
		a, b := f.Path[i-1], f.Path[i]
		if atNs < a.AtNs || atNs >= b.AtNs {
			continue
		}
		part := float64(atNs-a.AtNs) / float64(b.AtNs-a.AtNs)
		mid := func(x, y int32) int32 { return x + int32(part*float64(y-x)) }
		p = geo.Point4D{
			Pos: geo.LatLon{LatE7: mid(a.Pos.LatE7, b.Pos.LatE7), LonE7: mid(a.Pos.LonE7, b.Pos.LonE7)},
			Alt: geo.Altitude{Cm: mid(a.Alt.Cm, b.Alt.Cm), Ref: a.Alt.Ref}, AtNs: atNs,
		}
		east := float64(b.Pos.LonE7-a.Pos.LonE7) * math.Cos(float64(p.Pos.LatE7)*1e-7*math.Pi/180)
		trackDeg = math.Mod(math.Atan2(east, float64(b.Pos.LatE7-a.Pos.LatE7))*180/math.Pi+360, 360)
		groundSpeedKt = distance(a.Pos, b.Pos) / (float64(b.AtNs-a.AtNs) / 1e9) / 0.514444
		return p, trackDeg, groundSpeedKt, true
	}
	return geo.Point4D{}, 0, 0, false
}
