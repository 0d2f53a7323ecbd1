package file

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"

	"onevoice/backup"
	"onevoice/internal/durable"
)

func fill(w io.Writer) error {
	b, err := backup.NewWriter(w, backup.Head{Server: 1, Origin: backup.Live, Program: "test", Groups: 1})
	if err != nil {
		return err
	}
	_, sum := func() (backup.Sum, error) {
		if err := errors.Join(b.Group(backup.Group{Number: 1, Machine: "toy", Index: 5, Agreed: 5, Last: 5}), b.Chunk([]byte("state"))); err != nil {
			return backup.Sum{}, err
		}
		return b.EndGroup()
	}()
	return errors.Join(sum, b.End())
}

func names(t *testing.T, dir string) (list []string) {
	t.Helper()
	entries, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		list = append(list, e.Name())
	}
	return list
}

func TestASavedFileIsRead(t *testing.T) {
	path := filepath.Join(t.TempDir(), "one.backup")
	saved, err := Save(path, fill)
	if err != nil {
		t.Fatal(err)
	}
	again, err := Read(path, backup.Visit{})
	if err != nil || again != saved || saved.Bytes == 0 {
		t.Errorf("saved %+v, read %+v, %v", saved, again, err)
	}
	if list := names(t, filepath.Dir(path)); len(list) != 1 {
		t.Errorf("left: %v", list)
	}
	if _, err := Save(path, fill); err == nil {
		t.Error("a backup was overwritten")
	}
}

// TestWhatBreaksOffLeavesNothing ends a save after each number of bytes.
func TestWhatBreaksOffLeavesNothing(t *testing.T) {
	var whole bytes.Buffer
	if err := fill(&whole); err != nil {
		t.Fatal(err)
	}
	dir := t.TempDir()
	path := filepath.Join(dir, "one.backup")
	broken := errors.New("the connection broke")
	for n := 0; n < whole.Len(); n += 7 {
		for _, end := range []error{broken, nil} {
			_, err := Save(path, func(w io.Writer) error {
				_, err := w.Write(whole.Bytes()[:n])
				return errors.Join(err, end)
			})
			var damaged *backup.Damaged
			if end != nil && !errors.Is(err, end) || end == nil && !errors.As(err, &damaged) {
				t.Fatalf("%d bytes, then %v: %v", n, end, err)
			}
			if list := names(t, dir); len(list) != 0 {
				t.Fatalf("%d bytes: left %v", n, list)
			}
		}
	}
	if err := os.WriteFile(path+durable.Partial, []byte("of a save that was killed"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := Save(path, fill); err != nil {
		t.Errorf("what a killed save left is in the way: %v", err)
	}
}
