package api

import (
	"fmt"
	"strings"
	"time"

	"onevoice/problem"
)

// Time is an instant in nanoseconds UTC since 1970. In JSON it is RFC 3339 with Z, with no more decimals than it needs.
type Time int64

// maxTimeBytes is the length of the longest instant, with nine decimals.
const maxTimeBytes = len("2006-01-02T15:04:05.999999999Z")

// maxTimeNs is 2200-01-01T00:00:00Z, the latest instant that the service knows; the earliest is 1970-01-01T00:00:00Z.
const maxTimeNs = 7_258_118_400_000_000_000

const allowedTime = "RFC 3339 in UTC, such as 2018-08-01T05:00:00Z, from 1970 to 2200"

// ParseTime reads RFC 3339 with Z, from 1970 to 2200. Another offset than Z is refused.
func ParseTime(s string) (Time, error) {
	if t, ok := parseTime(s); ok {
		return t, nil
	}
	return 0, fmt.Errorf("time is %q, allowed: %s", problem.Clip(s), allowedTime)
}

// parseTime keeps nothing of s, so that a string that was made for it costs no memory.
func parseTime(s string) (Time, bool) {
	if len(s) > maxTimeBytes || !strings.HasSuffix(s, "Z") || strings.IndexByte(s, ',') >= 0 {
		return 0, false
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	ns := t.UnixNano()
	return Time(ns), err == nil && t.Year() >= 1970 && t.Year() <= 2200 && ns >= 0 && ns <= maxTimeNs
}

// String is RFC 3339 with Z.
func (t Time) String() string { return string(t.Append(make([]byte, 0, maxTimeBytes))) }

// MarshalText is String.
func (t Time) MarshalText() ([]byte, error) { return []byte(t.String()), nil }

// UnmarshalText reads an instant of an answer, which may lie a little outside of what ParseTime takes.
func (t *Time) UnmarshalText(b []byte) error {
	v, err := time.Parse(time.RFC3339Nano, string(b))
	if err == nil {
		*t = Time(v.UnixNano())
	}
	return err
}

// Append appends String.
func (t Time) Append(b []byte) []byte {
	return time.Unix(0, int64(t)).UTC().AppendFormat(b, time.RFC3339Nano)
}

func (t Time) appendJSON(b []byte) []byte { return append(t.Append(append(b, '"')), '"') }

func (r *reader) time() Time {
	s := r.text(maxTimeBytes + problem.MaxValueBytes)
	if r.failed() {
		return 0
	}
	t, ok := parseTime(string(s))
	if !ok {
		r.refuse(string(s), allowedTime, "")
		return 0
	}
	return t
}
