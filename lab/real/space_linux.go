package real

import (
	"errors"
	"fmt"
	"os"
	"os/exec"
	"strings"
	"syscall"
)

// inside marks a process that was started by Within, so that nobody cuts links of the machine itself.
const inside = "ONEVOICE_LAB_NAMESPACE"

// Within prepares a command to run in a new network namespace and a new process namespace, which end with it. It ends
// when the thread that starts it does, so start and wait from one locked to its thread.
func Within(cmd *exec.Cmd) {
	if cmd.Env == nil {
		cmd.Env = os.Environ()
	}
	cmd.Env = append(cmd.Env, inside+"=1")
	cmd.SysProcAttr = &syscall.SysProcAttr{
		Cloneflags: syscall.CLONE_NEWNET | syscall.CLONE_NEWPID,
		Pdeathsig:  syscall.SIGKILL,
		Setpgid:    true, // a Ctrl-C is for the process that waits, which then ends this one
	}
	if os.Geteuid() != 0 {
		cmd.SysProcAttr.Cloneflags |= syscall.CLONE_NEWUSER
		cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
}

// Inside says whether this process was started by Within.
func Inside() bool { return os.Getenv(inside) != "" && os.Getpid() == 1 }

// Unable says why this machine cannot run real clusters, nil if it can. It tries what they need in a namespace that it
// throws away.
func Unable() error {
	for _, tool := range []string{"nft", "ip"} {
		if _, err := exec.LookPath(tool); err != nil {
			return fmt.Errorf("lab real: there is no %s command: install nftables and iproute2", tool)
		}
	}
	cmd := exec.Command("/bin/sh", "-c", "ip link set lo up && nft -f -")
	cmd.Stdin = strings.NewReader(ruleset(nil, nil))
	Within(cmd)
	if out, err := cmd.CombinedOutput(); err != nil {
		return fmt.Errorf("lab real: no network namespace with packet filter can be made here (root, or unprivileged user namespaces, are needed): %w: %s",
			err, strings.TrimSpace(string(out)))
	}
	return nil
}

// raise brings up the loopback interface of the namespace.
func raise() error {
	if !Inside() {
		return errors.New("lab real: this process is in no namespace of its own; start it with real.Within")
	}
	if out, err := exec.Command("ip", "link", "set", "lo", "up").CombinedOutput(); err != nil {
		return fmt.Errorf("lab real: ip link set lo up: %w: %s", err, out)
	}
	return nil
}

// passMark is the mark of packets that are not turned into a relay: the relays' own.
const passMark = 7

// markPass gives a socket the mark.
func markPass(_, _ string, c syscall.RawConn) error {
	var failed error
	err := c.Control(func(fd uintptr) {
		failed = syscall.SetsockoptInt(int(fd), syscall.SOL_SOCKET, syscall.SO_MARK, passMark)
	})
	return errors.Join(err, failed)
}
