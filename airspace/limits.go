package airspace

import (
	"time"

	"onevoice/geo"
)

// Limits on what one command may bring. They keep every record in one chunk of a snapshot, and one command in one frame.
const (
	// MaxIDBytes bounds the identifiers of sectors and flights, 1 to 64 of A-Z a-z 0-9 . _ : -
	MaxIDBytes = 64
	// MaxNameBytes bounds the name of a sector, UTF-8 without control characters.
	MaxNameBytes = 128
	// MaxLabelBytes bounds a callsign and the names of departure and destination, printable ASCII; they may be empty.
	MaxLabelBytes = 32
	// MaxVolumes bounds the polygons of a sector.
	MaxVolumes = 2048
	// MaxSectorVertices bounds the vertices of all polygons of a sector: 160 KB of a record.
	MaxSectorVertices = 20_000
	// MaxFlightVolumes bounds the volumes of a flight; all together have up to geo.MaxVertices vertices.
	MaxFlightVolumes = 1000
	// MaxShifts bounds the weekly hours of a sector, and MaxPeriods what opens or closes it once.
	MaxShifts  = 28
	MaxPeriods = 64
	// MaxParts bounds the sectors that are combined into one.
	MaxParts = 16
	// MaxDates bounds the instants at which a sector has other volumes than before.
	MaxDates = 32
	// MaxCells bounds the covering that comes with a sector, a flight or a question.
	MaxCells = 1024
	// MaxFlightWindows bounds the sector windows of one flight, 100 KB of a record. Real flights have under a hundred.
	MaxFlightWindows = 1024
)

// Limits on zones.
const (
	// MaxRemarksBytes bounds the remarks on a zone, UTF-8 without control characters but line ends.
	MaxRemarksBytes = 1000
	// MaxZoneVolumes bounds the volumes of a zone.
	MaxZoneVolumes = 50
	// MaxZoneVertices bounds the vertices of all volumes of a zone: 40 KB of a record. With the longest path, a zone of that many takes
	// 11 million steps.
	MaxZoneVertices = 5000
	// MaxLimit bounds the flights that a limit allows; more is no limit.
	MaxLimit = 1000
	// MaxZones bounds the zones held.
	MaxZones = 100_000
	// MaxZoneFlights is how many flights near a zone are looked at in the entry that puts it; where there are more, all are looked at in
	// later ones.
	MaxZoneFlights = 2000
	// MaxChecking bounds the zones that are being held against the flights.
	MaxChecking = 2000
	// MaxPairWindows bounds the visits of one flight to one zone; where there were more, the last one holds all that follow.
	MaxPairWindows = 64
	// MaxLimitEntries bounds the visits to a zone of kind ZoneLimit, since they are counted anew when one changes. A flight that would be one
	// more is refused, and a zone that is being held against the flights waits.
	MaxLimitEntries = 4000
	// MaxZoneEntries bounds the visits of all flights to all zones, 200 MB of memory, in the same way.
	MaxZoneEntries = 1_000_000
)

// Limits on the whole.
const (
	// MaxSectors bounds the sector set: all of Europe has about 2,000.
	MaxSectors = 10_000
	// MaxFlights bounds the flights held, some 5 GB of memory; a busy continent files 40,000 a day.
	MaxFlights = 1_000_000
	// MaxStepFlights is how many flights get other windows in one entry, because an entry is applied in one go while nothing else
	// is; the rest follow in the next, which is then due at once.
	MaxStepFlights = 1000
	// MaxStagings bounds the changes of sectors and rules that are being made in steps, one after the other.
	MaxStagings = 16
	// MaxExpired is how many flights one entry removes; the rest follow in the next, which is then due at once.
	MaxExpired = 1000
	// MaxPage bounds one page of any list.
	MaxPage = 1000
	// MaxFlightConflicts bounds the conflicts of one flight that are kept. A flight that has more is said to be crowded until its
	// conflicts are worked out anew.
	MaxFlightConflicts = 64
	// MaxConflicts bounds all conflicts that are kept; both flights of one that is not kept are crowded.
	MaxConflicts = 500_000
	// MaxConflictScan bounds the conflicts that one question looks at.
	MaxConflictScan = 100_000
	// MaxBuckets bounds the buckets of one question about load: a week of ten minutes.
	MaxBuckets = 1008
	// MinBucketNs is the shortest bucket, MaxBucketNs the longest, DefaultBucketNs that of events.
	MinBucketNs     = int64(time.Minute)
	MaxBucketNs     = int64(24 * time.Hour)
	DefaultBucketNs = int64(10 * time.Minute)
	// MaxLoadVisits bounds the visits that one question about load counts.
	MaxLoadVisits = 100_000
	// WatchNs is how far ahead of service time sectors with thresholds are watched.
	WatchNs = int64(24 * time.Hour)
	// MaxWatchVisits bounds the visits that one entry counts for that; the rest is due at once. A sector with more in one bucket and the hour
	// after it is on alert, without being counted.
	MaxWatchVisits = 20_000
	// MaxThreshold bounds a threshold of capacity.
	MaxThreshold = 10_000
	// MaxConflictSectors bounds the sectors that a conflict names.
	MaxConflictSectors = 64
)

