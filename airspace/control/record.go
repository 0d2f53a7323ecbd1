package control

import (
	"onevoice/codec"
	"onevoice/fence"
)

// maxTextBytes bounds texts as they are read; identifiers are shorter, and checked by who knows what they may be.
const maxTextBytes = 128

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

// Append writes who acts.
func (b By) Append(w *codec.Writer) {
	w.String(b.Position)
	w.Raw(b.Holder[:])
}

// ReadBy takes what Append wrote.
func ReadBy(r *codec.Reader) By { return By{r.String(maxTextBytes), readHolder(r)} }

func readHolder(r *codec.Reader) (h fence.Holder) {
	copy(h[:], r.Raw(len(h)))
	return h
}

func (t Target) append(w *codec.Writer) {
	w.String(t.Position)
	w.String(t.Sector)
}

func readTarget(r *codec.Reader) Target {
	t := Target{r.String(maxTextBytes), r.String(maxTextBytes)}
	if t.Position != "" && t.Sector != "" {
		r.Fail()
	}
	return t
}

// Append writes a request.
func (q *Request) Append(w *codec.Writer) {
	w.U8(uint8(q.Act))
	q.By.Append(w)
	q.To.append(w)
	w.I64(q.TimeoutMs)
	w.Bool(q.Force)
	w.Bool(q.Match != nil)
	if q.Match != nil {
		appendVersion(w, *q.Match)
	}
}

// ReadRequest takes what Append wrote; an act that may not be asked for fails.
func ReadRequest(r *codec.Reader) Request {
	q := Request{Act: Act(r.U8()), By: ReadBy(r), To: readTarget(r), TimeoutMs: r.I64(), Force: r.Bool()}
	if q.Act < Coordinate || q.Act > Take {
		r.Fail()
	}
	if r.Bool() {
		q.Match = new(readVersion(r))
	}
	return q
}

// Append writes a position.
func (p *Position) Append(w *codec.Writer) {
	w.String(p.ID)
	w.Raw(p.Holder[:])
	w.String(p.Owner)
	w.I64(p.LeaseMs)
	w.I64(p.EndsNs)
	appendVersion(w, p.Version)
}

// ReadPosition takes what Append wrote, and fails where it cannot be one.
func ReadPosition(r *codec.Reader) Position {
	p := Position{ID: r.String(maxTextBytes), Holder: readHolder(r), Owner: r.String(MaxOwnerBytes), LeaseMs: r.I64(), EndsNs: r.I64(), Version: readVersion(r)}
	if p.ID == "" || p.LeaseMs < MinLeaseMs || p.LeaseMs > MaxLeaseMs || !p.Attended() && p.EndsNs != 0 {
		r.Fail()
	}
	return p
}

// Append writes a record.
func (r *Record) Append(w *codec.Writer) {
	w.U8(uint8(r.Thing))
	w.String(r.ID)
	w.U8(uint8(r.State))
	w.String(r.Position)
	r.To.append(w)
	w.I64(r.TimeoutMs)
	w.I64(r.EndsNs)
	appendVersion(w, r.Version)
}

// ReadRecord takes what Append wrote, and fails where it cannot be one.
func ReadRecord(r *codec.Reader) Record {
	n := Record{Thing: Thing(r.U8()), ID: r.String(maxTextBytes), State: State(r.U8()), Position: r.String(maxTextBytes), To: readTarget(r)}
	n.TimeoutMs, n.EndsNs, n.Version = r.I64(), r.I64(), readVersion(r)
	if !n.valid() {
		r.Fail()
	}
	return n
}

// valid says whether a record is one that the machine makes.
func (r *Record) valid() bool {
	owned := r.State == Controlled || r.State == Handoff
	addressed := r.State == Coordinated || r.State == Handoff
	fits := r.Thing == Flight && r.State >= PreActive && r.State <= Uncontrolled || r.Thing == Sector && (owned || r.State == Uncontrolled)
	timed := r.TimeoutMs >= MinTimeoutMs && r.TimeoutMs <= MaxTimeoutMs
	if r.State != Handoff {
		timed = r.TimeoutMs == 0 && r.EndsNs == 0
	}
	return r.ID != "" && fits && timed && owned == (r.Position != "") && addressed == (r.To != Target{})
}

const (
	eventOfPosition = 1
	eventOfRecord   = 2
)

// Append writes an event.
func (e *Event) Append(w *codec.Writer) {
	w.U8(uint8(e.Act))
	w.String(e.By)
	w.String(e.Was)
	w.Bool(e.Attended)
	if e.Position != nil {
		w.U8(eventOfPosition)
		e.Position.Append(w)
		return
	}
	w.U8(eventOfRecord)
	e.Record.Append(w)
}

// ReadEvent takes what Append wrote.
func ReadEvent(r *codec.Reader) Event {
	e := Event{Act: Act(r.U8()), By: r.String(maxTextBytes), Was: r.String(maxTextBytes), Attended: r.Bool()}
	switch r.U8() {
	case eventOfPosition:
		e.Position = new(ReadPosition(r))
	case eventOfRecord:
		e.Record = new(ReadRecord(r))
	default:
		r.Fail()
	}
	if e.Act < Coordinate || e.Act > Attend {
		r.Fail()
	}
	return e
}
