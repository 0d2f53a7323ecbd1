package feed

import (
	"bufio"
	"fmt"
	"io"
	"math"
	"strconv"
	"strings"
	"time"

	"onevoice/geo"
)

// cprFields is how many fields a correlated position report has, the empty one after its last separator included.
const cprFields = 23

// maxCPRLine bounds a line of such reports; real ones have 150 bytes.
const maxCPRLine = 64 << 10

// ReadCPR reads the correlated position reports of EUROCONTROL's Network Manager (ETFMS), gzip or not: 22 fields a line, each ended by
// a semicolon, no header. Several radars report one flight, late and out of order. Samples come back as they stand in the
// file, which is about the order in which they came: ReceivedNs says when, and AtNs is the time of track. ICAO24 holds the
// Network Manager's number of the flight (tact_id), for many reports lack the address.
func ReadCPR(in io.Reader) ([]Sample, Report, error) {
	var report Report
	text, err := plain(in)
	if err != nil {
		return nil, report, fmt.Errorf("read reports: %w", err)
	}
	lines := bufio.NewScanner(text)
	lines.Buffer(nil, maxCPRLine)
	var samples []Sample
	for lines.Scan() {
		report.Rows++
		s, defect := parseCPR(strings.Split(lines.Text(), ";"))
		if defect != nil {
			defect.Line = report.Rows
			report.bad(*defect)
			continue
		}
		if len(samples) == MaxSamples {
			return nil, report, fmt.Errorf("read reports: over %d; split the file", MaxSamples)
		}
		s.Line = report.Rows
		report.Good++
		samples = append(samples, s)
	}
	if err := lines.Err(); err != nil {
		return nil, report, fmt.Errorf("read reports: line %d: %w", report.Rows+1, err)
	}
	return samples, report, nil
}

func parseCPR(row []string) (Sample, *Defect) {
	if len(row) != cprFields {
		return Sample{}, &Defect{Field: "row", Value: strings.Join(row, ";"), Reason: fmt.Sprintf("%d fields, a report has %d", len(row)-1, cprFields-1)}
	}
	s := Sample{ICAO24: row[1], Callsign: strings.TrimSpace(row[8]), From: row[9], To: row[10], GroundSpeedKt: number(row, 16), TrackDeg: heading(row[17]), VerticalRateFpm: number(row, 18)}
	if s.ICAO24 == "" {
		return s, &Defect{Field: "tact_id", Reason: "empty"}
	}
	for _, at := range []struct {
		field string
		text  string
		to    *int64
	}{{"time_received", row[2], &s.ReceivedNs}, {"time_of_track", row[3], &s.AtNs}} {
		t, err := time.Parse("06/01/02 15:04:05", at.text)
		if err != nil {
			return s, &Defect{Field: at.field, Value: at.text, Reason: "not a time as 17/02/05 10:01:00"}
		}
		*at.to = t.UnixNano()
	}
	var ok bool
	if s.Pos, ok = positionDMS(row[12]); !ok {
		return s, &Defect{Field: "position", Value: row[12], Reason: "not a position as 540023N 0273944E"}
	}
	level, err := strconv.Atoi(row[13])
	if err != nil || level < -10 || level > 998 {
		return s, &Defect{Field: "flight_level", Value: row[13], Reason: "not a flight level from -10 to 998"}
	}
	s.Alt = geo.FlightLevel(level)
	return s, nil
}

// heading reads degrees and minutes as 064 17'51"; NaN for anything else.
func heading(text string) float64 {
	degrees, minutes, _ := strings.Cut(text, " ")
	d, err := strconv.Atoi(degrees)
	m, _, _ := strings.Cut(minutes, "'")
	part, errM := strconv.Atoi(m)
	if err != nil || errM != nil || d < 0 || d >= 360 || part < 0 || part >= 60 {
		return math.NaN()
	}
	return float64(d) + float64(part)/60
}

// positionDMS reads a position as 540023N 0273944E.
func positionDMS(text string) (geo.LatLon, bool) {
	if len(text) != len("540023N 0273944E") || text[7] != ' ' {
		return geo.LatLon{}, false
	}
	lat, okLat := dms(text[:6], text[6], 'N', 'S')
	lon, okLon := dms(text[8:15], text[15], 'E', 'W')
	p := geo.LatLon{LatE7: lat, LonE7: lon}
	if p.LonE7 == 180e7 {
		p.LonE7 = -180e7
	}
	return p, okLat && okLon && p.Validate() == nil
}

// dms reads degrees, minutes and seconds without marks between them, as 1e-7 degree.
func dms(digits string, side, plus, minus byte) (int32, bool) {
	n, err := strconv.ParseUint(digits, 10, 32)
	seconds, minutes, degrees := n%100, n/100%100, n/10_000
	if err != nil || seconds >= 60 || minutes >= 60 || degrees > 180 || side != plus && side != minus {
		return 0, false
	}
	v := min(int64(degrees*3600+minutes*60+seconds)*1e7, 180*3600*1e7)
	v = (v + 1800) / 3600
	if side == minus {
		v = -v
	}
	return int32(v), true
}
