package realtime

import (
	"errors"
	"fmt"
	"os"
	"runtime"
	"strconv"
	"syscall"
	"unsafe"
)

// roundRobin is SCHED_RR of sched(7): threads of one priority take turns.
const roundRobin = 2

// rounds bounds the looks for threads that were started meanwhile by one not yet asked for.
const rounds = 100

// Process puts all threads of this process under SCHED_RR. Those that are started later have it from who starts them, also by exec.
func Process() error {
	asked := map[int]bool{}
	for range rounds {
		fresh, err := askAll(asked)
		if err != nil || fresh == 0 {
			return err
		}
	}
	return fmt.Errorf("real-time scheduling: threads were still being started after %d looks", rounds)
}

// askAll asks for every thread that was not asked for, and says how many those were.
func askAll(asked map[int]bool) (fresh int, err error) {
	threads, err := os.ReadDir("/proc/self/task")
	if err != nil {
		return 0, fmt.Errorf("real-time scheduling: %w", err)
	}
	for _, t := range threads {
		id, err := strconv.Atoi(t.Name())
		if err != nil || asked[id] {
			continue
		}
		if err := ask(id); err != nil && !errors.Is(err, syscall.ESRCH) {
			return fresh, fmt.Errorf("real-time scheduling: sched_setscheduler: %w", err)
		}
		asked[id] = true
		fresh++
	}
	return fresh, nil
}

// Thread binds the calling goroutine to its thread, and puts that under SCHED_RR.
func Thread() error {
	runtime.LockOSThread()
	if err := ask(0); err != nil {
		return fmt.Errorf("real-time scheduling: sched_setscheduler: %w", err)
	}
	return nil
}

// ask is sched_setscheduler(2) of one thread, 0 for the calling one.
func ask(thread int) error {
	param := struct{ priority int32 }{Priority}
	_, _, failed := syscall.Syscall(syscall.SYS_SCHED_SETSCHEDULER, uintptr(thread), roundRobin, uintptr(unsafe.Pointer(&param)))
	if failed != 0 {
		return failed
	}
	return nil
}
