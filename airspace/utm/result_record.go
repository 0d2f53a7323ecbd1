package utm

import (
	"onevoice/codec"
	"onevoice/problem"
)

// Append writes a result, at most some 600 KB and mostly some hundred bytes.
func (s *Result) Append(w *codec.Writer) {
	problem.AppendMaybe(w, s.Problem)
	for _, list := range [...][]ID{s.MissingIntents, s.MissingConstraints} {
		w.Uvarint(uint64(len(list)))
		for _, id := range list {
			w.Raw(id[:])
		}
	}
	w.Bool(s.MoreMissing)
	w.Bool(s.Entity != nil)
	if s.Entity != nil {
		s.Entity.appendWith(w, nil, nil)
	}
	w.U32(s.Notified)
	w.Uvarint(uint64(len(s.Subscribers)))
	for i := range s.Subscribers {
		o := &s.Subscribers[i]
		w.Raw(o.ID[:])
		w.String(o.URL)
		w.U32(o.Notified)
	}
	w.Bool(s.MoreSubscribers)
	w.Bool(s.USS != nil)
	if s.USS != nil {
		s.USS.append(w)
	}
}

// ReadResult takes what Append wrote.
func ReadResult(r *codec.Reader) Result {
	s := Result{Problem: problem.ReadMaybe(r), MissingIntents: readIDs(r), MissingConstraints: readIDs(r), MoreMissing: r.Bool()}
	if r.Bool() {
		s.Entity = readEntity(r)
	}
	s.Notified = r.U32()
	if n := r.Count(MaxSubscribers, 21); n > 0 {
		s.Subscribers = make([]Subscriber, n)
	}
	for i := range s.Subscribers {
		s.Subscribers[i] = Subscriber{readID(r), r.String(maxTextBytes), r.U32()}
	}
	s.MoreSubscribers = r.Bool()
	if r.Bool() {
		s.USS = readUSS(r)
	}
	return s
}

func readIDs(r *codec.Reader) []ID {
	n := r.Count(MaxMissing, len(ID{}))
	if n == 0 {
		return nil
	}
	list := make([]ID, n)
	for i := range list {
		list[i] = readID(r)
	}
	return list
}

func (u *USS) append(w *codec.Writer) {
	w.String(u.Manager)
	w.U8(uint8(u.Availability))
	u.OVN.append(w)
}

func readUSS(r *codec.Reader) *USS {
	return &USS{Manager: r.String(maxTextBytes), Availability: Availability(r.U8()), OVN: readOVN(r)}
}
