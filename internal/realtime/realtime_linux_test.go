package realtime

import (
	"errors"
	"os"
	"os/exec"
	"syscall"
	"testing"
)

// policy is sched_getscheduler(2) of a thread.
func policy(thread int) uintptr {
	p, _, _ := syscall.Syscall(syscall.SYS_SCHED_GETSCHEDULER, uintptr(thread), 0, 0)
	return p
}

const childVariable = "ONEVOICE_REALTIME_CHILD"

// TestAProcess asks in a process of its own, whose priority nobody else suffers from. Where the system refuses, the error says which call
// and why.
func TestAProcess(t *testing.T) {
	if os.Getenv(childVariable) == "" {
		child := exec.Command(os.Args[0], "-test.run", "TestAProcess", "-test.v")
		child.Env = append(os.Environ(), childVariable+"=1")
		if out, err := child.CombinedOutput(); err != nil {
			t.Errorf("%v: %s", err, out)
		}
		return
	}
	if err := Process(); err != nil {
		if !errors.Is(err, syscall.EPERM) {
			t.Fatal(err)
		}
		t.Logf("refused here: %v", err)
		return
	}
	done := make(chan uintptr)
	for range 8 { // some of them on threads that are started now
		go func() {
			if err := Thread(); err != nil {
				t.Error(err)
			}
			done <- policy(0)
		}()
	}
	for range 8 {
		if p := <-done; p != roundRobin {
			t.Errorf("policy %d", p)
		}
	}
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		t.Fatal(err)
	}
	if fresh, err := askAll(map[int]bool{}); err != nil || fresh < len(threads) {
		t.Errorf("%d of %d threads: %v", fresh, len(threads), err)
	}
	if p := policy(os.Getpid()); p != roundRobin {
		t.Errorf("the first thread has policy %d", p)
	}
}
