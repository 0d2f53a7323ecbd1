package export

import (
	"encoding/json"
	"fmt"
	"time"

	"onevoice/airspace"
	"onevoice/web/api"
)

// Micros is an instant in microseconds UTC since 1970: the finest that all engines read. In JSON it is RFC 3339 with six decimals.
type Micros int64

const microsLayout = "2006-01-02T15:04:05.000000Z"

func microsOf(ns int64) Micros {
	if ns < 0 {
		return Micros((ns - 999) / 1000)
	}
	return Micros(ns / 1000)
}

// MarshalText gives RFC 3339.
func (m Micros) MarshalText() ([]byte, error) {
	return time.UnixMicro(int64(m)).UTC().AppendFormat(nil, microsLayout), nil
}

// UnmarshalText reads what MarshalText gives.
func (m *Micros) UnmarshalText(b []byte) error {
	t, err := time.Parse(microsLayout, string(b))
	*m = Micros(t.UnixMicro())
	return err
}

// Text is JSON, which is a text in Parquet and stands as it is in JSON Lines.
type Text string

// MarshalJSON is the text itself.
func (t Text) MarshalJSON() ([]byte, error) { return []byte(t), nil }

// UnmarshalJSON takes any JSON.
func (t *Text) UnmarshalJSON(b []byte) error {
	*t = Text(b)
	return nil
}

// EntryRow is an entry of the log. Each index has one.
type EntryRow struct {
	Index   int64  `parquet:"index" json:"index"`
	LogTime Micros `parquet:"log_time,timestamp(microsecond:utc)" json:"log_time"`
	// LogTimeNs is log time to the nanosecond, as the chain hash has it.
	LogTimeNs int64 `parquet:"log_time_ns" json:"log_time_ns"`
	View      int64 `parquet:"view" json:"view"`
	Term      int64 `parquet:"term" json:"term"`
	// Events is how many events the entry has.
	Events int32 `parquet:"events" json:"events"`
	// Digest and Hash are hexadecimal: the sum of what was agreed and what came of it, and the chain hash after the entry.
	Digest string `parquet:"digest" json:"digest"`
	Hash   string `parquet:"hash" json:"hash"`
}

// EventRow is one event. Sub counts the events of an entry from 0.
type EventRow struct {
	Index       int64  `parquet:"index" json:"index"`
	Sub         int32  `parquet:"sub" json:"sub"`
	LogTime     Micros `parquet:"log_time,timestamp(microsecond:utc)" json:"log_time"`
	ServiceTime Micros `parquet:"service_time,timestamp(microsecond:utc)" json:"service_time"`
	// Kind is the event's word, as "flight-put"; ID is that of the sector or flight, empty for the settings.
	Kind string `parquet:"kind,dict" json:"kind"`
	ID   string `parquet:"id,dict" json:"id"`
	// VersionIndex and VersionSub are the place of the command that the thing's version names.
	VersionIndex int64  `parquet:"version_index" json:"version_index"`
	VersionSub   int32  `parquet:"version_sub" json:"version_sub"`
	Callsign     string `parquet:"callsign,dict" json:"callsign"`
	// Windows are all sector windows of the flight, for the kinds that change them.
	Windows []WindowRow `parquet:"windows,list" json:"windows"`
	// Event is the event as /api/v1/events gives it: with all that its kind has beside these columns.
	Event Text `parquet:"event" json:"event"`
	// Raw is the event as the machine made it: the chain hash goes over it.
	Raw []byte `parquet:"raw" json:"raw"`
}

// WindowRow is one visit of a flight to a sector: it enters between two moments, and leaves between two.
type WindowRow struct {
	Sector         string `parquet:"sector,dict" json:"sector"`
	EntersEarliest Micros `parquet:"enters_earliest,timestamp(microsecond:utc)" json:"enters_earliest"`
	EntersLatest   Micros `parquet:"enters_latest,timestamp(microsecond:utc)" json:"enters_latest"`
	LeavesEarliest Micros `parquet:"leaves_earliest,timestamp(microsecond:utc)" json:"leaves_earliest"`
	LeavesLatest   Micros `parquet:"leaves_latest,timestamp(microsecond:utc)" json:"leaves_latest"`
}

