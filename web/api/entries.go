package api

import (
	"encoding/base64"
	"encoding/hex"
	"strconv"

	"onevoice/airspace"
	"onevoice/watch"
)

// Entries are entries of the airspace's log that follow one another, each with what binds its events to the chain hash: see package chain.
type Entries struct {
	// After is the index that they follow, and Hash the chain hash after it; empty where this server does not hold it, and then there are none.
	After uint64 `json:"after,string"`
	Hash  string `json:"hash,omitempty"`
	// Entries are empty where the log had no more within the time asked for.
	Entries []Entry `json:"entries"`
}

// Entry is what everybody may know of an entry. Hash is the chain hash after it.
type Entry struct {
	Index   uint64 `json:"index,string"`
	LogTime Time   `json:"log_time"`
	View    uint64 `json:"view,string"`
	Term    uint64 `json:"term,string"`
	// Digest is the sum of what was agreed and what came of it, in hexadecimal.
	Digest string `json:"digest"`
	Hash   string `json:"hash"`
	// Events are the events of the entry as the machine emitted them: airspace.DecodeEvent reads one.
	Events [][]byte `json:"events,omitempty"`
}

// AppendEntries appends entries after an index as the JSON of Entries.
func AppendEntries(b []byte, after uint64, before watch.Mark, list []watch.Record) []byte {
	b = appendUint(append(b, `{"after":`...), after)
	if before.Index == after {
		b = appendSum(append(b, `,"hash":`...), before.Hash[:])
	}
	b = append(b, `,"entries":[`...)
	for i := range list {
		if i > 0 {
			b = append(b, ',')
		}
		b = appendEntry(b, &list[i])
	}
	return append(b, `]}`...)
}

func appendEntry(b []byte, r *watch.Record) []byte {
	b = appendUint(append(b, `{"index":`...), r.Index)
	b = Time(r.LogTimeNs).appendJSON(append(b, `,"log_time":`...))
	b = appendUint(append(b, `,"view":`...), uint64(r.Epoch.View))
	b = appendUint(append(b, `,"term":`...), r.Epoch.Term)
	b = appendSum(append(b, `,"digest":`...), r.Digest[:])
	b = appendSum(append(b, `,"hash":`...), r.Hash[:])
	for i, event := range r.Events {
		if i == 0 {
			b = append(b, `,"events":[`...)
		} else {
			b = append(b, ',')
		}
		b = append(base64.StdEncoding.AppendEncode(append(b, '"'), event), '"')
	}
	if len(r.Events) > 0 {
		b = append(b, ']')
	}
	return append(b, '}')
}

func appendUint(b []byte, n uint64) []byte {
	return append(strconv.AppendUint(append(b, '"'), n, 10), '"')
}

func appendSum(b, sum []byte) []byte { return append(hex.AppendEncode(append(b, '"'), sum), '"') }

// StateLine is a line of the stream of a whole state: exactly one of its fields is set. The first line is Head, the last one End; what
// breaks off before that is no state.
type StateLine struct {
	Head   *StateHead `json:"head,omitempty"`
	Sector *Sector    `json:"sector,omitempty"`
	Flight *Flight    `json:"flight,omitempty"`
	End    *StateEnd  `json:"end,omitempty"`
}

// StateHead says of which moment a state is. Hash is the chain hash after Index.
type StateHead struct {
	Index       uint64 `json:"index,string"`
	Hash        string `json:"hash"`
	View        uint64 `json:"view,string"`
	LogTime     Time   `json:"log_time"`
	ServiceTime Time   `json:"service_time"`
}

// StateEnd is how many things were in it.
type StateEnd struct {
	Sectors int `json:"sectors"`
	Flights int `json:"flights"`
}

// AppendSectorLine appends a sector as a StateLine, with its line end.
func AppendSectorLine(b []byte, s *airspace.SectorRecord) []byte {
	return append(AppendSector(append(b, `{"sector":`...), s), "}\n"...)
}

// AppendFlightLine appends a flight as a StateLine, with its line end.
func AppendFlightLine(b []byte, f *airspace.FlightRecord) []byte {
	return append(AppendFlight(append(b, `{"flight":`...), f), "}\n"...)
}
