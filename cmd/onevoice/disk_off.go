//go:build !dropping

package main

import (
	"onevoice/consensus"
	"onevoice/store"
)

// diskOf is the file system of a server's directory.
func diskOf(string) (store.FS, error) { return store.RealFS(), nil }

// limits are the groups' own.
func limits() consensus.Limits { return consensus.Limits{} }
