//go:build mutants

package consensus

import (
	"fmt"
	"testing"

	"onevoice/internal/mutant"
)

// Each planted bug must be noticed by the scenarios that hold without it.
func TestMutantsAreFound(t *testing.T) {
	everyWay := func(t testing.TB, seed uint64) { chaos(t, seed, 3) }
	scenarios := map[mutant.Bug]func(t testing.TB, seed uint64){
		mutant.AnswerBeforeDurable:   everyWay,
		mutant.ForgetVote:            forgottenVote,
		mutant.ReadWithoutQuorum:     func(t testing.TB, seed uint64) { deposedLeader(t, seed) },
		mutant.SessionsNotInSnapshot: sessionsSurvive,
		mutant.ExpiryByLocalClock:    expiryByLogTime,
	}
	defer mutant.Plant(mutant.None)
	for _, bug := range mutant.All() {
		t.Run(bug.String(), func(t *testing.T) {
			mutant.Plant(bug)
			for seed := range uint64(200) {
				if text := watch(t, seed, scenarios[bug]); text != "" {
					t.Logf("found in seed %d: %s", seed, text)
					return
				}
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
