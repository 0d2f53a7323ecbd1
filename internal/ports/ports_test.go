package ports

import (
	"net"
	"slices"
	"testing"
)

func TestFree(t *testing.T) {
	all, err := Addresses(50)
	if err != nil || len(all) != 50 {
		t.Fatalf("%d, %v", len(all), err)
	}
	for _, a := range all {
		l, err := net.Listen("tcp", a)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
	}
	slices.Sort(all)
	if len(slices.Compact(all)) != 50 {
		t.Error("one of them comes twice")
	}
	if _, err := Free(tries + 1); err == nil {
		t.Error("more than it tries were found")
	}
}
