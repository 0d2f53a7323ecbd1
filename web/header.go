package web

import (
	"encoding/hex"
	"net/http"
	"strconv"

	"onevoice/view"
	"onevoice/web/api"
)

// The headers that prove an answer. Two answers with equal Index and unequal Hash prove two voices.
const (
	headerView  = "Onevoice-View"
	headerIndex = "Onevoice-Index"
	headerAsOf  = "Onevoice-As-Of"
	headerHash  = "Onevoice-Hash"
	headerNode  = "Onevoice-Node"
	headerTag   = "Etag" // as net/http spells it
)

// exposed lists them for browsers.
const exposed = "Onevoice-View, Onevoice-Index, Onevoice-As-Of, Onevoice-Hash, Onevoice-Node, Onevoice-Known-Index, ETag, Retry-After"

// proof is what the headers of one answer say, ready for use: many answers share one index. A text in a slice of its own
// can stand in a header as it is; nothing may ever be appended to it.
type proof struct {
	view                view.Number
	index               uint64
	hash                [32]byte
	asOf                int64
	viewText, indexText []string
	asOfText, hashText  []string
	hashKnown           bool
	texts               [4]string // of which the four are made
}

func newProof(v view.Number, index uint64, hash [32]byte, asOfNs int64) *proof {
	p := &proof{view: v, index: index, hash: hash, asOf: asOfNs}
	b := strconv.AppendUint(make([]byte, 0, 160), uint64(v), 10)
	viewEnd := len(b)
	b = strconv.AppendUint(b, index, 10)
	indexEnd := len(b)
	b = api.Time(asOfNs).Append(b)
	asOfEnd := len(b)
	all := string(hex.AppendEncode(b, hash[:]))
	p.texts = [4]string{all[:viewEnd], all[viewEnd:indexEnd], all[indexEnd:asOfEnd], all[asOfEnd:]}
	p.viewText, p.indexText, p.asOfText, p.hashText = p.texts[0:1:1], p.texts[1:2:2], p.texts[2:3:3], p.texts[3:4:4]
	p.hashKnown = hash != [32]byte{}
	return p
}

func (p *proof) put(h http.Header) {
	h[headerView] = p.viewText
	h[headerIndex] = p.indexText
	h[headerAsOf] = p.asOfText
	if p.hashKnown {
		h[headerHash] = p.hashText
	}
}

// prove sets the headers of an answer made from a snapshot.
func (s *Server) prove(h http.Header, snap Snapshot) {
	h[headerNode] = s.nodeText
	if snap.State == nil {
		return
	}
	asOf := snap.State.ServiceNs()
	p := s.proof.Load()
	if p == nil || p.index != snap.Index || p.hash != snap.Hash || p.view != snap.Epoch.View || p.asOf != asOf {
		p = newProof(snap.Epoch.View, snap.Index, snap.Hash, asOf)
		s.proof.Store(p)
	}
	p.put(h)
}

// proveEntry sets the headers of an answer that an entry of the log gave: its index, and hash and service time after it.
// The view is the entry's where this server still holds it, otherwise the newest that it knows.
func (s *Server) proveEntry(h http.Header, index uint64, hash [32]byte, asOfNs int64) {
	h[headerNode] = s.nodeText
	if p := s.entryProof.Load(); p != nil && p.index == index && p.hash == hash && p.asOf == asOfNs {
		p.put(h)
		return
	}
	m, ok := s.service.Mark(index)
	if !ok {
		newProof(s.newestView(), index, hash, asOfNs).put(h)
		return
	}
	if hash == ([32]byte{}) {
		hash = m.Hash
	}
	p := newProof(m.Epoch.View, index, hash, asOfNs)
	s.entryProof.Store(p)
	p.put(h)
}

// newestView is the newest view that this server knows. It makes no state, as asking for the newest does.
func (s *Server) newestView() view.Number {
	_, last := s.service.Range()
	if m, ok := s.service.Mark(last); ok {
		return m.Epoch.View
	}
	return s.service.Latest().Epoch.View
}

// unprove takes away everything but the node.
func unprove(h http.Header) {
	for _, name := range []string{headerView, headerIndex, headerAsOf, headerHash, headerTag, headerKnown} {
		h.Del(name)
	}
}
