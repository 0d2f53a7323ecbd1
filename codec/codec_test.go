package codec

import (
	"bytes"
	"encoding/hex"
	"errors"
	"math"
	"testing"

	"pgregory.net/rapid"
)

// field is one value of a record, with how it is written and read back.
type field struct {
	name  string
	write func(*Writer)
	check func(*Reader) bool
}

func someField(t *rapid.T) field {
	b := rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")
	n := rapid.Uint64().Draw(t, "number")
	switch rapid.IntRange(0, 10).Draw(t, "type") {
	case 0:
		return field{"u8", func(w *Writer) { w.U8(uint8(n)) }, func(r *Reader) bool { return r.U8() == uint8(n) }}
	case 1:
		return field{"bool", func(w *Writer) { w.Bool(n&1 == 1) }, func(r *Reader) bool { return r.Bool() == (n&1 == 1) }}
	case 2:
		return field{"u32", func(w *Writer) { w.U32(uint32(n)) }, func(r *Reader) bool { return r.U32() == uint32(n) }}
	case 3:
		return field{"u64", func(w *Writer) { w.U64(n) }, func(r *Reader) bool { return r.U64() == n }}
	case 4:
		return field{"i32", func(w *Writer) { w.I32(int32(n)) }, func(r *Reader) bool { return r.I32() == int32(n) }}
	case 5:
		return field{"i64", func(w *Writer) { w.I64(int64(n)) }, func(r *Reader) bool { return r.I64() == int64(n) }}
	case 6:
		v := n >> (n % 64)
		return field{"uvarint", func(w *Writer) { w.Uvarint(v) }, func(r *Reader) bool { return r.Uvarint() == v }}
	case 7:
		return field{"bytes", func(w *Writer) { w.Bytes(b) }, func(r *Reader) bool { return bytes.Equal(r.Bytes(len(b)), b) }}
	case 8:
		return field{"string", func(w *Writer) { w.String(string(b)) }, func(r *Reader) bool { return r.String(len(b)) == string(b) }}
	case 9:
		return field{"raw", func(w *Writer) { w.Raw(b) }, func(r *Reader) bool { return bytes.Equal(r.Raw(len(b)), b) }}
	}
	count := func(w *Writer) { w.Uvarint(uint64(len(b))); w.Raw(b) }
	return field{"count", count, func(r *Reader) bool {
		n := r.Count(len(b), 1)
		return n == len(b) && bytes.Equal(r.Raw(n), b)
	}}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var w Writer
		var fields []field
		for range rapid.IntRange(0, 20).Draw(t, "fields") {
			f := someField(t)
			f.write(&w)
			fields = append(fields, f)
		}
		r := NewReader(w.B)
		for i, f := range fields {
			if !f.check(r) {
				t.Fatalf("field %d, %s, came back wrong", i, f.name)
			}
		}
		if err := r.Finish(); err != nil {
			t.Fatalf("finish: %v", err)
		}
	})
}

func TestEveryPrefixOfARecordIsRefused(t *testing.T) {
	var w Writer
	w.U8(7)
	w.U32(1)
	w.Bytes([]byte("abc"))
	w.Uvarint(300)
	w.Bool(true)
	read := func(b []byte) error {
		r := NewReader(b)
		r.U8()
		r.U32()
		r.Bytes(8)
		r.Uvarint()
		r.Bool()
		return r.Finish()
	}
	if err := read(w.B); err != nil {
		t.Fatalf("whole record: %v", err)
	}
	for n := range len(w.B) {
		if err := read(w.B[:n]); !errors.Is(err, ErrMalformed) {
			t.Errorf("first %d of %d bytes: got %v, want ErrMalformed", n, len(w.B), err)
		}
	}
	if err := read(append(w.B, 0)); !errors.Is(err, ErrMalformed) {
		t.Errorf("one byte too many: got %v, want ErrMalformed", err)
	}
}

func TestGoldenBytes(t *testing.T) {
	var w Writer
	w.U8(0xfe)
	w.Bool(true)
	w.Bool(false)
	w.U32(0x01020304)
	w.U64(0x0102030405060708)
	w.I32(-2)
	w.I64(math.MinInt64)
	w.Uvarint(127)
	w.Uvarint(128)
	w.Uvarint(math.MaxUint64)
	w.Bytes([]byte{9, 8})
	w.String("ü")
	w.Raw([]byte{0xaa})
	const want = "fe" + "0100" + "01020304" + "0102030405060708" + "fffffffe" + "8000000000000000" +
		"7f" + "8001" + "ffffffffffffffffff01" + "020908" + "02c3bc" + "aa"
	if got := hex.EncodeToString(w.B); got != want {
		t.Errorf("the stored format changed:\n got %s\nwant %s", got, want)
	}
}

