package host_test

import (
	"runtime"
	"testing"

	"onevoice/wire"
)

// idleClients is how many connections are measured: a server takes 4,096 from outside.
const idleClients = 4_000

// BenchmarkIdleClients says what a client costs a server that only listens for news: memory of this process for each connection, its own
// end included, which is a socket and nothing else. What the kernel keeps for both ends is not in it.
func BenchmarkIdleClients(b *testing.B) {
	c := newCluster(b)
	c.startAll()
	c.waitLeader()
	before, goroutines := inUse(), runtime.NumGoroutine()
	for range idleClients {
		conn := dialTCP(b, c.addrs[1])
		if _, refusal := conn.hello(b, wire.Hello{Role: wire.RoleClient, Cluster: c.id}); refusal != nil {
			b.Fatal(refusal)
		}
		if err := conn.Send([][]byte{wire.EncodeListen()}); err != nil {
			b.Fatal(err)
		}
	}
	eventually(b, "all connections are known", func() bool { return c.servers[1].Status().Clients == idleClients })
	after := inUse()
	for b.Loop() {
		runtime.Gosched()
	}
	b.ReportMetric(float64(after-before)/idleClients, "bytes/client")
	b.ReportMetric(float64(runtime.NumGoroutine()-goroutines)/idleClients, "goroutines/client")
}

// inUse is the memory of heap and stacks that is in use.
func inUse() uint64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.GC()
	runtime.ReadMemStats(&m)
	return m.HeapAlloc + m.StackInuse
}
