package oracle

import (
	"fmt"

	"onevoice/codec"
	"onevoice/view"
)

// formatVersion begins an observation, a question, an event and a chunk, as it begins those of package members; the byte after it
// tells them apart.
const formatVersion = 1

// kindObservation is above all kinds of package members.
const kindObservation = 64

// Observation is what the leader of the oracle's group has heard from the servers: a whole picture, which takes the place of the one
// before.
type Observation struct {
	// BoundNs is the detection bound that follows from it, in nanoseconds.
	BoundNs int64
	// Rows are the servers that were heard lately, the leader among them, by number.
	Rows []Row
	// Leads says who leads the groups, by group.
	Leads []view.Lead
}

// Row is what one server says of itself and of the others.
type Row struct {
	Server, Boot uint64
	// Leaving says that it is about to end, Last that it has, and why: Exited or Disk; Fell that its start before this one was taken down.
	Leaving, Fell bool
	Last          view.Evidence
	Seen          []Seen // by server
}

// Seen is what a server says of another: the start that it has heard, 0 for none, and what it holds against it.
type Seen struct {
	Server, Boot uint64
	Evidence     view.Evidence
}

// Encode writes an observation.
func (o *Observation) Encode() []byte {
	w := codec.Writer{B: []byte{formatVersion, kindObservation}}
	o.append(&w)
	return w.B
}

func (o *Observation) append(w *codec.Writer) {
	w.I64(o.BoundNs)
	w.Uvarint(uint64(len(o.Rows)))
	for _, row := range o.Rows {
		w.U64(row.Server)
		w.U64(row.Boot)
		w.Bool(row.Leaving)
		w.Bool(row.Fell)
		w.U8(uint8(row.Last))
		w.Uvarint(uint64(len(row.Seen)))
		for _, s := range row.Seen {
			w.U64(s.Server)
			w.U64(s.Boot)
			w.U8(uint8(s.Evidence))
		}
	}
	w.Uvarint(uint64(len(o.Leads)))
	for _, l := range o.Leads {
		w.U32(l.Group)
		w.U64(l.Term)
		w.U64(l.Server)
	}
}

// Decode reads an observation. Any bytes give one or an error.
func Decode(b []byte) (Observation, error) {
	r := codec.NewReader(b)
	if version, kind := r.U8(), r.U8(); r.Err() == nil && (version != formatVersion || kind != kindObservation) {
		return Observation{}, fmt.Errorf("oracle: command of version %d and kind %d, allowed: %d and %d", version, kind, formatVersion, kindObservation)
	}
	o := readObservation(r)
	return o, r.Finish()
}

func readObservation(r *codec.Reader) Observation {
	o := Observation{BoundNs: r.I64()}
	last := uint64(0)
	for range r.Count(view.MaxProcesses, 20) {
		row := Row{Server: r.U64(), Boot: r.U64(), Leaving: r.Bool(), Fell: r.Bool(), Last: view.Evidence(r.U8())}
		if row.Server <= last || row.Last > view.LastEvidence {
			r.Fail()
		}
		last = row.Server
		row.Seen = readSeen(r)
		o.Rows = append(o.Rows, row)
	}
	group := uint32(0)
	for range r.Count(view.MaxLeads, 20) {
		l := view.Lead{Group: r.U32(), Term: r.U64(), Server: r.U64()}
		if l.Group <= group {
			r.Fail()
		}
		group = l.Group
		o.Leads = append(o.Leads, l)
	}
	if o.BoundNs < 0 {
		r.Fail()
	}
	return o
}

func readSeen(r *codec.Reader) []Seen {
	var all []Seen
	last := uint64(0)
	for range r.Count(view.MaxProcesses, 17) {
		s := Seen{Server: r.U64(), Boot: r.U64(), Evidence: view.Evidence(r.U8())}
		if s.Server <= last || s.Evidence > view.LastEvidence {
			r.Fail()
		}
		last = s.Server
		all = append(all, s)
	}
	return all
}
