package law_test

import (
	"testing"

	"onevoice/internal/law"
)

// TestTree tries this repository against its table.
func TestTree(t *testing.T) {
	tree, err := law.Load("../..")
	if err != nil {
		t.Fatal(err)
	}
	for _, breach := range law.Check(tree, law.Table()) {
		t.Error(breach)
	}
	for _, name := range law.Missing(tree, law.Table()) {
		t.Logf("the table has a row for %s, and there is no such package yet", name)
	}
}
