package utm

import (
	"encoding/binary"
	"fmt"
	"testing"
)

// busy is a machine with intents in one cell, in bands of a metre each, or all in the same; each with an implicit subscription.
func busy(b *testing.B, live int, stacked bool) (*Machine, []OVN) {
	m := New()
	m.Advance(Position{}, epochNs, quiet)
	var key []OVN
	for i := range live {
		if r := m.Apply(Position{uint64(i), 0}, busyPut(i, key, stacked), quiet); r.Problem != nil {
			b.Fatal(r.Problem)
		}
		key = append(key, ovnOf(i))
	}
	return m, key
}

func busyPut(i int, key []OVN, stacked bool) *Put {
	var id, sub ID
	binary.BigEndian.PutUint64(id[8:], uint64(i)+1)
	sub[0] = 1
	binary.BigEndian.PutUint64(sub[8:], uint64(i)+1)
	floor := int32(i%10_000) * 100
	if stacked {
		floor = 0
	}
	x := Extent{cellsAt(0, 1), floor, floor + 100, epochNs, epochNs + hour}
	return &Put{Kind: Intent, ID: id, Manager: "uss1", URL: "https://uss1.example", Extent: x, OVN: ovnOf(i), State: Accepted, Key: key, Implicit: &Implicit{sub, ovnOf(i), "https://uss1.example", false}}
}

// BenchmarkBusyCell puts an intent and deletes the oldest, with a full key, and takes a copy of the register after each, as a server does.
func BenchmarkBusyCell(b *testing.B) {
	for _, stacked := range []bool{false, true} {
		for _, live := range []int{10, 50, 200, 1000} {
			b.Run(fmt.Sprintf("stacked=%v/live=%d", stacked, live), func(b *testing.B) {
				m, key := busy(b, live, stacked)
				next := live
				b.ReportAllocs()
				for b.Loop() {
					p := busyPut(next, key, stacked)
					if r := m.Apply(Position{uint64(next), 0}, p, quiet); r.Problem != nil {
						b.Fatal(r.Problem)
					}
					oldest := busyPut(next-live, nil, stacked)
					if r := m.Apply(Position{uint64(next), 1}, &Delete{Intent, oldest.ID, "uss1", oldest.OVN}, quiet); r.Problem != nil {
						b.Fatal(r.Problem)
					}
					_ = m.Register().Copy()
					key = append(key[1:], p.OVN)
					next++
				}
			})
		}
	}
}

// BenchmarkExpiry lets 25,000 intents with their subscriptions end at once and reports what an entry takes.
func BenchmarkExpiry(b *testing.B) {
	entries := 0
	for b.Loop() {
		b.StopTimer()
		m := New()
		m.Advance(Position{}, epochNs, quiet)
		for i := range 25_000 {
			p := busyPut(i, nil, false)
			p.Extent.Cells = cellsAt(i*10, 10)
			if r := m.Apply(Position{uint64(i), 0}, p, quiet); r.Problem != nil {
				b.Fatal(r.Problem)
			}
		}
		b.StartTimer()
		for m.DueNs() != 0 {
			m.Advance(Position{1 << 20, uint32(entries)}, epochNs+2*hour, quiet)
			_ = m.Register().Copy()
			entries++
		}
	}
	b.ReportMetric(float64(b.Elapsed().Microseconds())/float64(entries), "us/entry")
}
