package predict

import (
	"math"

	"onevoice/feed"
	"onevoice/geo"
)

// constant is what there is to beat: each aircraft goes on for ever with the speed, the track and the climb of its last row, smoothed
// over a minute where it is noisy; one of which there was no row flies its plan, straight and evenly from its first point to its last.
type constant struct {
	rows map[string][]feed.Sample // of the last minute, by flight
}

const climbNs = int64(60e9)

func (c *constant) take(key string, s feed.Sample) {
	list := append(c.rows[key], s)
	for len(list) > 1 && s.AtNs-list[0].AtNs > climbNs {
		list = list[1:]
	}
	c.rows[key] = list
}

func keyOf(icao24, callsign string) string { return icao24 + "/" + callsign }

// path is where a flight comes within some time; nil where a row says nothing of speed and track.
func (c *constant) path(f *flight, forNs int64) []geo.Point4D {
	list := c.rows[keyOf(f.icao24, f.filed.Callsign)]
	for len(list) > 0 && list[0].AtNs < f.beginNs {
		list = list[1:]
	}
	if len(list) == 0 {
		return f.filed.Path
	}
	last := list[len(list)-1]
	speed, climb := 0.0, 0.0
	for _, s := range list {
		speed += s.GroundSpeedKt * 1852 / 3600 / float64(len(list))
	}
	if span := last.AtNs - list[0].AtNs; span > 0 {
		climb = float64(last.Alt.Cm-list[0].Alt.Cm) / float64(span)
	}
	if math.IsNaN(speed+last.TrackDeg) || speed <= 1 {
		return nil
	}
	sin, cos := math.Sincos(last.TrackDeg * math.Pi / 180)
	way := speed * float64(forNs) / 1e9 / 111_194.93 // degrees of a great circle
	lat := float64(last.Pos.LatE7)*1e-7 + way*cos
	east := way * sin / math.Cos((float64(last.Pos.LatE7)*1e-7+lat)/2*math.Pi/180)
	to := geo.Point4D{AtNs: last.AtNs + forNs, Alt: last.Alt}
	to.Pos = geo.LatLon{LatE7: int32(lat * 1e7), LonE7: last.Pos.LonE7 + int32(east*1e7)}
	to.Alt.Cm = int32(max(geo.MinAltitudeCm, min(geo.MaxAltitudeCm, float64(last.Alt.Cm)+climb*float64(forNs))))
	return []geo.Point4D{{Pos: last.Pos, Alt: last.Alt, AtNs: last.AtNs}, to}
}
