package airspace

import (
	"cmp"
	"strconv"
	"strings"

	"onevoice/codec"
	"onevoice/geo"
	"onevoice/problem"
)

// Version is the position in the log of the command that put a thing: entry and command within it.
type Version struct {
	Index uint64
	Sub   uint32
}

// String gives a version as "index.sub".
func (v Version) String() string { return string(v.Append(make([]byte, 0, 32))) }

// Append appends String.
func (v Version) Append(b []byte) []byte {
	return strconv.AppendUint(append(strconv.AppendUint(b, v.Index, 10), '.'), uint64(v.Sub), 10)
}

// Compare is negative where v is older than o, zero where they are equal, positive where v is newer.
func (v Version) Compare(o Version) int {
	return cmp.Or(cmp.Compare(v.Index, o.Index), cmp.Compare(v.Sub, o.Sub))
}

// ParseVersion reads what String gives; anything else is refused with a *problem.Error of kind Invalid.
func ParseVersion(text string) (Version, error) {
	a, b, _ := strings.Cut(text, ".")
	index, err1 := strconv.ParseUint(a, 10, 64)
	sub, err2 := strconv.ParseUint(b, 10, 32)
	v := Version{index, uint32(sub)}
	if err1 != nil || err2 != nil || v.String() != text {
		return Version{}, &problem.Error{Kind: problem.Invalid, Op: "read version", Field: "version", Value: problem.Clip(strconv.Quote(text)), Allowed: "index.sub, as 1021.3"}
	}
	return v, nil
}

// Sector is a named piece of airspace: the union of its volumes, which may overlap.
type Sector struct {
	ID      string
	Name    string
	Volumes []geo.Polygon
	// Effective says when each of Volumes is there; where it is empty all are always. A begin or an end that is missing is that of Always.
	Effective []geo.Span
	// Hours say when the sector is open: while it is not, no flight has a window in it.
	Hours Hours
	// Separation is what flights must keep while they may be in the sector; none of its own where it is zero.
	Separation geo.Separation
	// Capacity is how much traffic is worth a warning.
	Capacity Capacity
	// Cells is a covering of the volumes by S2 cells, sorted, made at the rim; it may be empty. No answer depends on it:
	// see DESIGN.md.
	Cells []uint64
}

// Flight is the agreed plan of one aircraft.
type Flight struct {
	ID       string
	Callsign string
	// From and To name departure and destination; they are labels.
	From, To string
	// Path is the plan, in the order of time. A flight has a Path or Volumes, never both.
	Path []geo.Point4D
	// Volumes are the plan of a flight that says where it may be and not on which way, in any order; they may overlap, and have one
	// altitude reference.
	Volumes []Volume4D
	// Uncertainty is how far the flight may be from its path; none with Volumes, which hold all of it.
	Uncertainty geo.Uncertainty
	// Cells is a covering of the path or the volumes by S2 cells, as in Sector.
	Cells []uint64
}

// Volume4D is a place where a flight may be, boundary included, at the instants of [FromNs, ToNs).
type Volume4D struct {
	Area         geo.Polygon
	FromNs, ToNs int64
}

// SectorWindow is one visit of a flight to a sector.
type SectorWindow struct {
	Sector string
	geo.Window
}

// SectorRecord is a sector as the state holds it. It is immutable and shared by all roots: never change it.
type SectorRecord struct {
	Sector
	Version Version
}

// FlightRecord is a flight as the state holds it, with its windows sorted by (EnterMinNs, Sector). It is immutable and
// shared by all roots: never change it.
type FlightRecord struct {
	Flight
	Version Version
	// Since is the entry from which on it is known so. It is that of its Version unless its windows became others later.
	Since   uint64
	Windows []SectorWindow
	// Progress is nil until a feed of positions has reported on the plan.
	Progress *Progress
}

// EndNs is when the flight is over for certain: its last point with its uncertainty in time, or the end of its last volume. No window ends
// later.
func (f *Flight) EndNs() int64 {
	if n := len(f.Path); n > 0 {
		return f.Path[n-1].AtNs + f.Uncertainty.TimeNs
	}
	ends := f.Volumes[0].ToNs
	for i := range f.Volumes {
		ends = max(ends, f.Volumes[i].ToNs)
	}
	return ends
}

// BeginNs is when the flight may begin. No window begins earlier.
func (f *Flight) BeginNs() int64 {
	if len(f.Path) > 0 {
		return f.Path[0].AtNs - f.Uncertainty.TimeNs
	}
	begins := f.Volumes[0].FromNs
	for i := range f.Volumes {
		begins = min(begins, f.Volumes[i].FromNs)
	}
	return begins
}

// Settings are the replicated switches of one airspace.
type Settings struct {
	// ServiceAnchorLogNs is the log time at which service time was ServiceAnchorNs.
	ServiceAnchorLogNs, ServiceAnchorNs int64
	// RateMilli is how fast service time runs, in thousandths of log time.
	RateMilli int64
	// CrossRefCm is by how much altitude bands are widened where references differ.
	CrossRefCm int32
	// RetainNs is how long a flight is kept after its end, in service time.
	RetainNs int64
	// Separation is what flights must keep where no sector asks for another. With none, no conflicts are looked for there.
	Separation geo.Separation
	// History is how much of the past is held.
	History History
	// Version is the command that changed the settings last, index.0 of the first entry before any did.
	Version Version
}

func appendVersion(w *codec.Writer, v Version) {
	w.Uvarint(v.Index)
	w.Uvarint(uint64(v.Sub))
}

func readVersion(r *codec.Reader) Version {
	v := Version{Index: r.Uvarint()}
	sub := r.Uvarint()
	if sub > 1<<32-1 {
		r.Fail()
	}
	v.Sub = uint32(sub)
	return v
}
