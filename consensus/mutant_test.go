//go:build mutants

package consensus

import (
	"fmt"
	"os"
	"testing"

	"onevoice/internal/mutant"
)

// The laboratory runs single tests of this package with a bug planted.
var _ = mutant.PlantNamed(os.Getenv(mutant.EnvName))

// Each planted bug of this room must be noticed by a scenario that holds without it.
func TestMutantsAreFound(t *testing.T) {
	everyWay := func(t testing.TB, seed uint64) { chaos(t, seed, 3) }
	scenarios := map[mutant.Bug]func(t testing.TB, seed uint64){
		mutant.AnswerBeforeDurable:   everyWay,
		mutant.ApplyBeforePersist:    everyWay,
		mutant.ForgetVote:            forgottenVote,
		mutant.VoteNotSynced:         forgottenVote,
		mutant.IgnoreEpoch:           oldEpochIsFenced,
		mutant.IgnoreVerdict:         whoIsDownHasNoEffect,
		mutant.EpochNotDurable:       everyWay,
		mutant.ReadWithoutQuorum:     func(t testing.TB, seed uint64) { deposedLeader(t, seed) },
		mutant.ReadBeforeApplied:     everyWay,
		mutant.ReadContextReused:     everyWay,
		mutant.SessionsNotInSnapshot: sessionsSurvive,
		mutant.DedupBySeqOnly:        everyWay,
		mutant.ExpiryByLocalClock:    expiryByLogTime,
		mutant.HeartbeatWhileStalled: stuckDisk,
	}
	defer mutant.Plant(mutant.None)
	for _, bug := range mutant.All() {
		scenario, here := scenarios[bug]
		if !here {
			continue // of another room
		}
		t.Run(bug.String(), func(t *testing.T) {
			mutant.Plant(bug)
			for seed := range uint64(200) {
				text := watch(t, seed, scenario)
				if text == "" {
					continue
				}
				t.Logf("found in seed %d: %s", seed, text)
				mutant.Plant(mutant.None)
				if text := watch(t, seed, scenario); text != "" {
					t.Fatalf("seed %d does not hold without the bug either: %s", seed, text)
				}
				return
			}
			t.Fatal("not found in 200 seeds")
		})
	}
}

// watch runs a scenario and returns how it failed, empty where it held.
func watch(t *testing.T, seed uint64, scenario func(testing.TB, uint64)) (text string) {
	defer func() {
		switch r := recover().(type) {
		case nil:
		case found:
			text = r.text
		default:
			text = fmt.Sprint("panic: ", r)
		}
	}()
	scenario(&witness{t}, seed)
	return ""
}
