package realtime

import (
	"fmt"
	"os"
	"runtime"
	"syscall"
	"unsafe"
)

// roundRobin is SCHED_RR of sched(7): threads of one priority take turns.
const roundRobin = 2

// Process puts this process under SCHED_RR with all its threads. Those that run already cannot be named surely (in a namespace of processes
// /proc may count otherwise than the system), so the calling one asks for itself and executes the program anew, with the same arguments: each
// thread has it from the one that starts it. It returns in that new start, or where it fails; call it before anything is open.
func Process() error {
	runtime.LockOSThread()
	defer runtime.UnlockOSThread()
	if policy() == roundRobin {
		return nil
	}
	if err := ask(); err != nil {
		return err
	}
	if err := syscall.Exec("/proc/self/exe", os.Args, os.Environ()); err != nil {
		return fmt.Errorf("real-time scheduling: start anew: %w", err)
	}
	return nil
}

// policy is sched_getscheduler(2) of the calling thread.
func policy() uintptr {
	p, _, _ := syscall.Syscall(syscall.SYS_SCHED_GETSCHEDULER, 0, 0, 0)
	return p
}

// ask is sched_setscheduler(2) of the calling thread.
func ask() error {
	param := struct{ priority int32 }{Priority}
	_, _, failed := syscall.Syscall(syscall.SYS_SCHED_SETSCHEDULER, 0, roundRobin, uintptr(unsafe.Pointer(&param)))
	if failed != 0 {
		return fmt.Errorf("real-time scheduling: sched_setscheduler: %w", failed)
	}
	return nil
}
