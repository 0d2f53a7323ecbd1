package bench

import (
	"context"
	"slices"
	"testing"
	"time"

	"onevoice/airspace"
)

// TestHeldAnswersAll looks at every flight for a few questions, and restores what it holds.
func TestHeldAnswersAll(t *testing.T) {
	day := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	v := NewVolumes(1, day)
	var flights []airspace.Flight
	var ops [][]byte
	for n := range 2000 {
		flights = append(flights, v.Flight(n))
		ops = append(ops, airspace.Encode(airspace.PutFlight{Flight: flights[n]}))
	}
	h := NewHeld(day)
	if _, err := h.Fill(ops); err != nil {
		t.Fatal(err)
	}
	for range 50 {
		q := v.Question(100)
		var ids []string
		for i := range flights {
			at := &flights[i].Volumes[0]
			if box := q.Volume.BBox(); at.Area.BBox().Meets(box) && at.FromNs < q.ToNs && at.ToNs > q.FromNs && at.Area.Band.Floor.Cm < q.Volume.Band.Ceiling.Cm {
				ids = append(ids, flights[i].ID)
			}
		}
		got, err := h.Check([]airspace.VolumeQuery{q})
		if err != nil || len(got) != 1 || got[0].Rows > len(ids) || got[0].Rows < len(ids)*9/10 || got[0].Rows == 0 {
			t.Fatalf("%v: %+v, want at most %d", err, got, len(ids))
		}
	}
	f, rows := h.Ask(context.Background(), "some", []airspace.VolumeQuery{v.Question(100), v.Question(100), v.Question(100)}, Times{Measure: 10 * time.Millisecond})
	if f.Failed > 0 || f.OK == 0 || rows == 0 {
		t.Errorf("%+v with %v rows", f, rows)
	}
	if size, _, _, err := h.Snapshot(); err != nil || size < 100_000 {
		t.Errorf("a snapshot of %d bytes: %v", size, err)
	}
	if a, b := SumOf([]string{"b", "a"}), SumOf([]string{"a", "b"}); a != b || a == SumOf(slices.Clone([]string{"a"})) {
		t.Errorf("%v and %v", a, b)
	}
}

// TestAnswersEqualTheModel asks small stores; lab query asks more, and large ones.
func TestAnswersEqualTheModel(t *testing.T) {
	for seed := range uint64(20) {
		done, err := Questioned{Entities: 150, Questions: 50, Seed: seed}.Run(context.Background())
		if err != nil {
			t.Fatal(err)
		}
		if done.Questions != 50 || done.Rows == 0 || done.Restored != modelParts {
			t.Errorf("seed %d: %+v", seed, done)
		}
	}
}
