package bench

import (
	"bytes"
	"context"
	"fmt"
	"hash/fnv"
	"runtime"
	"slices"
	"time"

	"onevoice/airspace"
	"onevoice/machine"
)

// Held is the airspace's machine in this process, with flights.
type Held struct {
	machine *airspace.Machine
	at      machine.At
}

// NewHeld makes an empty one, whose service time is an instant and goes on slowly.
func NewHeld(begin time.Time) *Held {
	h := &Held{machine: airspace.NewAt(begin.UnixNano(), airspace.MinRateMilli), at: machine.At{Index: 1, LogTimeNs: 1}}
	h.machine.Advance(h.at, silent)
	return h
}

func silent([]byte) {}

// apply applies a command that must be accepted.
func apply(m *airspace.Machine, at machine.At, op []byte) error {
	res, err := airspace.DecodeResult(m.Apply(at, op, silent))
	if err == nil && res.Problem != nil {
		err = res.Problem
	}
	return err
}

func chunksOf(s *airspace.State) (chunks [][]byte) {
	for c := range s.Chunks() {
		chunks = append(chunks, bytes.Clone(c))
	}
	return chunks
}

// restored is another machine that was loaded from a snapshot.
func restored(chunks [][]byte) (*airspace.Machine, error) {
	m := airspace.New()
	for _, c := range chunks {
		if err := m.Load(c); err != nil {
			return nil, err
		}
	}
	return m, m.Loaded()
}

// perEntry is how many commands an entry holds, after which a root is made.
const perEntry = 64

// Fill applies commands, and gives how many a second.
func (h *Held) Fill(ops [][]byte) (float64, error) {
	start := time.Now()
	for some := range slices.Chunk(ops, perEntry) {
		h.at.Index++
		h.machine.Advance(h.at, silent)
		for i, op := range some {
			h.at.Sub = uint32(i)
			if err := apply(h.machine, h.at, op); err != nil {
				return 0, err
			}
		}
		h.machine.State()
	}
	return float64(len(ops)) / time.Since(start).Seconds(), nil
}

// Ask measures questions in a closed loop of one client; rows is how many were found in the mean.
func (h *Held) Ask(ctx context.Context, kind string, list []airspace.VolumeQuery, t Times) (f Figures, rows float64) {
	s := h.machine.State()
	found, asked := 0, 0
	f = Closed(ctx, kind, 1, t, nil, func(_ context.Context, _, n int) error {
		q := &list[n%len(list)]
		visits, err := s.InVolume(q.Volume, q.Cells, q.FromNs, q.ToNs, q.After, q.Limit)
		found, asked = found+len(visits), asked+1
		return err
	})
	return f, float64(found) / float64(max(asked, 1))
}

// Check answers each question once.
func (h *Held) Check(list []airspace.VolumeQuery) ([]Same, error) {
	var out []Same
	for _, q := range list {
		visits, err := h.machine.State().InVolume(q.Volume, q.Cells, q.FromNs, q.ToNs, q.After, q.Limit)
		if err != nil {
			return nil, err
		}
		var ids []string
		for _, o := range visits {
			ids = append(ids, o.Flight.ID)
		}
		out = append(out, SumOf(ids))
	}
	return out, nil
}

// SumOf tells what was found, in any order.
func SumOf(ids []string) Same {
	slices.Sort(ids)
	h := fnv.New64a()
	for _, id := range ids {
		_, _ = h.Write([]byte(id + "\n")) // it never fails
	}
	return Same{len(ids), fmt.Sprintf("%016x", h.Sum64())}
}

// Heap is what the process holds in memory that is in use, in bytes.
func Heap() int64 {
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

// Snapshot writes a snapshot and restores it into another machine, which must give the same chunks.
func (h *Held) Snapshot() (size int64, save, restore time.Duration, err error) {
	start := time.Now()
	chunks := chunksOf(h.machine.State())
	save = time.Since(start)
	for _, c := range chunks {
		size += int64(len(c))
	}
	start = time.Now()
	m, err := restored(chunks)
	restore = time.Since(start)
	if err != nil {
		return 0, 0, 0, err
	}
	i := 0
	for c := range m.State().Chunks() {
		if i >= len(chunks) || !bytes.Equal(c, chunks[i]) {
			return 0, 0, 0, fmt.Errorf("bench: chunk %d of the restored state is another one", i)
		}
		i++
	}
	if i < len(chunks) {
		return 0, 0, 0, fmt.Errorf("bench: the restored state has %d chunks, want %d", i, len(chunks))
	}
	return size, save, restore, nil
}
