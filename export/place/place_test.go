package place

import (
	"bytes"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"onevoice/export"
	"onevoice/internal/durable"
)

func mustOpen(t *testing.T, o Options) export.Place {
	t.Helper()
	p, err := Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// TestPlaces holds each kind of place against what export asks of one.
func TestPlaces(t *testing.T) {
	for name, open := range map[string]func(t *testing.T) export.Place{
		"directory": func(t *testing.T) export.Place {
			return mustOpen(t, Options{To: filepath.Join(t.TempDir(), "a", "b"), Write: true})
		},
		"store": func(t *testing.T) export.Place {
			_, at := newBucket(t)
			return mustOpen(t, Options{To: "s3://sky/some/where", Endpoint: at, Write: true})
		},
		"store without a prefix": func(t *testing.T) export.Place {
			_, at := newBucket(t)
			return mustOpen(t, Options{To: "s3://sky", Endpoint: at, Region: "eu-central-2"})
		},
	} {
		t.Run(name, func(t *testing.T) { holds(t, open(t)) })
	}
}

func holds(t *testing.T, p export.Place) {
	big := bytes.Repeat([]byte("0123456789"), 200_000)
	if _, _, err := p.Get("events/1"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that is not there: %v", err)
	}
	for _, name := range []string{"events/3", "events/1", "events/2", "eventsx/1", "position.json"} {
		if err := p.Put(name, append([]byte(name), big...)); err != nil {
			t.Fatal(err)
		}
	}
	if err := p.Put("events/2", big); err != nil {
		t.Fatal(err)
	}
	if b, tag, err := p.Get("events/2"); err != nil || !bytes.Equal(b, big) || tag == "" {
		t.Errorf("%d bytes, tag %q, %v", len(b), tag, err)
	}
	names, err := p.List("events")
	if err != nil || !slices.Equal(names, []string{"events/1", "events/2", "events/3"}) {
		t.Errorf("%v %v", names, err)
	}
	if names, err := p.List("nothing"); err != nil || len(names) > 0 {
		t.Errorf("%v %v", names, err)
	}
	if err := p.Remove("events/1"); err != nil {
		t.Error(err)
	}
	if _, _, err := p.Get("events/1"); !errors.Is(err, fs.ErrNotExist) {
		t.Errorf("a file that was removed: %v", err)
	}
	swaps(t, p)
}

func swaps(t *testing.T, p export.Place) {
	first, err := p.Swap("mine.json", []byte("first"), "")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Swap("mine.json", []byte("other"), ""); !errors.Is(err, export.ErrTaken) {
		t.Errorf("a file that is there was made anew: %v", err)
	}
	second, err := p.Swap("mine.json", []byte("second"), first)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := p.Swap("mine.json", []byte("other"), first); !errors.Is(err, export.ErrTaken) {
		t.Errorf("a file that had changed was written over: %v", err)
	}
	if b, tag, err := p.Get("mine.json"); err != nil || string(b) != "second" || tag != second {
		t.Errorf("%q %q %v", b, tag, err)
	}
	if _, err := p.Swap("none.json", []byte("other"), first); !errors.Is(err, export.ErrTaken) {
		t.Errorf("a file that is gone was written over: %v", err)
	}
}

// TestALostAnswerIsOurOwn: a conditional write that took effect and whose answer was lost is repeated, and is no other exporter.
func TestALostAnswerIsOurOwn(t *testing.T) {
	b, at := newBucket(t)
	p := mustOpen(t, Options{To: "s3://sky/x", Endpoint: at})
	tag, err := p.Swap("position.json", []byte("one"), "")
	if err != nil {
		t.Fatal(err)
	}
	b.lose = 1
	if _, err := p.Swap("position.json", []byte("two"), tag); err != nil {
		t.Error(err)
	}
	if string(b.files["x/position.json"]) != "two" {
		t.Errorf("%q", b.files)
	}
}

func TestOneExporterADirectory(t *testing.T) {
	root := t.TempDir()
	mustOpen(t, Options{To: root, Write: true})
	if _, err := Open(t.Context(), Options{To: root, Write: true}); err == nil || !strings.Contains(err.Error(), "another exporter") {
		t.Errorf("a second one: %v", err)
	}
	p := mustOpen(t, Options{To: root})
	if err := os.WriteFile(filepath.Join(root, "x"+durable.Partial), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	if names, err := p.List("."); err != nil || !slices.Equal(names, []string{"./.lock"}) {
		t.Errorf("what is being written is listed: %v %v", names, err)
	}
}

func TestPlacesThatAreNone(t *testing.T) {
	t.Setenv("AWS_ACCESS_KEY_ID", "")
	t.Setenv("MINIO_ACCESS_KEY", "")
	t.Setenv("MINIO_ROOT_USER", "")
	t.Setenv("AWS_SHARED_CREDENTIALS_FILE", filepath.Join(t.TempDir(), "none"))
	for _, o := range []Options{
		{To: "http://host/x"}, {To: "s3://"}, {To: "s3://me:secret@bucket/x"}, {To: "s3://b?x=1"}, {To: filepath.Join(t.TempDir(), "none")},
		{To: t.TempDir(), Endpoint: "http://x"}, {To: "s3://sky/x"}, {To: "s3://sky/x", Endpoint: "x:9000"}, {To: "s3://sky/x", Endpoint: "http://x/y"},
	} {
		if p, err := Open(t.Context(), o); err == nil {
			t.Errorf("%+v is %T", o, p)
		}
	}
}
