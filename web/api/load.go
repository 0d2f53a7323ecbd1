package api

import (
	"strconv"

	"onevoice/airspace"
)

// Capacity is how much traffic of a sector is worth a warning, and how much an alert. A count that reaches a threshold has its level; 0 is
// none.
type Capacity struct {
	// OccupancyWarn and OccupancyAlert count flights that may be in the sector at once.
	OccupancyWarn  int `json:"occupancy_warn"`
	OccupancyAlert int `json:"occupancy_alert"`
	// EntriesWarn and EntriesAlert count flights that may enter within an hour.
	EntriesWarn  int `json:"entries_warn"`
	EntriesAlert int `json:"entries_alert"`
}

// Load is how much traffic a sector is to expect in [From, To), in buckets from From on. Flights count when they may be there.
type Load struct {
	Sector   string   `json:"sector"`
	Capacity Capacity `json:"capacity"`
	From     Time     `json:"from"`
	To       Time     `json:"to"`
	Bucket   Duration `json:"bucket"`
	Buckets  []Bucket `json:"buckets"`
}

// Bucket is the load for a while from From on.
type Bucket struct {
	From Time `json:"from"`
	// Entries is how many flights may enter in the bucket, HourEntries how many in the hour that begins with it.
	Entries     int `json:"entries"`
	HourEntries int `json:"hour_entries"`
	// Peak is the most that may be there at once, SurePeak the most that surely are.
	Peak     int `json:"peak"`
	SurePeak int `json:"sure_peak"`
	// Level is ok, warn or alert.
	Level string `json:"level"`
}

// Levels is a page of what is watched and not ok, by sector and time. Next, where not empty, is the after of the next page.
type Levels struct {
	Levels []SectorLevel `json:"levels"`
	// Counting says that some sectors are still being counted.
	Counting bool   `json:"counting"`
	Next     string `json:"next,omitempty"`
}

// SectorLevel is a bucket in which the load of a sector reaches a threshold.
type SectorLevel struct {
	Sector   string   `json:"sector"`
	Bucket   Bucket   `json:"bucket"`
	Capacity Capacity `json:"capacity"`
	// Since is the version since when it has this level.
	Since string `json:"since"`
}

func (r *reader) capacity() airspace.Capacity {
	var c airspace.Capacity
	count := func() int {
		return int(r.number(0, 0, airspace.MaxThreshold, "0 to "+strconv.Itoa(airspace.MaxThreshold)))
	}
	r.object(func(key []byte) bool {
		switch string(key) {
		case "occupancy_warn":
			c.OccupancyWarn = count()
		case "occupancy_alert":
			c.OccupancyAlert = count()
		case "entries_warn":
			c.EntriesWarn = count()
		case "entries_alert":
			c.EntriesAlert = count()
		default:
			return false
		}
		return true
	})
	return c
}

func appendCapacity(b []byte, c airspace.Capacity) []byte {
	b = strconv.AppendInt(append(b, `{"occupancy_warn":`...), int64(c.OccupancyWarn), 10)
	b = strconv.AppendInt(append(b, `,"occupancy_alert":`...), int64(c.OccupancyAlert), 10)
	b = strconv.AppendInt(append(b, `,"entries_warn":`...), int64(c.EntriesWarn), 10)
	b = strconv.AppendInt(append(b, `,"entries_alert":`...), int64(c.EntriesAlert), 10)
	return append(b, '}')
}

// AppendLoad appends a load as the JSON of Load.
func AppendLoad(b []byte, l *airspace.Load) []byte {
	b = appendString(append(b, `{"sector":`...), l.Sector)
	b = appendCapacity(append(b, `,"capacity":`...), l.Capacity)
	b = Time(l.FromNs).appendJSON(append(b, `,"from":`...))
	b = Time(l.ToNs).appendJSON(append(b, `,"to":`...))
	b = Duration(l.BucketNs).appendJSON(append(b, `,"bucket":`...))
	b = append(b, `,"buckets":[`...)
	for i := range l.Buckets {
		b = appendBucket(comma(b, i), l.FromNs+int64(i)*l.BucketNs, &l.Buckets[i])
	}
	return append(b, `]}`...)
}

func appendBucket(b []byte, fromNs int64, of *airspace.Bucket) []byte {
	b = Time(fromNs).appendJSON(append(b, `{"from":`...))
	b = strconv.AppendInt(append(b, `,"entries":`...), int64(of.Entries), 10)
	b = strconv.AppendInt(append(b, `,"hour_entries":`...), int64(of.HourEntries), 10)
	b = strconv.AppendInt(append(b, `,"peak":`...), int64(of.Peak), 10)
	b = strconv.AppendInt(append(b, `,"sure_peak":`...), int64(of.SurePeak), 10)
	b = appendString(append(b, `,"level":`...), of.Level.String())
	return append(b, '}')
}

// WatchedLevel is a level with the load that it comes from.
type WatchedLevel struct {
	airspace.SectorLevel
	Bucket   airspace.Bucket
	Capacity airspace.Capacity
}

// AppendLevels appends a page as the JSON of Levels.
func AppendLevels(b []byte, page []WatchedLevel, counting bool, next string) []byte {
	b = append(b, `{"levels":[`...)
	for i := range page {
		l := &page[i]
		b = appendString(append(comma(b, i), `{"sector":`...), l.Sector)
		b = appendBucket(append(b, `,"bucket":`...), l.FromNs, &l.Bucket)
		b = appendCapacity(append(b, `,"capacity":`...), l.Capacity)
		if l.Since != (airspace.Version{}) {
			b = appendVersion(append(b, `,"since":`...), l.Since)
		}
		b = append(b, '}')
	}
	b = strconv.AppendBool(append(b, `],"counting":`...), counting)
	return appendNext(b, next)
}
