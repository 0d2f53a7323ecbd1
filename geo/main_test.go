package geo

import (
	"flag"
	"os"
	"testing"
)

// TestMain draws more cases than rapid's default; -rapid.checks overrides it.
func TestMain(m *testing.M) {
	if err := flag.Set("rapid.checks", "1000"); err != nil {
		panic(err)
	}
	os.Exit(m.Run())
}
