package api

import (
	"strconv"

	"onevoice/airspace"
	"onevoice/problem"
)

// Track is the latest known position of one aircraft. It is an observation, never agreed: each server knows those that it
// was fed, and only for a minute.
type Track struct {
	ID       string    `json:"id"` // of the aircraft, such as its 24-bit address in hexadecimal
	Callsign string    `json:"callsign,omitempty"`
	Position Position  `json:"position"`
	Altitude *Altitude `json:"altitude,omitempty"` // absent on the ground, or if unknown
	Time     Time      `json:"time"`               // of the observation
	// TrackDeg is the direction over ground, degrees from true north.
	TrackDeg        *float64 `json:"track_deg,omitempty"`
	GroundSpeedKt   *float64 `json:"ground_speed_kt,omitempty"`
	VerticalRateFpm *float64 `json:"vertical_rate_fpm,omitempty"`
}

// Tracks is the body of POST /tracks, and of GET /tracks.
type Tracks struct {
	Positions []Track `json:"positions"`
}

// TracksTaken answers POST /tracks: how many positions were taken, how many were older than the one held, and how many
// were refused because the table is full.
type TracksTaken struct {
	Taken   int `json:"taken"`
	Older   int `json:"older"`
	Refused int `json:"refused"`
	Held    int `json:"held"`
}

// MaxTracks bounds the positions of one request and of a server's table: more aircraft than fly over Europe at once.
const MaxTracks = 20_000

const (
	trackPlaces = 2
	speedPlaces = 1
	maxTrack    = 360_00
	maxSpeed    = 10_000_0
	maxRate     = 100_000
)

// ReadTracks takes the body of POST /tracks. The error is a *problem.Error.
func ReadTracks(body []byte) ([]Track, error) {
	r := newReader("post positions", body)
	var tracks []Track
	there := false
	r.object(func(key []byte) bool {
		if string(key) != "positions" {
			return false
		}
		there = true
		r.array(MaxTracks, func(int) { tracks = append(tracks, r.track()) })
		return true
	})
	r.need("positions", there)
	return tracks, r.finish()
}

func (r *reader) track() Track {
	var t Track
	var position, at bool
	r.object(func(key []byte) bool {
		switch string(key) {
		case "id":
			if t.ID = r.str(airspace.MaxIDBytes); !airspace.ValidID(t.ID) {
				r.refuse(strconv.Quote(t.ID), AllowedID, "")
			}
		case "callsign":
			t.Callsign = r.label()
		case "position":
			t.Position, position = r.position(), true
		case "altitude":
			t.Altitude = new(r.altitude(false))
		case "time":
			t.Time, at = r.time(), true
		case "track_deg":
			t.TrackDeg = r.float(trackPlaces, 0, maxTrack, "from 0 to 360 degrees")
		case "ground_speed_kt":
			t.GroundSpeedKt = r.float(speedPlaces, 0, maxSpeed, "from 0 to 10000 kt")
		case "vertical_rate_fpm":
			t.VerticalRateFpm = r.float(0, -maxRate, maxRate, "from -100000 to 100000 ft/min")
		default:
			return false
		}
		return true
	})
	r.need("id", t.ID != "")
	r.need("position", position)
	r.need("time", at)
	return t
}

// AllowedID says what identifiers are made of.
const AllowedID = "1 to 64 characters of A-Z a-z 0-9 . _ : -"

func (r *reader) float(places int, low, high int64, allowed string) *float64 {
	v := float64(r.number(places, low, high, allowed))
	for range places {
		v /= 10
	}
	return &v
}

// AppendTrack appends a position as the JSON of Track.
func AppendTrack(b []byte, t *Track) []byte {
	b = appendString(append(b, `{"id":`...), t.ID)
	if t.Callsign != "" {
		b = appendString(append(b, `,"callsign":`...), t.Callsign)
	}
	b = t.Position.appendJSON(append(b, `,"position":`...))
	if t.Altitude != nil {
		b = t.Altitude.appendJSON(append(b, `,"altitude":`...))
	}
	b = t.Time.appendJSON(append(b, `,"time":`...))
	b = appendFloat(b, `,"track_deg":`, t.TrackDeg)
	b = appendFloat(b, `,"ground_speed_kt":`, t.GroundSpeedKt)
	return append(appendFloat(b, `,"vertical_rate_fpm":`, t.VerticalRateFpm), '}')
}

func appendFloat(b []byte, key string, v *float64) []byte {
	if v == nil {
		return b
	}
	return strconv.AppendFloat(append(b, key...), *v, 'f', -1, 64)
}

// ReadID checks an identifier of a path or query. The error is a *problem.Error.
func ReadID(op, field, id string) error {
	if airspace.ValidID(id) {
		return nil
	}
	return invalid(op, field, problem.Clip(strconv.Quote(id)), AllowedID)
}
