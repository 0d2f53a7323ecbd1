package feed

import (
	"cmp"
	"encoding/csv"
	"errors"
	"fmt"
	"io"
	"math"
	"slices"
	"strconv"
	"strings"
	"time"

	"onevoice/geo"
)

// Sample is one position of a recording.
type Sample struct {
	AtNs            int64 // when the aircraft was there, UTC, nanoseconds since 1970
	ReceivedNs      int64 // when the report of it came; AtNs where the recording does not say
	ICAO24          string
	Callsign        string // may be empty
	From, To        string // aerodromes, may be empty
	Pos             geo.LatLon
	Alt             geo.Altitude // barometric
	GroundSpeedKt   float64      // NaN where the recording has none
	TrackDeg        float64      // NaN where the recording has none
	VerticalRateFpm float64      // NaN where the recording has none
	Line            int
}

// MaxSamples bounds a recording held in memory.
const MaxSamples = 5_000_000

// columns is where each known column stands in a recording; -1 where it is absent.
type columns struct{ time, icao, callsign, from, to, lat, lon, alt, speed, track, rate int }

// ReadRecording reads a CSV recording, gzip or not, with a header line. Columns are found by name: time (RFC 3339), icao24,
// callsign, lat, lon, altitude_ft are required; adep, ades, groundspeed_kt, track_deg, vertical_rate_fpm are optional.
// Samples come back in the order of their time. An error means that the input as a whole cannot be read.
func ReadRecording(in io.Reader) ([]Sample, Report, error) {
	var report Report
	text, err := plain(in)
	if err != nil {
		return nil, report, fmt.Errorf("read recording: %w", err)
	}
	rows := csv.NewReader(text)
	rows.FieldsPerRecord = -1
	rows.ReuseRecord = true
	header, err := rows.Read()
	if err != nil {
		return nil, report, fmt.Errorf("read recording: header: %w", err)
	}
	where, err := findColumns(header)
	if err != nil {
		return nil, report, err
	}
	width := len(header)
	var samples []Sample
	for {
		row, err := rows.Read()
		if err == io.EOF {
			break
		}
		report.Rows++
		var syntax *csv.ParseError
		if errors.As(err, &syntax) {
			report.bad(Defect{Line: syntax.StartLine, Field: "row", Reason: syntax.Err.Error()})
			continue
		} else if err != nil {
			return nil, report, fmt.Errorf("read recording: %w", err)
		}
		line, _ := rows.FieldPos(0)
		sample, defect := parseSample(row, where, width)
		if defect != nil {
			defect.Line = line
			report.bad(*defect)
			continue
		}
		if len(samples) == MaxSamples {
			return nil, report, fmt.Errorf("read recording: over %d samples; split the file", MaxSamples)
		}
		sample.Line = line
		report.Good++
		samples = append(samples, sample)
	}
	slices.SortStableFunc(samples, func(a, b Sample) int { return cmp.Compare(a.AtNs, b.AtNs) })
	return samples, report, nil
}

func findColumns(header []string) (columns, error) {
	find := func(name string) int { return slices.Index(header, name) }
	c := columns{
		time: find("time"), icao: find("icao24"), callsign: find("callsign"), from: find("adep"), to: find("ades"),
		lat: find("lat"), lon: find("lon"), alt: find("altitude_ft"),
		speed: find("groundspeed_kt"), track: find("track_deg"), rate: find("vertical_rate_fpm"),
	}
	for _, need := range []struct {
		name string
		at   int
	}{{"time", c.time}, {"icao24", c.icao}, {"callsign", c.callsign}, {"lat", c.lat}, {"lon", c.lon}, {"altitude_ft", c.alt}} {
		if need.at < 0 {
			return c, fmt.Errorf("read recording: no column %q; the header is %s", need.name, strings.Join(header, ","))
		}
	}
	return c, nil
}

func parseSample(row []string, c columns, width int) (Sample, *Defect) {
	if len(row) != width {
		return Sample{}, &Defect{Field: "row", Value: strings.Join(row, ","), Reason: fmt.Sprintf("%d columns, the header has %d", len(row), width)}
	}
	at, err := time.Parse(time.RFC3339Nano, row[c.time])
	if err != nil {
		return Sample{}, &Defect{Field: "time", Value: row[c.time], Reason: "not RFC 3339"}
	}
	s := Sample{AtNs: at.UnixNano(), ReceivedNs: at.UnixNano(), ICAO24: strings.Clone(row[c.icao]), Callsign: strings.Clone(strings.TrimSpace(row[c.callsign]))}
	if s.ICAO24 == "" {
		return s, &Defect{Field: "icao24", Reason: "empty"}
	}
	if s.Pos.LatE7, err = degreesE7(row[c.lat], 90); err != nil {
		return s, &Defect{Field: "lat", Value: row[c.lat], Reason: err.Error()}
	}
	if s.Pos.LonE7, err = degreesE7(row[c.lon], 180); err != nil {
		return s, &Defect{Field: "lon", Value: row[c.lon], Reason: err.Error()}
	}
	if s.Pos.LonE7 == 180e7 {
		s.Pos.LonE7 = -180e7
	}
	feet, err := strconv.ParseFloat(row[c.alt], 64)
	if err != nil || !(feet >= -2000 && feet <= 100_000) {
		return s, &Defect{Field: "altitude_ft", Value: row[c.alt], Reason: "not a number of feet from -2000 to 100000"}
	}
	s.Alt = geo.Altitude{Cm: int32(math.Round(feet * 30.48)), Ref: geo.RefSTD}
	s.From, s.To = optional(row, c.from), optional(row, c.to)
	s.GroundSpeedKt, s.TrackDeg, s.VerticalRateFpm = number(row, c.speed), number(row, c.track), number(row, c.rate)
	return s, nil
}

// degreesE7 reads degrees as 1e-7 degree, refusing what is not a number within plus or minus most.
func degreesE7(text string, most float64) (int32, error) {
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || !(v >= -most && v <= most) {
		return 0, fmt.Errorf("not a number of degrees from %g to %g", -most, most)
	}
	return int32(math.Round(v * 1e7)), nil
}

func optional(row []string, at int) string {
	if at < 0 {
		return ""
	}
	return strings.Clone(row[at])
}

func number(row []string, at int) float64 {
	if at < 0 {
		return math.NaN()
	}
	v, err := strconv.ParseFloat(row[at], 64)
	if err != nil {
		return math.NaN()
	}
	return v
}