func TestOnlyOneFormIsRead(t *testing.T) {
	for name, read := range map[string]func(*Reader){
		"8000":                   func(r *Reader) { r.Uvarint() },   // 0 in two bytes
		"ff00":                   func(r *Reader) { r.Uvarint() },   // 127 in two bytes
		"ffffffffffffffffff02":   func(r *Reader) { r.Uvarint() },   // over 64 bits
		"ffffffffffffffffffff01": func(r *Reader) { r.Uvarint() },   // eleven bytes
		"02":                     func(r *Reader) { r.Bool() },      // neither 0 nor 1
		"820061":                 func(r *Reader) { r.Bytes(9) },    // long form of a length
		"03616263":               func(r *Reader) { r.Bytes(2) },    // over the caller's limit
		"0461":                   func(r *Reader) { r.Bytes(9) },    // more than is there
		"0461626364":             func(r *Reader) { r.Count(9, 2) }, // four things of two bytes in four bytes
		"0361626364":             func(r *Reader) { r.Count(2, 1) }, // over the caller's limit
	} {
		b, err := hex.DecodeString(name)
		if err != nil {
			t.Fatal(err)
		}
		r := NewReader(b)
		read(r)
		if !errors.Is(r.Err(), ErrMalformed) {
			t.Errorf("%s was read", name)
		}
		if r.Len() != 0 || r.U64() != 0 || r.Bytes(1) != nil || r.Count(5, 1) != 0 {
			t.Errorf("%s: values after the failure", name)
		}
	}
}

// FuzzReader runs a script of reads over arbitrary bytes: total, and never longer than the input.
func FuzzReader(f *testing.F) {
	f.Add([]byte{0, 1, 2, 3, 4, 5, 6, 7, 8, 9}, []byte{1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 3, 'a', 'b', 'c'})
	f.Add([]byte{6, 6, 6}, []byte{0x80, 0x00, 0xff})
	f.Fuzz(func(t *testing.T, script, input []byte) {
		r := NewReader(input)
		for _, op := range script {
			before, failed := r.Len(), r.Err() != nil
			got := runOne(r, op)
			if got > before || r.Len() > before {
				t.Fatalf("read %d bytes where %d were left", got, before)
			}
			if failed && r.Err() == nil {
				t.Fatal("a failure was forgotten")
			}
		}
	})
}

// FuzzCanonical says that bytes which read as a varint or a byte string are the very bytes the writer makes of them.
func FuzzCanonical(f *testing.F) {
	f.Add([]byte{3, 'a', 'b', 'c'})
	f.Add([]byte{0x80, 0x01})
	f.Fuzz(func(t *testing.T, input []byte) {
		r := NewReader(input)
		v := r.Uvarint()
		if r.Err() == nil {
			var w Writer
			w.Uvarint(v)
			if !bytes.Equal(w.B, input[:len(input)-r.Len()]) {
				t.Fatalf("%x reads as %d, which is written %x", input, v, w.B)
			}
		}
		r = NewReader(input)
		b := r.Bytes(len(input))
		if r.Err() == nil {
			var w Writer
			w.Bytes(b)
			if !bytes.Equal(w.B, input[:len(input)-r.Len()]) {
				t.Fatalf("%x reads as %x, which is written %x", input, b, w.B)
			}
		}
	})
}

func runOne(r *Reader, op byte) int {
	switch op % 10 {
	case 0:
		r.U8()
	case 1:
		r.Bool()
	case 2:
		r.U32()
	case 3:
		r.U64()
	case 4:
		r.I32()
	case 5:
		r.I64()
	case 6:
		r.Uvarint()
	case 7:
		return r.Count(int(op), int(op)%3)
	case 8:
		return len(r.Bytes(int(op)))
	case 9:
		return len(r.Raw(int(op) - 128))
	}
	return 0
}

// Chunks closes a chunk from the given size on, begins each with the head, and stops when nobody wants more.
func TestChunks(t *testing.T) {
	list := []uint64{1, 2, 3, 4, 5}
	put := func(n uint64, w *Writer) { w.U64(n) }
	var got []string
	collect := func(c []byte) bool { got = append(got, string(c)); return true }
	if !Chunks([]byte("h"), 10, list, put, collect) || len(got) != 3 || len(got[0]) != 17 || len(got[2]) != 9 || got[1][0] != 'h' || got[2][8] != 5 {
		t.Errorf("%q", got)
	}
	if asked := 0; Chunks(nil, 10, list, put, func([]byte) bool { asked++; return false }) || asked != 1 {
		t.Errorf("asked %d times after it was enough", asked)
	}
	if !Chunks(nil, 10, nil, put, func([]byte) bool { t.Error("an empty list has a chunk"); return true }) {
		t.Error("an empty list was not given whole")
	}
}
