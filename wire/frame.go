// Package wire holds the frames that servers and clients send one another, and their versions.
// It is quiet and replicated (the session table keeps its statuses): codecs over byte slices.
//
// A frame on a stream is its length (uint32, big-endian, at most MaxFrameBytes) and then its bytes:
//
//	version  1 byte   FrameVersion
//	kind     1 byte
//	group    4 bytes  the group it concerns, 0 for none
//	epoch   16 bytes  the sender's epoch of that group (view, term)
//	body              by kind
//
// DESIGN.md says why this is not protobuf.
package wire

import (
	"fmt"

	"onevoice/codec"
	"onevoice/view"
)

// FrameVersion is the version of every frame this build sends; a frame of another version is refused at the door.
const FrameVersion = 1

// MaxFrameBytes bounds a frame. A raft message holds at most 1 MiB of entries beside one entry of up to 4 MiB.
const MaxFrameBytes = 8 << 20

// HeaderBytes is the size of what precedes the body.
const HeaderBytes = 2 + 4 + view.EpochBytes

// Kind says what a frame's body is.
type Kind uint8

// The kinds of frame. The numbers are part of the format; never reuse one.
const (
	KindHello         Kind = 1  // first frame of the side that dialled: Hello
	KindWelcome       Kind = 2  // answer to it: Hello of the other side
	KindRefusal       Kind = 3  // answer in place of Welcome: a problem; the connection ends
	KindRaft          Kind = 10 // a marshalled raftpb.Message
	KindSnapshotGet   Kind = 11 // SnapshotGet
	KindSnapshotChunk Kind = 12 // SnapshotChunk
	KindClockAsk      Kind = 13 // ClockAsk
	KindClockTell     Kind = 14 // ClockTell
	KindBeat          Kind = 15 // Beat
	KindRelay         Kind = 16 // Relay
	KindCommand       Kind = 20 // Command, client to server
	KindQuery         Kind = 21 // Query, client to server
	KindWatch         Kind = 22 // Watch, client to server
	KindReply         Kind = 23 // Reply, server to client
	KindEvents        Kind = 24 // Events, server to client
	KindWatchEnd      Kind = 25 // WatchEnd, server to client; the connection ends
	KindNews          Kind = 26 // News, server to client
	KindView          Kind = 28 // a view.View, server to client
	KindListen        Kind = 27 // no body, client to server: the connection is for requests, and news are welcome on it
)

// Header is what every frame begins with.
type Header struct {
	Kind  Kind
	Group uint32
	Epoch view.Epoch
}

// Append writes the header; the caller appends the body.
func (h Header) Append(w *codec.Writer) {
	w.U8(FrameVersion)
	w.U8(uint8(h.Kind))
	w.U32(h.Group)
	h.Epoch.Append(w)
}

// Open takes the header off a frame and returns a reader of its body.
func Open(frame []byte) (Header, *codec.Reader, error) {
	r := codec.NewReader(frame)
	if v := r.U8(); r.Err() == nil && v != FrameVersion {
		return Header{}, nil, fmt.Errorf("wire: frame version %d, this build speaks %d", v, FrameVersion)
	}
	h := Header{Kind: Kind(r.U8()), Group: r.U32(), Epoch: view.ReadEpoch(r)}
	if err := r.Err(); err != nil {
		return Header{}, nil, fmt.Errorf("wire: frame header: %w", err)
	}
	return h, r, nil
}
