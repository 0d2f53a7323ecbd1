package crowd

import (
	"io"
	"net"
	"testing"
)

// BenchmarkSend is what it costs a server to write one roll to each of many connections: loopback TCP, the readers in the same
// process. sendNs of the world is what it shows on a machine that does something else too.
func BenchmarkSend(b *testing.B) {
	for _, bytes := range []int{120, 600} {
		b.Run(map[int]string{120: "120 bytes", 600: "600 bytes"}[bytes], func(b *testing.B) {
			const connections = 1_000
			listener, err := net.Listen("tcp", "127.0.0.1:0")
			if err != nil {
				b.Fatal(err)
			}
			defer listener.Close()
			var all []net.Conn
			for range connections {
				go func() {
					c, err := net.Dial("tcp", listener.Addr().String())
					if err == nil {
						_, _ = io.Copy(io.Discard, c)
					}
				}()
				c, err := listener.Accept()
				if err != nil {
					b.Fatal(err)
				}
				defer c.Close()
				all = append(all, c)
			}
			frame := make([]byte, bytes)
			b.ResetTimer()
			for i := range b.N {
				if _, err := all[i%connections].Write(frame); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
