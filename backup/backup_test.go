package backup

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"testing/iotest"

	"onevoice/codec"
	"onevoice/view"
	"onevoice/wire"
)

// part is one group of a backup made for tests.
type part struct {
	group  Group
	chunks [][]byte
}

func sample() (Head, []part) {
	h := Head{Cluster: wire.ID{1, 2, 3}, Server: 2, Origin: DiskWithTail, TimeNs: 1_533_099_600_000_000_000, Program: "v0.2.0", Groups: 2}
	return h, []part{
		{Group{Number: 1, Machine: "airspace", Version: 1, Index: 812, Epoch: view.Epoch{View: 3, Term: 7}, Hash: [32]byte{9, 8},
			LogTimeNs: 1_533_099_599_000_000_000, Agreed: 800, Last: 812}, [][]byte{[]byte("head"), []byte("sessions"), {0}}},
		{Group{Number: 5, Machine: "members", Version: 2, Index: 4, Agreed: 4, Last: 4}, [][]byte{[]byte("one")}},
	}
}

func write(t testing.TB, h Head, parts []part) []byte {
	t.Helper()
	var b bytes.Buffer
	must := func(err error) {
		if err != nil {
			t.Fatal(err)
		}
	}
	w, err := NewWriter(&b, h)
	must(err)
	for _, p := range parts {
		must(w.Group(p.group))
		for _, c := range p.chunks {
			must(w.Chunk(c))
		}
		_, err := w.EndGroup()
		must(err)
	}
	must(w.End())
	return b.Bytes()
}

// read gives what a backup holds.
func read(in io.Reader) (h Head, parts []part, err error) {
	whole, err := Read(in, Visit{
		Head:  func(found Head) error { h = found; return nil },
		Group: func(g Group) error { parts = append(parts, part{group: g}); return nil },
		Chunk: func(c []byte) error {
			p := &parts[len(parts)-1]
			p.chunks = append(p.chunks, c)
			return nil
		},
	})
	if err == nil && whole.Head != h {
		err = errors.New("two heads")
	}
	return h, parts, err
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	h, parts := sample()
	b := write(t, h, parts)
	gotHead, got, err := read(iotest.OneByteReader(bytes.NewReader(b)))
	if err != nil {
		t.Fatal(err)
	}
	if gotHead != h || len(got) != len(parts) {
		t.Fatalf("%+v with %d groups", gotHead, len(got))
	}
	for i := range parts {
		if got[i].group != parts[i].group || !slices.EqualFunc(got[i].chunks, parts[i].chunks, bytes.Equal) {
			t.Errorf("group %d: %+v", i, got[i])
		}
	}
}

// TestGoldenBytes holds the format: what an older build wrote must be read for ever.
func TestGoldenBytes(t *testing.T) {
	h, parts := sample()
	path := filepath.Join("testdata", "backup.hex")
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	got := hex.Dump(write(t, h, parts))
	if got != string(want) {
		t.Errorf("the format has changed; if that is meant, it needs another version. %s should be\n%s", path, got)
	}
}

func TestABrokenOffBackupIsNone(t *testing.T) {
	b := write(t, func() Head { h, _ := sample(); return h }(), func() []part { _, p := sample(); return p }())
	for n := range b {
		_, _, err := read(bytes.NewReader(b[:n]))
		var d *Damaged
		if !errors.As(err, &d) {
			t.Fatalf("the first %d of %d bytes: %v", n, len(b), err)
		}
		if d.Offset > int64(n) {
			t.Fatalf("the first %d bytes are damaged at %d", n, d.Offset)
		}
	}
	if _, _, err := read(bytes.NewReader(append(slices.Clone(b), 0))); err == nil {
		t.Error("a byte more was taken")
	}
	broken := errors.New("the connection broke")
	if _, _, err := read(io.MultiReader(bytes.NewReader(b[:100]), iotest.ErrReader(broken))); !errors.Is(err, broken) {
		t.Errorf("an error of the source became %v", err)
	}
}

func TestEveryFlippedBitIsFound(t *testing.T) {
	h, parts := sample()
	b := write(t, h, parts)
	for i := range b {
		for bit := range 8 {
			b[i] ^= 1 << bit
			if _, _, err := read(bytes.NewReader(b)); err == nil {
				t.Fatalf("bit %d of byte %d", bit, i)
			}
			b[i] ^= 1 << bit
		}
	}
}

// TestRecordsOutOfPlace moves, drops and repeats whole records, each with its right checksum.
func TestRecordsOutOfPlace(t *testing.T) {
	h, parts := sample()
	b := write(t, h, parts)
	records := split(b)
	join := func(list [][]byte) []byte { return append(slices.Clone(b[:magicBytes]), bytes.Join(list, nil)...) }
	if !bytes.Equal(join(records), b) {
		t.Fatal("split loses something")
	}
	for i := range records {
		for name, list := range map[string][][]byte{
			"dropped": slices.Delete(slices.Clone(records), i, i+1),
			"twice":   slices.Insert(slices.Clone(records), i, records[i]),
		} {
			if _, _, err := read(bytes.NewReader(join(list))); err == nil {
				t.Errorf("record %d %s", i, name)
			}
		}
		for k := range i {
			if bytes.Equal(records[i], records[k]) {
				continue
			}
			list := slices.Clone(records)
			list[i], list[k] = list[k], list[i]
			if _, _, err := read(bytes.NewReader(join(list))); err == nil {
				t.Errorf("records %d and %d exchanged", k, i)
			}
		}
	}
}

