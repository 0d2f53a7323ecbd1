package predict

import "math"

// motion is how an aircraft moves at a moment.
type motion struct {
	at    place
	atNs  int64
	altM  float64
	speed float64 // metres a second over ground, above 0
	track float64 // degrees; NaN where it is not known
	climb float64 // metres a second
}

const (
	smoothNs = int64(60e9) // over which speed and climb are smoothed
	trackNs  = int64(25e9) // over which a track is taken from positions
	slowest  = 1.0         // metres a second, below which an aircraft is standing
)

// motionOf is how the aircraft of these fixes moves at the last of them; false where that cannot be said.
func motionOf(fixes []fix) (motion, bool) {
	last := &fixes[len(fixes)-1]
	m := motion{at: last.place, atNs: last.AtNs, altM: altitudeM(last), track: last.TrackDeg}
	speed, way, known := 0.0, 0.0, 0
	first, earliest := len(fixes)-1, len(fixes)-1
	for i := first; i >= 0 && last.AtNs-fixes[i].AtNs <= smoothNs; i-- {
		f := &fixes[i]
		if i+1 < len(fixes) {
			way += f.place.distance(fixes[i+1].place)
		}
		if last.AtNs-f.AtNs <= trackNs && math.IsNaN(last.TrackDeg) && i < len(fixes)-1 {
			m.track = f.place.to(last.place).bearing()
		}
		if !math.IsNaN(f.GroundSpeedKt) {
			speed += f.GroundSpeedKt * metresPerSecond
			known++
		}
		first = i
		if f.Alt.Ref == last.Alt.Ref {
			earliest = i
		}
	}
	seconds := float64(last.AtNs-fixes[first].AtNs) / 1e9
	switch {
	case known > 0:
		m.speed = speed / float64(known)
	case seconds > 0:
		m.speed = way / seconds
	}
	// Between altitudes of different references there is no climb.
	if since := float64(last.AtNs-fixes[earliest].AtNs) / 1e9; since > 0 {
		m.climb = (m.altM - altitudeM(&fixes[earliest])) / since
	} else if !math.IsNaN(last.VerticalRateFpm) {
		m.climb = last.VerticalRateFpm * 0.3048 / 60
	}
	return m, m.speed > slowest && !math.IsInf(m.speed, 0)
}

func altitudeM(f *fix) float64 { return float64(f.Alt.Cm) / 100 }
