package fresh

import (
	"bytes"
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"testing/synctest"
	"time"
)

// join makes a text of two files that have to be of one length, as a key and its certificate belong together.
func join(contents [][]byte) (string, error) {
	if len(contents[0]) != len(contents[1]) {
		return "", errors.New("the two do not fit")
	}
	return string(contents[0]) + string(contents[1]), nil
}

func put(t *testing.T, name, content string) {
	t.Helper()
	if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
}

// TestFilesAreExchangedUnderARunningServer changes both files, one after the other, then one into nonsense.
func TestFilesAreExchangedUnderARunningServer(t *testing.T) {
	dir := t.TempDir()
	a, b := filepath.Join(dir, "a"), filepath.Join(dir, "b")
	put(t, a, "1")
	put(t, b, "2")
	synctest.Test(t, func(t *testing.T) {
		var text bytes.Buffer
		k, err := Open("things", []string{a, b}, join, slog.New(slog.NewTextHandler(&text, nil)))
		if err != nil || k.Get() != "12" {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		hup := make(chan os.Signal)
		go k.Run(ctx, hup)
		state := func(what, value string, taken, refused uint64) {
			t.Helper()
			synctest.Wait()
			if n, m := k.Stats(); k.Get() != value || n != taken || m != refused {
				t.Errorf("%s: %q in use, %d taken, %d refused: %v", what, k.Get(), n, m, k.Err())
			}
		}
		look := func() { time.Sleep(Every) }
		look()
		state("nothing has changed", "12", 0, 0)
		put(t, a, "33")
		look()
		state("between the two", "12", 0, 0)
		put(t, b, "44")
		look()
		state("both have changed", "3344", 1, 0)
		put(t, b, "5")
		look()
		state("wrong for one look", "3344", 1, 0)
		look()
		state("wrong for two looks", "3344", 1, 1)
		look()
		state("wrong for three", "3344", 1, 1)
		if err := k.Err(); err == nil || !strings.Contains(text.String(), "do not fit") {
			t.Errorf("%v: %s", err, text.String())
		}
		put(t, a, "6")
		hup <- os.Interrupt
		state("at once when told", "65", 2, 1)
		put(t, a, "77")
		hup <- os.Interrupt
		state("wrong, at once when told", "65", 2, 2)
		put(t, a, "6")
		look()
		state("put back", "65", 2, 2)
		if k.Err() != nil {
			t.Errorf("%v", k.Err())
		}
		if err := os.Remove(a); err != nil {
			t.Fatal(err)
		}
		look()
		look()
		state("gone", "65", 2, 3)
		cancel()
	})
}

func TestReadIsBounded(t *testing.T) {
	name := filepath.Join(t.TempDir(), "long")
	put(t, name, strings.Repeat("x", MaxFileBytes))
	if b, err := Read(name); err != nil || len(b) != MaxFileBytes {
		t.Errorf("%d bytes, %v", len(b), err)
	}
	put(t, name, strings.Repeat("x", MaxFileBytes+1))
	if _, err := Read(name); err == nil || !strings.Contains(err.Error(), "allowed: a file of up to") {
		t.Errorf("%v", err)
	}
}
