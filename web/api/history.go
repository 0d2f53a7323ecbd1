package api

import (
	"strconv"
	"strings"

	"onevoice/airspace"
	"onevoice/problem"
)

// HistorySettings are how much of the past is held. A PUT gives span, records and bytes.
type HistorySettings struct {
	// Span is for how long, in service time: to 30 days.
	Span Duration `json:"span"`
	// Records is how many past records there may be, and entries are told apart.
	Records int64 `json:"records,string"`
	// Bytes is about how much memory past records may take.
	Bytes int64 `json:"bytes,string"`
	// Those that follow stand in answers only. Horizon is the earliest known time that may be asked for; absent where nothing was ever known.
	Horizon *Known `json:"horizon,omitempty"`
	Version string `json:"version,omitempty"`
}

// Known is an entry of the log, with service time after it, where that is held.
type Known struct {
	Index string `json:"index"`
	Time  *Time  `json:"time,omitempty"`
}

// Versions is a page of what was known of a flight or sector, the oldest first. Where one ends before the next begins, it was not there between.
type Versions struct {
	Flight   string         `json:"flight,omitempty"`
	Sector   string         `json:"sector,omitempty"`
	Horizon  *Known         `json:"horizon,omitempty"`
	Versions []KnownVersion `json:"versions"`
	Next     string         `json:"next,omitempty"`
}

// KnownVersion is a thing as it was known from Since on, until before Until, which is absent where it holds still.
type KnownVersion struct {
	Since  Known  `json:"since"`
	Until  *Known `json:"until,omitempty"`
	Change string `json:"change"` // put, rewindowed or reported
	// Flight or Sector is what it was.
	Flight *Flight `json:"flight,omitempty"`
	Sector *Sector `json:"sector,omitempty"`
}

// Diff is a page of what differs between two known times: sectors, then flights, by identifier.
type Diff struct {
	From        Known        `json:"from"`
	To          Known        `json:"to"`
	Differences []Difference `json:"differences"`
	Next        string       `json:"next,omitempty"`
}

// Difference is a thing that is not the same at both times.
type Difference struct {
	Flight   string `json:"flight,omitempty"`
	Callsign string `json:"callsign,omitempty"`
	Sector   string `json:"sector,omitempty"`
	Change   string `json:"change"` // added, removed or changed
	// What differs where it is changed: plan, windows, progress; name, volumes, hours, separation, capacity; put again.
	What []string `json:"what,omitempty"`
	// Before and After are its versions, absent where it was not there.
	Before string `json:"before,omitempty"`
	After  string `json:"after,omitempty"`
	// WindowsBefore and WindowsAfter are those that it has at one of the times only.
	WindowsBefore []SectorWindow `json:"windows_before,omitempty"`
	WindowsAfter  []SectorWindow `json:"windows_after,omitempty"`
}

// HorizonOf is the earliest known time of a state, nil where nothing was ever known.
func HorizonOf(s *airspace.State) *Known {
	index, atNs := s.Horizon()
	if index == 0 {
		return nil
	}
	return new(knownOf(index, atNs))
}

func knownOf(index uint64, atNs int64) Known {
	k := Known{Index: strconv.FormatUint(index, 10)}
	if atNs != 0 {
		k.Time = new(Time(atNs))
	}
	return k
}

// AppendHistorySettings appends how much of the past is held as the JSON of HistorySettings.
func AppendHistorySettings(b []byte, s *airspace.State, set *airspace.Settings) []byte {
	h := &set.History
	return append(b, asJSON(HistorySettings{Span: Duration(h.SpanNs), Records: h.Records, Bytes: h.Bytes, Horizon: HorizonOf(s), Version: set.Version.String()})...)
}

// ReadHistorySettings takes the body of PUT /settings/history. The error is a *problem.Error.
func ReadHistorySettings(body []byte, when airspace.Precondition) (airspace.Command, error) {
	r := newReader("set history", body)
	cmd := airspace.SetHistory{If: when}
	var span, records, size bool
	r.object(func(key []byte) bool {
		switch string(key) {
		case "span":
			cmd.History.SpanNs, span = int64(r.duration(airspace.MaxHistoryNs)), true
		case "records":
			cmd.History.Records, records = r.wholeText(airspace.MaxHistoryRecords), true
		case "bytes":
			cmd.History.Bytes, size = r.wholeText(airspace.MaxHistoryBytes), true
		default:
			return false
		}
		return true
	})
	r.need("span", span)
	r.need("records", records)
	r.need("bytes", size)
	return cmd, r.finish()
}

// wholeText takes a whole number that stands in a string, as 64-bit numbers do.
func (r *reader) wholeText(high int64) int64 {
	const longest = 32
	text := string(r.text(longest))
	n, err := strconv.ParseInt(text, 10, 64)
	if !r.failed() && (err != nil || n < 0 || n > high) {
		r.refuse(problem.Clip(text), "a whole number from 0 to "+strconv.FormatInt(high, 10)+" in a string", "")
	}
	return n
}

// VersionsOf makes a page of what the state gives.
func VersionsOf(q *airspace.VersionsQuery, s *airspace.State, v *airspace.Versions) *Versions {
	page := &Versions{Flight: q.Flight, Sector: q.Sector, Horizon: HorizonOf(s), Versions: []KnownVersion{}}
	for i := range v.List {
		k := &v.List[i]
		one := KnownVersion{Since: knownOf(k.Since, k.SinceNs), Change: k.Change.String()}
		if k.Until != 0 {
			one.Until = new(knownOf(k.Until, k.UntilNs))
		}
		if k.Flight != nil {
			one.Flight = new(FromFlight(k.Flight))
		} else {
			one.Sector = new(FromSector(k.Sector))
		}
		page.Versions = append(page.Versions, one)
	}
	if v.Next != 0 {
		page.Next = strconv.FormatUint(v.Next, 10)
	}
	return page
}

// DiffOf makes a page of what the state gives.
func DiffOf(d *airspace.Diff) *Diff {
	page := &Diff{From: knownOf(d.FromIndex, d.FromNs), To: knownOf(d.ToIndex, d.ToNs), Differences: []Difference{}}
	for i := range d.List {
		x := &d.List[i]
		one := Difference{Change: "changed", Callsign: x.Callsign, What: x.What.Names(), WindowsBefore: FromWindows(x.WindowsBefore), WindowsAfter: FromWindows(x.WindowsAfter)}
		if one.Sector = x.ID; x.Flights {
			one.Flight, one.Sector = x.ID, ""
		}
		none := airspace.Version{}
		if x.Before == none {
			one.Change = "added"
		} else {
			one.Before = x.Before.String()
		}
		if x.After == none {
			one.Change = "removed"
		} else {
			one.After = x.After.String()
		}
		page.Differences = append(page.Differences, one)
	}
	if d.Next != nil {
		page.Next = diffPlace(*d.Next)
	}
	return page
}

// diffPlace spells a place; no identifier has a comma.
func diffPlace(p airspace.DiffPlace) string {
	if p.Flights {
		return "flight," + p.ID
	}
	return "sector," + p.ID
}

// ParseDiffPlace reads the next of Diff.
func ParseDiffPlace(s string) (p airspace.DiffPlace, ok bool) {
	kind, id, found := strings.Cut(s, ",")
	return airspace.DiffPlace{Flights: kind == "flight", ID: id}, found && (kind == "flight" || kind == "sector") && ReadID("", "", id) == nil
}