func split(b []byte) (records [][]byte) {
	for at := magicBytes; at < len(b); {
		n := prefixBytes + crcBytes + int(b[at+1])<<24 + int(b[at+2])<<16 + int(b[at+3])<<8 + int(b[at+4])
		records = append(records, b[at:at+n])
		at += n
	}
	return records
}

func TestWritersThatAreUsedWrongly(t *testing.T) {
	h, parts := sample()
	good := parts[0].group
	for name, use := range map[string]func(w *Writer) error{
		"a chunk before a group": func(w *Writer) error { return w.Chunk([]byte("x")) },
		"an end before its time": func(w *Writer) error { return w.End() },
		"a group without chunks": func(w *Writer) error { return errors.Join(w.Group(good), second(w.EndGroup())) },
		"groups out of order": func(w *Writer) error {
			low := good
			low.Number = 1
			return errors.Join(w.Group(parts[1].group), w.Chunk([]byte("x")), second(w.EndGroup()), w.Group(low))
		},
		"an empty chunk":   func(w *Writer) error { return errors.Join(w.Group(good), w.Chunk(nil)) },
		"a chunk too long": func(w *Writer) error { return errors.Join(w.Group(good), w.Chunk(make([]byte, MaxChunkBytes+1))) },
		"a group of index 0": func(w *Writer) error {
			g := good
			g.Index = 0
			return w.Group(g)
		},
	} {
		w, err := NewWriter(io.Discard, h)
		if err != nil {
			t.Fatal(err)
		}
		if use(w) == nil {
			t.Errorf("%s: taken", name)
		}
	}
	for _, change := range []func(*Head){
		func(h *Head) { h.Groups = 0 }, func(h *Head) { h.Origin = 9 }, func(h *Head) { h.Program = strings.Repeat("x", 300) },
	} {
		bad := h
		change(&bad)
		if _, err := NewWriter(io.Discard, bad); err == nil {
			t.Errorf("head %+v was taken", bad)
		}
	}
}

func second(_ Sum, err error) error { return err }

// FuzzRead gives a reader arbitrary bytes: what it takes is exactly what a writer makes of it again.
func FuzzRead(f *testing.F) {
	h, parts := sample()
	b := write(f, h, parts)
	f.Add(b)
	f.Add(b[:magicBytes])
	f.Add([]byte{})
	f.Fuzz(func(t *testing.T, b []byte) {
		h, parts, err := read(bytes.NewReader(b))
		if err != nil {
			return
		}
		if again := write(t, h, parts); !bytes.Equal(again, b) {
			t.Errorf("%x was read, and written as %x", b, again)
		}
	})
}

// FuzzRecords makes records of arbitrary bytes, each with its right checksum, and ends them rightly: so it reaches what stands
// behind the checksums.
func FuzzRecords(f *testing.F) {
	h, parts := sample()
	var seed []byte
	for _, r := range split(write(f, h, parts)) {
		body := r[prefixBytes : len(r)-crcBytes]
		seed = append(append(seed, r[0], byte(len(body))), body...)
	}
	f.Add(seed)
	f.Fuzz(func(t *testing.T, b []byte) {
		var out bytes.Buffer
		w := Writer{out: &out, total: sha256.New()}
		w.b = append([]byte(magic), Format)
		if err := w.flush(); err != nil {
			t.Fatal(err)
		}
		for len(b) >= 2 {
			k, n := kind(b[0]), min(int(b[1]), len(b)-2)
			body := b[2 : 2+n]
			b = b[2+n:]
			if k == kindEnd {
				break
			}
			if err := w.record(k, func(c *codec.Writer) { c.Raw(body) }); err != nil {
				t.Fatal(err)
			}
		}
		if err := w.End(); err != nil {
			t.Fatal(err)
		}
		made := bytes.Clone(out.Bytes())
		h, parts, err := read(bytes.NewReader(made))
		if err != nil {
			return
		}
		if again := write(t, h, parts); !bytes.Equal(again, made) {
			t.Errorf("%x was read, and written as %x", made, again)
		}
	})
}

// TestPartsOfAnotherBackup puts a record of one backup into another that differs in nothing else: each checksum of its own is right.
func TestPartsOfAnotherBackup(t *testing.T) {
	h, parts := sample()
	b := write(t, h, parts)
	h.TimeNs++
	parts[0].group.LogTimeNs++
	other := split(write(t, h, parts))
	for i, r := range split(b) {
		if bytes.Equal(r, other[i]) {
			continue
		}
		records := split(b)
		records[i] = other[i]
		if _, _, err := read(bytes.NewReader(append(slices.Clone(b[:magicBytes]), bytes.Join(records, nil)...))); err == nil {
			t.Errorf("record %d was taken", i)
		}
	}
}

func TestGroupsOutOfOrderAreNotRead(t *testing.T) {
	h, parts := sample()
	var b bytes.Buffer
	w, err := NewWriter(&b, h)
	for _, p := range slices.Backward(parts) {
		w.last = 0
		err = errors.Join(err, w.Group(p.group), w.Chunk(p.chunks[0]))
		err = errors.Join(err, second(w.EndGroup()))
	}
	if err = errors.Join(err, w.End()); err != nil {
		t.Fatal(err)
	}
	if _, _, err := read(&b); err == nil {
		t.Error("taken")
	}
}
