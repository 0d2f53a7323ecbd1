//go:build !nextversion

package airspace

// MaxVersion is the highest machine version that this build's airspace knows: see machine.At. It knows all from 1 on.
const MaxVersion = 1

// evolve is where results differ by machine version: in no way yet.
func evolve(uint32, *Result) {}
