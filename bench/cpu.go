package bench

import (
	"fmt"
	"os"
	"strconv"
	"strings"
	"time"
)

// clockTick is the unit of the kernel's processor times on every Linux platform that Go runs on.
const clockTick = 10 * time.Millisecond

// CPU is the processor time, in user and system mode, that processes have used since they started. It reads /proc, so it
// knows nothing on other systems than Linux and returns 0 there.
func CPU(pids []int) time.Duration {
	var total time.Duration
	for _, pid := range pids {
		content, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
		if err != nil {
			return 0
		}
		// The second field is the command in parentheses and may hold anything; utime and stime are the 14th and 15th.
		_, rest, _ := strings.Cut(string(content), ") ")
		fields := strings.Fields(rest)
		if len(fields) < 13 {
			return 0
		}
		for _, f := range fields[11:13] {
			ticks, err := strconv.ParseInt(f, 10, 64)
			if err != nil {
				return 0
			}
			total += time.Duration(ticks) * clockTick
		}
	}
	return total
}

// RSS is the memory that a process holds, in bytes; 0 where /proc does not say.
func RSS(pid int) int64 {
	content, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		return 0
	}
	_, rest, _ := strings.Cut(string(content), "VmRSS:")
	fields := strings.Fields(rest)
	if len(fields) == 0 {
		return 0
	}
	kib, _ := strconv.ParseInt(fields[0], 10, 64) // 0 where it is none
	return kib << 10
}
