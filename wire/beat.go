package wire

import (
	"onevoice/codec"
	"onevoice/view"
)

// Beat is what each server tells every other one ten times in 100 ms: that it lives, whom it has heard, and how far its logs are. It
// comes from the goroutine that does the work, so a server that is stuck does not beat.
type Beat struct {
	// Boot is the sender's start, as in its Hello.
	Boot uint64
	// SentNs is when it was sent, by the sender's monotonic clock. Others give it back in Heard.
	SentNs int64
	// LateNs is by how much one in a thousand of its ticks was late, lately.
	LateNs int64
	// View is the newest view that it obeys.
	View view.Number
	// Stuck says that its disk has not completed a write for long; Fit that it may lead as far as it knows itself; Leaving that it is about
	// to end; Fell that its start before this one was taken down.
	Stuck, Fit, Leaving, Fell bool
	// Last is why this is the last beat of this start: Exited or Disk; NoEvidence where it is not.
	Last view.Evidence
	// Heard is what it knows of the other servers, by number.
	Heard []Heard
	// Logs is how far it is in each of its groups.
	Logs []LogEnd
}

// Heard is what the sender of a Beat knows of one server.
type Heard struct {
	Server uint64
	// Boot is the start that it has heard last, 0 for none.
	Boot uint64
	// AgeNs is how long ago that was; where nothing was heard yet, for how long it has listened.
	AgeNs int64
	// StampNs is SentNs of the newest beat: with AgeNs it shows its sender how long a beat and the answer to it were on their way.
	StampNs int64
	// Relayed says that its newest beat came by way of a third server.
	Relayed bool
	// Evidence is its opinion.
	Evidence view.Evidence
	// Down says that this start was taken down, by the newest view that the sender obeys.
	Down bool
}

// LogEnd says how far a server is in a group.
type LogEnd struct {
	Group uint32
	// Term is raft's, Leader who leads in it as far as the server knows, 0 for nobody.
	Term, Leader uint64
	// LastTerm and LastIndex name its last durable entry.
	LastTerm, LastIndex uint64
}

// maxHeard and maxLogs bound the lists of a Beat.
const (
	maxHeard = 64
	maxLogs  = 64
)

// Flags of a Beat.
const (
	beatStuck = 1 << iota
	beatFit
	beatLeaving
	beatFell
	beatKnown = beatStuck | beatFit | beatLeaving | beatFell
)

// These are set beside the evidence of a Heard.
const (
	beatRelayed = 0x80
	beatDown    = 0x40
)

// Encode returns the whole frame. It concerns no group.
func (m *Beat) Encode() []byte {
	w := codec.Writer{B: make([]byte, 0, HeaderBytes+41+len(m.Heard)*33+len(m.Logs)*36)}
	Header{Kind: KindBeat}.Append(&w)
	w.U64(m.Boot)
	w.I64(m.SentNs)
	w.I64(m.LateNs)
	w.U64(uint64(m.View))
	w.U8(flag(m.Stuck, beatStuck) | flag(m.Fit, beatFit) | flag(m.Leaving, beatLeaving) | flag(m.Fell, beatFell))
	w.U8(uint8(m.Last))
	w.Uvarint(uint64(len(m.Heard)))
	for _, h := range m.Heard {
		w.U64(h.Server)
		w.U64(h.Boot)
		w.I64(h.AgeNs)
		w.I64(h.StampNs)
		w.U8(uint8(h.Evidence) | flag(h.Relayed, beatRelayed) | flag(h.Down, beatDown))
	}
	w.Uvarint(uint64(len(m.Logs)))
	for _, l := range m.Logs {
		w.U32(l.Group)
		w.U64(l.Term)
		w.U64(l.Leader)
		w.U64(l.LastTerm)
		w.U64(l.LastIndex)
	}
	return w.B
}

func flag(set bool, bit uint8) uint8 {
	if set {
		return bit
	}
	return 0
}

// ReadBeat takes the body of a Beat.
func ReadBeat(r *codec.Reader) (Beat, error) {
	m := Beat{Boot: r.U64(), SentNs: r.I64(), LateNs: r.I64(), View: view.Number(r.U64())}
	flags := r.U8()
	m.Stuck, m.Fit, m.Leaving, m.Fell = flags&beatStuck != 0, flags&beatFit != 0, flags&beatLeaving != 0, flags&beatFell != 0
	m.Last = view.Evidence(r.U8())
	for range r.Count(maxHeard, 33) {
		h := Heard{Server: r.U64(), Boot: r.U64(), AgeNs: r.I64(), StampNs: r.I64()}
		how := r.U8()
		h.Relayed, h.Down, h.Evidence = how&beatRelayed != 0, how&beatDown != 0, view.Evidence(how&^(beatRelayed|beatDown))
		if h.AgeNs < 0 || h.Evidence > view.LastEvidence {
			r.Fail()
		}
		m.Heard = append(m.Heard, h)
	}
	for range r.Count(maxLogs, 36) {
		m.Logs = append(m.Logs, LogEnd{Group: r.U32(), Term: r.U64(), Leader: r.U64(), LastTerm: r.U64(), LastIndex: r.U64()})
	}
	if flags&^beatKnown != 0 || m.LateNs < 0 || m.Last != view.NoEvidence && m.Last != view.Exited && m.Last != view.Disk {
		r.Fail()
	}
	return m, r.Finish()
}

// Relay is a frame that a server sends to another by way of a third, which passes it on unchanged, once: the two do not hear each other.
type Relay struct {
	From, To uint64
	Frame    []byte
}

// Encode returns the whole frame. It concerns no group.
func (m Relay) Encode() []byte {
	w := codec.Writer{B: make([]byte, 0, HeaderBytes+24+len(m.Frame))}
	Header{Kind: KindRelay}.Append(&w)
	w.U64(m.From)
	w.U64(m.To)
	w.Bytes(m.Frame)
	return w.B
}

// ReadRelay takes the body of a Relay; Frame aliases the frame.
func ReadRelay(r *codec.Reader) (Relay, error) {
	m := Relay{From: r.U64(), To: r.U64(), Frame: r.Bytes(MaxFrameBytes)}
	return m, r.Finish()
}

// EncodeListen returns the whole frame that a client sends first, so that a server knows what the connection is for before anything is
// asked on it.
func EncodeListen() []byte {
	var w codec.Writer
	Header{Kind: KindListen}.Append(&w)
	return w.B
}

// News tells every client of a server who leads a group, when that changes.
type News struct {
	Term   uint64 // raft's, in which Leader leads
	Leader uint64
}

// Encode returns the whole frame.
func (m News) Encode(group uint32, epoch view.Epoch) []byte {
	var w codec.Writer
	Header{KindNews, group, epoch}.Append(&w)
	w.U64(m.Term)
	w.U64(m.Leader)
	return w.B
}

// ReadNews takes the body of a News.
func ReadNews(r *codec.Reader) (News, error) {
	m := News{Term: r.U64(), Leader: r.U64()}
	if m.Leader == 0 {
		r.Fail()
	}
	return m, r.Finish()
}
