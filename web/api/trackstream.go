package api

import (
	"encoding/binary"
	"fmt"
	"math"

	"onevoice/airspace"
	"onevoice/codec"
	"onevoice/geo"
)

// TrackStreamType is the media type of the binary stream of positions.
//
// The stream is a row of messages. Each is its length (uint32, big-endian, at most 4 MiB), then:
//
//	version  1 byte  TrackStreamVersion
//	kind     1 byte  a TrackMessageKind
//	count    varint  how many positions or identifiers follow
//
// A position is id and callsign (varint length and bytes), latitude and longitude (int32, 1e-7 degree), time (int64,
// nanoseconds UTC), flags (1 byte), and then as the flags say, in this order: 1 altitude (int32 cm, 1 byte reference: 1 STD,
// 2 AMSL, 3 WGS84), 2 track (uint16, 1/100 degree), 4 ground speed (uint32, 1/10 kt), 8 vertical rate (int32, ft/min).
// All integers are big-endian.
const TrackStreamType = "application/vnd.onevoice.tracks"

// TrackStreamVersion is the version of the stream's messages.
const TrackStreamVersion = 1

// TrackMessageKind says what a message of the stream brings.
type TrackMessageKind uint8

// The kinds of message. The numbers are part of the format; never reuse one.
const (
	// TracksChanged brings positions that are new or have changed; the first message brings all.
	TracksChanged TrackMessageKind = 1
	// TracksGone brings the identifiers of aircraft that were not heard for a minute.
	TracksGone TrackMessageKind = 2
	// TracksAlive brings nothing; it comes each second without another message.
	TracksAlive TrackMessageKind = 3
)

// TrackMessage is one message of the stream.
type TrackMessage struct {
	Kind      TrackMessageKind
	Positions []Track
	Gone      []string
}

const (
	hasAltitude = 1 << iota
	hasTrack
	hasSpeed
	hasRate
)

// AppendTrackMessage appends a message with its length.
func AppendTrackMessage(b []byte, m *TrackMessage) []byte {
	start := len(b)
	w := codec.Writer{B: append(b, 0, 0, 0, 0, TrackStreamVersion, byte(m.Kind))}
	w.Uvarint(uint64(len(m.Positions) + len(m.Gone)))
	for i := range m.Positions {
		appendTrackBytes(&w, &m.Positions[i])
	}
	for _, id := range m.Gone {
		w.String(id)
	}
	binary.BigEndian.PutUint32(w.B[start:], uint32(len(w.B)-start-4))
	return w.B
}

func appendTrackBytes(w *codec.Writer, t *Track) {
	w.String(t.ID)
	w.String(t.Callsign)
	w.I32(t.Position.LatE7)
	w.I32(t.Position.LonE7)
	w.I64(int64(t.Time))
	at := len(w.B)
	w.U8(0)
	if t.Altitude != nil {
		w.B[at] |= hasAltitude
		w.I32(t.Altitude.Cm)
		w.U8(uint8(t.Altitude.Ref))
	}
	if t.TrackDeg != nil {
		w.B[at] |= hasTrack
		w.B = binary.BigEndian.AppendUint16(w.B, uint16(math.Round(*t.TrackDeg*100)))
	}
	if t.GroundSpeedKt != nil {
		w.B[at] |= hasSpeed
		w.U32(uint32(math.Round(*t.GroundSpeedKt * 10)))
	}
	if t.VerticalRateFpm != nil {
		w.B[at] |= hasRate
		w.I32(int32(math.Round(*t.VerticalRateFpm)))
	}
}

// ReadTrackMessage takes a message without its length.
func ReadTrackMessage(b []byte) (TrackMessage, error) {
	r := codec.NewReader(b)
	if v := r.U8(); r.Err() == nil && v != TrackStreamVersion {
		return TrackMessage{}, fmt.Errorf("read positions: version %d, this build reads %d", v, TrackStreamVersion)
	}
	m := TrackMessage{Kind: TrackMessageKind(r.U8())}
	const shortestTrack, shortestID = 19, 1
	switch m.Kind {
	case TracksChanged:
		m.Positions = make([]Track, r.Count(MaxTracks, shortestTrack))
		for i := range m.Positions {
			m.Positions[i] = readTrackBytes(r)
		}
	case TracksGone:
		m.Gone = make([]string, r.Count(MaxTracks, shortestID))
		for i := range m.Gone {
			m.Gone[i] = r.String(airspace.MaxIDBytes)
		}
	case TracksAlive:
		r.Count(0, 1)
	default:
		r.Fail()
	}
	if err := r.Finish(); err != nil {
		return TrackMessage{}, fmt.Errorf("read positions: %w", err)
	}
	return m, nil
}

func readTrackBytes(r *codec.Reader) Track {
	t := Track{ID: r.String(airspace.MaxIDBytes), Callsign: r.String(airspace.MaxLabelBytes)}
	t.Position = Position{LatE7: r.I32(), LonE7: r.I32()}
	t.Time = Time(r.I64())
	flags := r.U8()
	if flags >= hasRate<<1 {
		r.Fail()
	}
	if flags&hasAltitude != 0 {
		t.Altitude = &Altitude{Cm: r.I32(), Ref: geo.Ref(r.U8())}
	}
	if flags&hasTrack != 0 {
		t.TrackDeg = new(float64(uint16(r.U8())<<8|uint16(r.U8())) / 100)
	}
	if flags&hasSpeed != 0 {
		t.GroundSpeedKt = new(float64(r.U32()) / 10)
	}
	if flags&hasRate != 0 {
		t.VerticalRateFpm = new(float64(r.I32()))
	}
	return t
}
