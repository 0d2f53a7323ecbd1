package ring

import (
	"slices"
	"testing"

	"pgregory.net/rapid"
)

// crowd is n members with gaps between their numbers, as places in a log have.
func crowd(n int) []uint64 {
	ids := make([]uint64, n)
	for i := range ids {
		ids[i] = uint64(i*i+1) << 16
	}
	return ids
}

func TestEverybodyHasObserversAndSubjects(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		ids := crowd(rapid.IntRange(2, 200).Draw(t, "members"))
		seed := Seed{rapid.Byte().Draw(t, "seed")}
		r := New(seed, ids)
		observes := map[[2]uint64]bool{}
		for _, id := range ids {
			subjects := r.Subjects(id)
			if slices.Contains(subjects, id) || !slices.IsSorted(subjects) || len(subjects) == 0 {
				t.Fatalf("%d observes %v", id, subjects)
			}
			if len(ids) <= FullMost && len(subjects) != len(ids)-1 || len(ids) > FullMost && len(subjects) > K {
				t.Fatalf("%d of %d observes %d others", id, len(ids), len(subjects))
			}
			if alone := Subjects(seed, ids, id); !slices.Equal(alone, subjects) {
				t.Fatalf("%d observes %v, and finds alone %v", id, subjects, alone)
			}
			for _, s := range subjects {
				observes[[2]uint64{id, s}] = true
			}
		}
		seen := 0
		for _, id := range ids {
			for _, o := range r.Observers(id) {
				if seen++; !observes[[2]uint64{o, id}] {
					t.Fatalf("%d is an observer of %d, and %d no subject of it", o, id, id)
				}
			}
		}
		if seen != len(observes) {
			t.Fatalf("%d pairs from one side, %d from the other", seen, len(observes))
		}
	})
}

// TestEachRingIsOne: counted by ring everybody has exactly K subjects and K observers, so nobody bears more than others.
func TestEachRingIsOne(t *testing.T) {
	ids := crowd(1_000)
	r := New(Seed{7}, ids)
	for k, ring := range r.rings {
		var on []uint64
		for _, p := range ring {
			on = append(on, p.id)
		}
		if slices.Sort(on); !slices.Equal(on, ids) || !slices.IsSortedFunc(ring, byKey) {
			t.Errorf("ring %d does not hold everybody once", k)
		}
	}
}

// TestAThousandHaveTenEach: where there are many, the ten are almost always ten others.
func TestAThousandHaveTenEach(t *testing.T) {
	ids := crowd(1_000)
	r := New(Seed{9}, ids)
	fewer := 0
	for _, id := range ids {
		if n := len(r.Observers(id)); n < 9 {
			t.Errorf("%d has %d observers", id, n)
		} else if n < K {
			fewer++
		}
	}
	if fewer > 100 { // some 45 are expected: 45 pairs of rings, and each meets in one of a thousand
		t.Errorf("%d of 1000 have fewer than ten", fewer)
	}
}

func TestAnotherSeedDrawsAnew(t *testing.T) {
	ids := crowd(1_000)
	a, b := New(Seed{1}, ids), New(Seed{2}, ids)
	same, all := 0, 0
	for _, id := range ids {
		before := a.Observers(id)
		for _, o := range b.Observers(id) {
			if all++; slices.Contains(before, o) {
				same++
			}
		}
	}
	if same*20 > all { // one in a hundred is expected
		t.Errorf("%d of %d observers stayed", same, all)
	}
}

// TestWhoGoesMovesOnlyNeighbours: under one seed, a member that leaves changes nothing but for those that stood beside it.
func TestWhoGoesMovesOnlyNeighbours(t *testing.T) {
	ids := crowd(300)
	before := New(Seed{3}, ids)
	gone := ids[77]
	after := New(Seed{3}, slices.DeleteFunc(slices.Clone(ids), func(id uint64) bool { return id == gone }))
	beside := before.Subjects(gone)
	for _, id := range ids {
		if id == gone || slices.Contains(beside, id) {
			continue
		}
		if a, b := before.Observers(id), after.Observers(id); !slices.Equal(a, b) {
			t.Errorf("%d was observed by %v, now by %v", id, a, b)
		}
	}
	if after.Observers(gone) != nil || Subjects(Seed{3}, ids, 5) != nil {
		t.Error("a stranger stands on the rings")
	}
}

// TestGolden: the same on every build.
func TestGolden(t *testing.T) {
	ids := make([]uint64, 20)
	for i := range ids {
		ids[i] = uint64(i + 1)
	}
	if got, want := New(Seed{1, 2, 3}, ids).Observers(11), []uint64{2, 6, 8, 10, 12, 15, 16}; !slices.Equal(got, want) {
		t.Errorf("the rings changed: %v, want %v", got, want)
	}
}

func BenchmarkNew(b *testing.B) {
	ids := crowd(16_384)
	for b.Loop() {
		New(Seed{1}, ids)
	}
}

func BenchmarkSubjectsAlone(b *testing.B) {
	ids := crowd(16_384)
	for b.Loop() {
		Subjects(Seed{1}, ids, ids[5])
	}
}
