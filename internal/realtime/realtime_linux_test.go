package realtime

import (
	"errors"
	"os"
	"os/exec"
	"runtime"
	"strings"
	"syscall"
	"testing"
)

const childVariable = "ONEVOICE_REALTIME_CHILD"

// TestAProcess asks in a process of its own, whose priority nobody else suffers from; one in a namespace of processes too, where /proc has other
// numbers. Where the system refuses, the error says which call and why.
func TestAProcess(t *testing.T) {
	if os.Getenv(childVariable) != "" {
		asChild(t)
		return
	}
	for _, flags := range []uintptr{0, syscall.CLONE_NEWPID} {
		child := exec.Command(os.Args[0], "-test.run", "TestAProcess", "-test.v")
		child.Env = append(os.Environ(), childVariable+"=1")
		child.SysProcAttr = &syscall.SysProcAttr{Cloneflags: flags}
		out, err := child.CombinedOutput()
		switch {
		case errors.Is(err, syscall.EPERM) && flags != 0:
			t.Log("no namespace can be made here")
		case err != nil || !strings.Contains(string(out), "PASS: TestAProcess"):
			t.Errorf("%v: %s", err, out)
		}
	}
}

func asChild(t *testing.T) {
	if err := Process(); err != nil {
		if !errors.Is(err, syscall.EPERM) {
			t.Fatal(err)
		}
		t.Logf("refused here: %v", err)
		return
	}
	runtime.GC() // its workers are threads too
	const threads = 16
	policies, hold := make(chan uintptr), make(chan struct{})
	for range threads {
		go func() {
			runtime.LockOSThread() // so that the next one gets another
			policies <- policy()
			<-hold
		}()
	}
	for range threads {
		if p := <-policies; p != roundRobin {
			t.Errorf("policy %d", p)
		}
	}
	close(hold)
}