// Service time and rules.
const (
	// MaxServiceNs is where service time ends, with the last instant that a path may name: it stands still there.
	MaxServiceNs = geo.MaxAtNs
	// MinRateMilli is the slowest service time, a thousandth of real time. It cannot stand still, since flights would
	// never expire.
	MinRateMilli = 1
	// MaxRateMilli is the fastest service time, a thousand times real time.
	MaxRateMilli = 1_000_000
	// DefaultRateMilli is real time.
	DefaultRateMilli = 1000
	// DefaultCrossRefCm is by how much bands are widened where altitudes of different references are compared: 300 m,
	// about what pressure altitude and true altitude differ by when the pressure is 35 hPa off the standard.
	DefaultCrossRefCm = 30_000
	// MaxCrossRefCm bounds that widening: 10 km.
	MaxCrossRefCm = 1_000_000
	// DefaultRetainNs is how long a flight is kept after it has ended, in service time: ten minutes.
	DefaultRetainNs = int64(10 * time.Minute)
	// MaxRetainNs bounds that time: 30 days.
	MaxRetainNs = int64(30 * 24 * time.Hour)
)

// How much of the past is held.
const (
	// DefaultHistoryNs is for how long what was known is held, in service time: a day.
	DefaultHistoryNs = int64(24 * time.Hour)
	// MaxHistoryNs bounds that time: 30 days.
	MaxHistoryNs = int64(30 * 24 * time.Hour)
	// DefaultHistoryRecords is how many past records there may be.
	DefaultHistoryRecords = 200_000
	// MaxHistoryRecords bounds that number.
	MaxHistoryRecords = 2_000_000
	// DefaultHistoryBytes is how much memory the past may take, about.
	DefaultHistoryBytes = int64(256 << 20)
	// MaxHistoryBytes bounds that size: 8 GiB.
	MaxHistoryBytes = int64(8 << 30)
	// MaxForgotten is how many past records one entry forgets; the rest follow in the next, which is then due at once.
	MaxForgotten = 1000
)

// Limits on the work of one command or question.
const (
	// MaxWork bounds the steps of finding windows, where a step is about one edge of a volume held against one leg of a path, or against an edge of another volume.
	// Filing 110 points among the sectors of Switzerland takes about 3,000, and 16 million take well under a second.
	MaxWork = 16_000_000
	// MaxAtomic bounds the commands of an Atomic. MaxWork is for all of them together.
	MaxAtomic = 100
	// MaxAtomicWindows bounds the sector windows of the flights that an Atomic puts, since its result holds them: 400 KB.
	MaxAtomicWindows = 8192
	// MaxConflictSteps bounds the work on conflicts in one entry, where a step is about one leg of a flight held against one of another:
	// 10 to 20 ms. What is more goes on in the next entry, which is due at once; until then answers say that it does.
	MaxConflictSteps = 200_000
	// MaxStepWindows bounds the windows of all flights that get others in one entry, since it carries them as events: about 1 MB.
	MaxStepWindows = 20_000
	// MaxStepWork bounds the steps of finding windows in one entry that changes those of many flights.
	MaxStepWork = 1_000_000
	// MaxVolumeFlights bounds the flights that one question about a volume looks at.
	MaxVolumeFlights = 20_000
	// MaxChunkBytes is how full a chunk of a snapshot is made: little enough that a server which takes one in, at ten
	// microseconds for each small flight, and at a hundred on a busy machine, can answer again within milliseconds. No record is larger than 500 KB.
	MaxChunkBytes = 32 << 10
)
