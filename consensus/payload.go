package consensus

import (
	"encoding/binary"

	"onevoice/codec"
	"onevoice/consensus/session"
	"onevoice/view"
	"onevoice/wire"
)

// An entry's payload:
//
//	version   1 byte   payloadVersion
//	kind      1 byte   kindLead, kindCommands, kindRaise or kindView
//	epoch    16 bytes  under which it was proposed
//	log time  8 bytes  nanoseconds UTC, stamped by the leader
//	lead:    16 bytes  the leader's voter number and its start, then as view
//	view:     8 bytes  the newest view that the leader knows, then its floors
//	version:  4 bytes  the machine version from this entry on
//	commands: 4 bytes  their number, then each: session, seq, acked (8 bytes each), 1 or 0, the key's two sums
//	          (32 bytes each) where 1, and the operation with its length before it (varint)
const (
	payloadVersion = 1
	kindLead       = 1
	kindCommands   = 2
	kindRaise      = 3
	kindView       = 4

	payloadHeader  = 2 + view.EpochBytes + 8
	commandsHeader = payloadHeader + 4
	leastCommand   = 3*8 + 1 + 1
	mostCommand    = leastCommand + 64 + 4
)

// payload is a decoded entry. Commands alias the entry.
type payload struct {
	kind     uint8
	epoch    view.Epoch
	logNs    int64
	leader   uint64
	boot     uint64
	known    known
	version  uint32
	commands []session.Request
}

// startCommands begins a payload whose header is filled in when it is proposed.
func startCommands(w *codec.Writer) { w.Raw(make([]byte, commandsHeader)) }

func appendCommand(w *codec.Writer, c *wire.Command) {
	w.U64(c.Session)
	w.U64(c.Seq)
	w.U64(c.Acked)
	w.Bool(c.Key != nil)
	if c.Key != nil {
		w.Raw(c.Key.Name[:])
		w.Raw(c.Key.Body[:])
	}
	w.Bytes(c.Op)
}

func finishCommands(b []byte, epoch view.Epoch, logNs int64, count int) {
	fillHeader(b, kindCommands, epoch, logNs)
	binary.BigEndian.PutUint32(b[payloadHeader:], uint32(count))
}

func fillHeader(b []byte, kind uint8, epoch view.Epoch, logNs int64) {
	b[0], b[1] = payloadVersion, kind
	binary.BigEndian.PutUint64(b[2:], uint64(epoch.View))
	binary.BigEndian.PutUint64(b[10:], epoch.Term)
	binary.BigEndian.PutUint64(b[18:], uint64(logNs))
}

func appendLead(w *codec.Writer, epoch view.Epoch, logNs int64, leader, boot uint64, k known) {
	w.Raw(make([]byte, payloadHeader))
	fillHeader(w.B, kindLead, epoch, logNs)
	w.U64(leader)
	w.U64(boot)
	k.append(w)
}

func appendView(w *codec.Writer, epoch view.Epoch, logNs int64, k known) {
	w.Raw(make([]byte, payloadHeader))
	fillHeader(w.B, kindView, epoch, logNs)
	k.append(w)
}

// decode reads an entry's payload into p, whose memory it reuses. Any bytes give a payload or an error; a *VersionError is not for
// skipping. So whatever is new in an entry, a kind as well, takes a new version, and is written only where the machine version
// says that everybody knows it.
func (p *payload) decode(b []byte) error {
	r := codec.NewReader(b)
	if v := r.U8(); r.Err() == nil && v != payloadVersion {
		return unknown("entry format version", v, payloadVersion)
	}
	p.kind = r.U8()
	p.epoch = view.ReadEpoch(r)
	p.logNs = r.I64()
	p.leader, p.boot, p.known, p.version, p.commands = 0, 0, known{}, 0, p.commands[:0]
	switch p.kind {
	case kindLead:
		p.leader, p.boot, p.known = r.U64(), r.U64(), readKnown(r)
	case kindView:
		p.known = readKnown(r)
	case kindCommands:
		p.decodeCommands(r, b)
	case kindRaise:
		p.version = r.U32()
	default:
		r.Fail()
	}
	return r.Finish()
}

func (p *payload) decodeCommands(r *codec.Reader, b []byte) {
	n := r.U32()
	if n > batchCommands || int(n)*leastCommand > r.Len() {
		r.Fail()
		return
	}
	for range n {
		q := session.Request{Session: r.U64(), Seq: r.U64(), Acked: r.U64()}
		from := len(b) - r.Len()
		if r.Bool() {
			q.Key, q.Body = r.Raw(32), r.Raw(32)
		}
		q.Op = r.Bytes(wire.MaxCommandBytes)
		if r.Err() != nil {
			return
		}
		q.Image = b[from : len(b)-r.Len()]
		p.commands = append(p.commands, q)
	}
}
