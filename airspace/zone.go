package airspace

import (
	"fmt"
	"slices"
	"strings"
	"unicode"
	"unicode/utf8"

	"onevoice/codec"
	"onevoice/geo"
	"onevoice/problem"
)

// ZoneKind says what a zone is for. The numbers are part of the formats; never reuse one.
type ZoneKind uint8

// The kinds of zone.
const (
	// ZoneClosed: no flight may be inside. Each that may be is a breach.
	ZoneClosed ZoneKind = 1
	// ZoneLimit: a number of flights may be inside at once, or come in an hour. Each that is one too many is a breach.
	ZoneLimit ZoneKind = 2
	// ZoneNotice: who watches it is told of each flight that may be inside. There are no breaches.
	ZoneNotice ZoneKind = 3
)

// zoneWords are the kinds' words, as in APIs, from ZoneClosed on.
func zoneWords() []string { return []string{"closed", "limit", "notice"} }

// String is the kind's word, as "closed".
func (k ZoneKind) String() string {
	if k < ZoneClosed || k > ZoneNotice {
		return fmt.Sprintf("ZoneKind(%d)", uint8(k))
	}
	return zoneWords()[k-ZoneClosed]
}

// ParseZoneKind reads a kind's word.
func ParseZoneKind(word string) (ZoneKind, bool) {
	i := slices.Index(zoneWords(), word)
	return ZoneClosed + ZoneKind(i), i >= 0
}

// Limit is how many flights a zone of kind ZoneLimit takes. A field that is 0 limits nothing.
//
// The visits to a zone are taken in the order in which they may begin, those of one instant by flight. One is too many when AtOnce earlier
// ones may not have ended, or PerHour earlier ones may have begun less than an hour before.
type Limit struct {
	AtOnce  int // flights inside at one instant, up to MaxLimit
	PerHour int // visits that begin within an hour, up to MaxLimit
}

// Zone is a constraint or a place to be told about: the union of its volumes, each with a time of its own. It expires by itself when its last
// volume has ended and the retention of flights is over.
type Zone struct {
	ID   string
	Kind ZoneKind
	Name string
	// Owner says who answers for it: a label, which gives no rights.
	Owner   string
	Remarks string
	Volumes []Volume4D
	// Limit is that of a ZoneLimit, zero for the others.
	Limit Limit
}

// ZoneRecord is a zone as the state holds it. It is immutable and shared by all roots: never change it.
type ZoneRecord struct {
	Zone
	Version Version
	// Notifications counts the flights that were put, cancelled or expired and may be in a ZoneNotice, before the change or after it.
	Notifications uint64
	// Checking says that not all flights held when the zone was put have been looked at yet: those up to Checked have, by identifier, and all
	// that were put since. Of the others it is known what was known before.
	Checking bool
	Checked  string
}

// EndNs is when the last volume has ended.
func (z *Zone) EndNs() int64 {
	end := z.Volumes[0].ToNs
	for i := range z.Volumes {
		end = max(end, z.Volumes[i].ToNs)
	}
	return end
}

// BeginNs is when the first volume begins.
func (z *Zone) BeginNs() int64 {
	begin := z.Volumes[0].FromNs
	for i := range z.Volumes {
		begin = min(begin, z.Volumes[i].FromNs)
	}
	return begin
}

func appendZone(w *codec.Writer, z *Zone) {
	w.String(z.ID)
	w.U8(uint8(z.Kind))
	w.String(z.Name)
	w.String(z.Owner)
	w.String(z.Remarks)
	appendVolumes(w, z.Volumes)
	w.Uvarint(uint64(z.Limit.AtOnce))
	w.Uvarint(uint64(z.Limit.PerHour))
}

func readZone(r *codec.Reader) Zone {
	return Zone{
		ID: r.String(maxText), Kind: ZoneKind(r.U8()), Name: r.String(maxText), Owner: r.String(maxText), Remarks: r.String(maxText),
		Volumes: readVolumes(r), Limit: Limit{AtOnce: readSmall(r), PerHour: readSmall(r)},
	}
}

// readSmall takes a number that fits into 31 bits.
func readSmall(r *codec.Reader) int {
	n := r.Uvarint()
	if n >= 1<<31 {
		r.Fail()
		return 0
	}
	return int(n)
}

func appendZoneRecord(w *codec.Writer, z *ZoneRecord) {
	appendZone(w, &z.Zone)
	appendVersion(w, z.Version)
	w.Uvarint(z.Notifications)
	w.Bool(z.Checking)
	w.String(z.Checked)
}

func readZoneRecord(r *codec.Reader) ZoneRecord {
	return ZoneRecord{Zone: readZone(r), Version: readVersion(r), Notifications: r.Uvarint(), Checking: r.Bool(), Checked: r.String(maxText)}
}

func (c *checker) zone(z *Zone) {
	c.id(z.ID)
	if z.Kind < ZoneClosed || z.Kind > ZoneNotice {
		c.fail(problem.Invalid, "kind", z.Kind.String(), strings.Join(zoneWords(), ", "))
	}
	c.text("name", z.Name, MaxNameBytes)
	c.text("owner", z.Owner, MaxNameBytes)
	c.text("remarks", z.Remarks, MaxRemarksBytes)
	c.limit(z)
	c.count("volumes", len(z.Volumes), 1, MaxZoneVolumes)
	vertices := 0
	for i := range z.Volumes {
		vertices += vertexCount(z.Volumes[i].Area)
	}
	if vertices > MaxZoneVertices {
		c.fail(problem.TooLarge, "volumes", fmt.Sprintf("%d vertices", vertices), fmt.Sprintf("up to %d in all", MaxZoneVertices))
	}
	for i := 0; i < len(z.Volumes) && c.found == nil; i++ {
		v, field := &z.Volumes[i], fmt.Sprintf("volumes[%d].", i)
		c.number(field+"from", v.FromNs, geo.MinAtNs, geo.MaxAtNs)
		c.number(field+"to", v.ToNs, geo.MinAtNs, geo.MaxAtNs)
		if v.FromNs >= v.ToNs {
			c.fail(problem.Invalid, field+"to", instant(v.ToNs), "after from, "+instant(v.FromNs))
		}
		c.geometry(field, v.Area.Validate())
	}
}

func (c *checker) limit(z *Zone) {
	if z.Kind != ZoneLimit {
		if z.Limit != (Limit{}) {
			c.fail(problem.Invalid, "limit", fmt.Sprintf("%d at once, %d an hour", z.Limit.AtOnce, z.Limit.PerHour), "none in a zone of kind "+z.Kind.String())
		}
		return
	}
	c.number("limit.atOnce", int64(z.Limit.AtOnce), 0, MaxLimit)
	c.number("limit.perHour", int64(z.Limit.PerHour), 0, MaxLimit)
	if z.Limit == (Limit{}) {
		c.fail(problem.Invalid, "limit", "none", "a number at once, or an hour, or both")
	}
}

// text refuses what is no line or lines of text.
func (c *checker) text(field, s string, most int) {
	control := func(r rune) bool { return unicode.IsControl(r) && r != '\n' }
	if len(s) > most || !utf8.ValidString(s) || strings.ContainsFunc(s, control) {
		c.fail(problem.Invalid, field, fmt.Sprintf("%+q", problem.Clip(s)), fmt.Sprintf("up to %d bytes of UTF-8 without control characters", most))
	}
}
