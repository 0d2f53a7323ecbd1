package main

import (
	"errors"
	"fmt"
	"os"
	"syscall"
	"time"

	"onevoice/replica"
)

// fellVariable tells a start that the one before it was taken down.
const fellVariable = "ONEVOICE_TAKEN_DOWN"

// endPatience bounds the orderly end of a start that was taken down: its disk may be what hangs.
const endPatience = time.Second

func isTakenDown(err error) bool {
	var d *replica.Downed
	return errors.As(err, &d)
}

// startAnew puts the next start in the place of this process: the same program, arguments and process number, with nothing else left.
// It returns only where that fails.
func startAnew() error {
	if err := os.Setenv(fellVariable, "1"); err != nil {
		return fmt.Errorf("serve: start anew: %w", err)
	}
	program := "/proc/self/exe" // this very build, also where another was put in its place
	if _, err := os.Stat(program); err != nil {
		if program, err = os.Executable(); err != nil {
			return fmt.Errorf("serve: start anew: %w; start it again by hand", err)
		}
	}
	err := syscall.Exec(program, os.Args, os.Environ())
	return fmt.Errorf("serve: start anew: %w; start it again by hand", err)
}

// endsBy starts anew even where the end of this start hangs.
func endsBy(patience time.Duration) {
	time.AfterFunc(patience, func() {
		fmt.Fprintln(os.Stderr, "onevoice: "+startAnew().Error())
		os.Exit(exitError)
	})
}

// fell says whether the start before this one was taken down. It is told once: a later start for another reason knows nothing of it.
func fell() (bool, error) {
	_, was := os.LookupEnv(fellVariable)
	return was, os.Unsetenv(fellVariable)
}
