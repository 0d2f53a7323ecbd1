// Command etcd is the etcd server, built from the version that go.mod pins, for races on one machine.
// It is wiring: onevoice bench builds it, starts it with etcd's own flags and ends it; nothing of ours is linked into it.
package main

import (
	"os"

	"go.etcd.io/etcd/server/v3/etcdmain"
)

func main() { etcdmain.Main(os.Args) }
