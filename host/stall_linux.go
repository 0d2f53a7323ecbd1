//go:build amd64 || arm64

package host

import (
	"net"
	"syscall"
	"time"
	"unsafe"
)

// stalled says whether what was sent on a TCP connection is lost or held up.
func (w *stallWatch) stalled(conn net.Conn, now time.Time) bool {
	o, ok := sent(conn)
	return ok && w.judge(o, now)
}

// sent asks the system by TCP_INFO of tcp(7); false where the connection is closed or not TCP.
func sent(conn net.Conn) (onWay, bool) {
	c, ok := conn.(syscall.Conn)
	if !ok {
		return onWay{}, false
	}
	raw, err := c.SyscallConn()
	if err != nil {
		return onWay{}, false
	}
	var info syscall.TCPInfo
	size, failed := uint32(syscall.SizeofTCPInfo), syscall.Errno(0)
	err = raw.Control(func(fd uintptr) {
		_, _, failed = syscall.Syscall6(syscall.SYS_GETSOCKOPT, fd, syscall.IPPROTO_TCP, syscall.TCP_INFO,
			uintptr(unsafe.Pointer(&info)), uintptr(unsafe.Pointer(&size)), 0)
	})
	if err != nil || failed != 0 {
		return onWay{}, false
	}
	return onWay{
		segments: int(info.Unacked), repeats: int(info.Retransmits), silence: time.Duration(info.Last_ack_recv) * time.Millisecond,
		rtt: time.Duration(info.Rtt+4*info.Rttvar) * time.Microsecond,
	}, true
}
