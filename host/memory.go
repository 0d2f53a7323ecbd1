package host

import (
	"encoding/binary"
	"fmt"
	"sync"

	"onevoice/codec"
	"onevoice/problem"
	"onevoice/step"
	"onevoice/store"
	"onevoice/wire"
)

// peerPrefix begins the keys under which the store remembers the other servers: + voter number (uint64, big-endian).
const peerPrefix = store.LocalPrefix + "peer/"

// peerVersion is the version of such a record: version, store, boot, start, checksum. Version 1 had no start.
const peerVersion = 2

// seen is the disk and the newest start of a server that this one has met.
type seen struct {
	store wire.ID
	boot  uint64
	start uint64 // the random number of that start; 0: not told
}

// memory holds what was seen of each other server, durably, so that a disk that was wiped or put back to an older state
// is told from the one that made promises.
type memory struct {
	disk *store.Store

	mu    sync.Mutex
	peers map[uint64]seen
}

func openMemory(disk *store.Store) (*memory, error) {
	m := &memory{disk: disk, peers: map[uint64]seen{}}
	for key, value := range disk.Scan([]byte(peerPrefix)) {
		number, s, err := decodePeer(key, value)
		if err != nil {
			return nil, fmt.Errorf("host: %s: record of a peer: %w", disk.Dir(), err)
		}
		m.peers[number] = s
	}
	return m, disk.Err()
}

func encodePeer(number uint64, s seen) step.Op {
	var w codec.Writer
	w.U8(peerVersion)
	w.Raw(s.store[:])
	w.U64(s.boot)
	w.U64(s.start)
	return step.Op{Kind: step.Set, Key: binary.BigEndian.AppendUint64([]byte(peerPrefix), number), Value: store.Seal(w.B)}
}

func decodePeer(key, value []byte) (number uint64, s seen, err error) {
	record, err := store.Unseal(value)
	if err != nil {
		return 0, seen{}, err
	}
	k, r := codec.NewReader(key[len(peerPrefix):]), codec.NewReader(record)
	number = k.U64()
	version := r.U8()
	if r.Err() == nil && version != 1 && version != peerVersion {
		return 0, seen{}, fmt.Errorf("version %d, this build reads up to %d", version, peerVersion)
	}
	copy(s.store[:], r.Raw(len(s.store)))
	s.boot = r.U64()
	if version == peerVersion {
		s.start = r.U64()
	}
	if err := k.Finish(); err != nil {
		return 0, seen{}, err
	}
	return number, s, r.Finish()
}

// admit compares a server with what was seen of it, and remembers it durably before it says yes.
func (m *memory) admit(h wire.Hello) *problem.Error {
	m.mu.Lock()
	defer m.mu.Unlock()
	known, met := m.peers[h.Server]
	switch {
	case met && known.store != h.Store:
		return refuse(h, "store", fmt.Sprintf("%x", h.Store), fmt.Sprintf("%x", known.store),
			"another disk than the one that made promises under this number: a wiped disk is a stranger; give the new server a new number")
	case met && h.Boot < known.boot:
		return refuse(h, "boot", fmt.Sprint(h.Boot), fmt.Sprintf("from %d", known.boot),
			"this disk is older than what its server has shown: it has forgotten promises; replace the server by a new one with an empty disk")
	case met && !known.startedBy(h):
		return refuse(h, "start", fmt.Sprintf("%d", h.Boot), "the starts of the disk seen before",
			"two copies of one disk have run: this one does not hold what the other has promised; replace the server by a new one with an empty disk")
	}
	now := seen{store: h.Store, boot: h.Boot}
	if len(h.Starts) > 0 {
		now.start = h.Starts[0]
	}
	if met && now == known {
		return nil
	}
	done := make(chan error, 1)
	m.disk.Write(step.Write{Ops: []step.Op{encodePeer(h.Server, now)}, Sync: true}, func(err error) { done <- err })
	select {
	case err := <-done:
		if err == nil {
			m.peers[h.Server] = now
			return nil
		}
	case <-m.disk.Failed():
	}
	return &problem.Error{Kind: problem.Internal, Op: "connect", Field: "disk", Detail: "this server's disk failed"}
}

// startedBy says whether h, of the same disk and no earlier start, continues what was seen. Where one of the two does not tell
// that start's number, nothing can be said against it.
func (s seen) startedBy(h wire.Hello) bool {
	ago := h.Boot - s.boot
	return s.start == 0 || ago >= uint64(len(h.Starts)) || h.Starts[ago] == s.start
}

func refuse(h wire.Hello, field, value, allowed, detail string) *problem.Error {
	return &problem.Error{
		Kind: problem.Refused, Op: "connect", Subject: fmt.Sprintf("server %d", h.Server), Field: field, Value: value, Allowed: allowed,
		Detail: detail,
	}
}
