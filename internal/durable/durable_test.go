package durable

import (
	"os"
	"path/filepath"
	"testing"
)

func TestWrite(t *testing.T) {
	dir := t.TempDir()
	path := filepath.Join(dir, "a")
	if err := os.WriteFile(path+Partial, []byte("of a write that was killed, and longer"), 0o600); err != nil {
		t.Fatal(err)
	}
	for _, content := range []string{"one", "another"} {
		if err := Write(path, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
		b, err := os.ReadFile(path)
		if err != nil || string(b) != content {
			t.Errorf("%q %v, want %q", b, err, content)
		}
	}
	if info, err := os.Stat(path); err != nil || info.Mode() != 0o600 {
		t.Errorf("%v %v", info, err)
	}
	onlyThat(t, dir, 1)
}

// TestWhatFailsLeavesNothing writes over a directory, which no file can replace.
func TestWhatFailsLeavesNothing(t *testing.T) {
	dir := t.TempDir()
	if err := os.MkdirAll(filepath.Join(dir, "a", "b"), 0o700); err != nil {
		t.Fatal(err)
	}
	if Write(filepath.Join(dir, "a"), []byte("x"), 0o600) == nil {
		t.Error("a directory was written over")
	}
	if Write(filepath.Join(dir, "none", "a"), nil, 0o600) == nil || SyncDir(filepath.Join(dir, "none")) == nil {
		t.Error("a file was written into no directory")
	}
	onlyThat(t, dir, 1)
}

func onlyThat(t *testing.T, dir string, n int) {
	t.Helper()
	if list, err := os.ReadDir(dir); err != nil || len(list) != n {
		t.Errorf("%v %v, want %d", list, err, n)
	}
}
