package real

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"sync"
	"testing"
)

// sleeper makes the test binary a worker that starts a cluster in the directory named, and goes on until it is killed.
const sleeper = "ONEVOICE_LAB_TEST_SLEEPER"

// TestMain runs the tests in a namespace of their own where that can be made; elsewhere the tests that need one skip.
func TestMain(m *testing.M) {
	switch {
	case os.Getenv(sleeper) != "":
		sleepOn(os.Getenv(sleeper))
	case os.Getenv(inside) == "" && Unable() == nil:
		os.Exit(reborn())
	}
	code := m.Run()
	if built != "" {
		os.RemoveAll(built)
	}
	os.Exit(code)
}

// reborn runs this program once more inside, and gives its exit code.
func reborn() int {
	runtime.LockOSThread()
	cmd := exec.Command(os.Args[0], os.Args[1:]...)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	Within(cmd)
	err := cmd.Run()
	var exit *exec.ExitError
	switch {
	case err == nil:
		return 0
	case errors.As(err, &exit):
		return exit.ExitCode()
	}
	fmt.Fprintln(os.Stderr, err)
	return 1
}

func needsSpace(t *testing.T) {
	t.Helper()
	if !Inside() {
		t.Skipf("skipped: %v", Unable())
	}
	if err := raise(); err != nil {
		t.Fatal(err)
	}
}

// built is the directory with the program, where a test has needed it.
var built string

var build = sync.OnceValues(func() (string, error) {
	dir, err := os.MkdirTemp("", "onevoice-real-test-")
	if err != nil {
		return "", err
	}
	built = dir
	binary := filepath.Join(dir, "onevoice")
	cmd := exec.Command("go", "build", "-buildvcs=false", "-o", binary, "../../cmd/onevoice")
	if out, err := cmd.CombinedOutput(); err != nil {
		return "", fmt.Errorf("go build: %w\n%s", err, out)
	}
	return binary, nil
})

// server builds the program from source, once.
func server(t *testing.T) string {
	t.Helper()
	path, err := build()
	if err != nil {
		t.Fatal(err)
	}
	return path
}
