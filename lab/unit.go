package lab

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"time"

	"onevoice/internal/mutant"
)

// unitTest is a test that holds without a planted bug and fails with it.
type unitTest struct {
	room, name string
}

// unitTests are those of the bugs that no simulated world can show; DESIGN.md says why.
func unitTests() map[mutant.Bug]unitTest {
	return map[mutant.Bug]unitTest{
		mutant.IgnoreEpoch:           {"./consensus", "TestOldEpochIsFenced"},
		mutant.HeartbeatWhileStalled: {"./consensus", "TestLeaderWithStuckDiskIsReplaced"},
		mutant.DamageIsTorn:          {"./store", "TestOneBitAnywhereIsNoticed"},
		mutant.DirectoryNotSynced:    {"./store", "TestEveryCrashPointHoldsWhatWasAcknowledged"},
		mutant.IgnoreVerdict:         {"./consensus", "TestWhoIsDownHasNoEffect"},
		mutant.BackFromDown:          {"./oracle", "TestDownIsFinal"},
		mutant.VictimReports:         {"./oracle", "TestOthersWhoDoNotCount"},
		mutant.DownedReports:         {"./oracle", "TestWhoDoesNotCount"},
		mutant.OldReports:            {"./detect", "TestReportsThatDoNotCount"},
		mutant.LatenessIgnored:       {"./detect", "TestWhoWasLateHasNoOpinion"},
		mutant.DownedIsHeard:         {"./client/core", "TestWhoIsDownIsLeft"},
	}
}

func (u unitTest) args() []string {
	return []string{"test", "-tags", "mutants", "-count", "1", "-run", "^" + u.name + "$", u.room}
}

// hunt runs the test without the bug, which must hold, and with it.
func (u unitTest) hunt(ctx context.Context, dir string, bug mutant.Bug) (Hunt, error) {
	root, err := sourceRoot(dir)
	if err != nil {
		return Hunt{}, err
	}
	start := time.Now()
	failed, text, err := u.run(ctx, root, mutant.None)
	if err != nil {
		return Hunt{}, err
	}
	if failed {
		return Hunt{}, fmt.Errorf("lab: %s in %s fails without a planted bug, so it proves nothing: %s", u.name, u.room, text)
	}
	h := Hunt{Bug: bug.String(), Invariant: u.room[2:] + "." + u.name}
	h.Found, h.Evidence, err = u.run(ctx, root, bug)
	h.Took = time.Since(start)
	h.Command = fmt.Sprintf("%s=%s go %s", mutant.EnvName, bug, strings.Join(u.args(), " "))
	return h, err
}

// run says whether the test failed, and what it printed. A test that does not build, or is not there, is an error.
func (u unitTest) run(ctx context.Context, root string, bug mutant.Bug) (failed bool, text string, err error) {
	cmd := exec.CommandContext(ctx, "go", u.args()...)
	cmd.Dir, cmd.Env = root, append(os.Environ(), mutant.EnvName+"="+bug.String())
	out, err := cmd.CombinedOutput()
	text = string(out[:min(len(out), stderrMost)])
	var ended *exec.ExitError
	switch {
	case err == nil && (bytes.Contains(out, []byte("no tests to run")) || bytes.Contains(out, []byte("no test files"))):
		return false, text, fmt.Errorf("lab: there is no test %s in %s", u.name, u.room)
	case err == nil:
		return false, text, nil
	case errors.As(err, &ended) && bytes.Contains(out, []byte("--- FAIL: "+u.name)):
		return true, text, nil
	}
	return false, text, fmt.Errorf("lab: go %s in %s: %w\n%s", strings.Join(u.args(), " "), root, err, text)
}