// StateRow is a sector or flight that was there as of an index.
type StateRow struct {
	Index int64 `parquet:"index" json:"index"`
	// Kind is "sector" or "flight".
	Kind    string `parquet:"kind,dict" json:"kind"`
	ID      string `parquet:"id" json:"id"`
	Version string `parquet:"version" json:"version"`
	// Callsign, From, To and what follows are a flight's; Begins and Ends are the times of its first and last point, 1970 for a sector.
	Callsign string      `parquet:"callsign" json:"callsign"`
	From     string      `parquet:"origin,dict" json:"origin"`
	To       string      `parquet:"destination,dict" json:"destination"`
	Begins   Micros      `parquet:"begins,timestamp(microsecond:utc)" json:"begins"`
	Ends     Micros      `parquet:"ends,timestamp(microsecond:utc)" json:"ends"`
	Points   []PointRow  `parquet:"points,list" json:"points"`
	Windows  []WindowRow `parquet:"windows,list" json:"windows"`
	// Record is the sector or flight as the service's own answers give it.
	Record Text `parquet:"record" json:"record"`
}

// PointRow is a point of a plan.
type PointRow struct {
	Time Micros  `parquet:"time,timestamp(microsecond:utc)" json:"time"`
	Lon  float64 `parquet:"lon" json:"lon"`
	Lat  float64 `parquet:"lat" json:"lat"`
	// AltitudeM is in metres above what the record says.
	AltitudeM float64 `parquet:"altitude_m" json:"altitude_m"`
}

func entryRow(e *api.Entry) EntryRow {
	return EntryRow{
		Index: int64(e.Index), LogTime: microsOf(int64(e.LogTime)), LogTimeNs: int64(e.LogTime), View: int64(e.View), Term: int64(e.Term),
		Events: int32(len(e.Events)), Digest: e.Digest, Hash: e.Hash,
	}
}

// eventRow makes a row of an event. One that this build cannot read is an error: a newer exporter must write it.
func eventRow(index uint64, sub int, logNs int64, raw []byte) (EventRow, error) {
	e, err := airspace.DecodeEvent(raw)
	if err != nil {
		return EventRow{}, fmt.Errorf("event %d.%d: %w", index, sub, err)
	}
	row := EventRow{
		Index: int64(index), Sub: int32(sub), LogTime: microsOf(logNs), ServiceTime: microsOf(e.ServiceNs), Kind: e.Kind.String(), ID: e.ID,
		VersionIndex: int64(e.Version.Index), VersionSub: int32(e.Version.Sub), Callsign: e.Callsign, Windows: []WindowRow{},
		Event: Text(api.AppendEvent(nil, &e)), Raw: raw,
	}
	for _, w := range e.Windows {
		row.Windows = append(row.Windows, WindowRow{w.Sector, microsOf(w.EnterMinNs), microsOf(w.EnterMaxNs), microsOf(w.LeaveMinNs), microsOf(w.LeaveMaxNs)})
	}
	return row, nil
}

// stateRow makes a row of a line of the stream of a whole state; false where it is neither a sector nor a flight.
func stateRow(index uint64, line []byte) (row StateRow, is bool, err error) {
	var parts struct{ Sector, Flight json.RawMessage }
	if err := json.Unmarshal(line, &parts); err != nil {
		return row, false, err
	}
	row = StateRow{Index: int64(index), Points: []PointRow{}, Windows: []WindowRow{}}
	switch {
	case parts.Sector != nil:
		var s api.Sector
		err = json.Unmarshal(parts.Sector, &s)
		row.Kind, row.ID, row.Version, row.Record = "sector", s.ID, s.Version, Text(parts.Sector)
	case parts.Flight != nil:
		var f api.Flight
		err = json.Unmarshal(parts.Flight, &f)
		row.Kind, row.Record = "flight", Text(parts.Flight)
		row.flight(&f)
	default:
		return row, false, nil
	}
	return row, true, err
}

func (r *StateRow) flight(f *api.Flight) {
	r.ID, r.Version, r.Callsign, r.From, r.To = f.ID, f.Version, f.Callsign, f.From, f.To
	for _, p := range f.Path {
		r.Points = append(r.Points, PointRow{microsOf(int64(p.Time)), float64(p.Position.LonE7) / 1e7, float64(p.Position.LatE7) / 1e7, float64(p.Altitude.Cm) / 100})
	}
	if n := len(r.Points); n > 0 {
		r.Begins, r.Ends = r.Points[0].Time, r.Points[n-1].Time
	}
	for _, w := range f.Windows {
		r.Windows = append(r.Windows, WindowRow{w.Sector, microsOf(int64(w.EntersEarliest)), microsOf(int64(w.EntersLatest)),
			microsOf(int64(w.LeavesEarliest)), microsOf(int64(w.LeavesLatest))})
	}
}
