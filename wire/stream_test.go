package wire

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"errors"
	"io"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"onevoice/view"
	"pgregory.net/rapid"
)

func TestAStreamIsLengthAndFrame(t *testing.T) {
	var b bytes.Buffer
	if err := WriteFrame(&b, SnapshotGet{Index: 9, Chunk: 4}.Encode(1, view.Epoch{})); err != nil {
		t.Fatal(err)
	}
	const want = "00000026" + "010b" + "00000001" + "0000000000000000" + "0000000000000000" + "0000000000000009" + "0000000000000004"
	if got := hex.EncodeToString(b.Bytes()); got != want {
		t.Errorf("the stream format changed: got %s, want %s", got, want)
	}
}

func TestFramesComeBackInOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var stream bytes.Buffer
		var frames [][]byte
		for range rapid.IntRange(0, 5).Draw(t, "frames") {
			n := rapid.OneOf(rapid.IntRange(HeaderBytes, 200), rapid.IntRange(growBytes-2, 3*growBytes)).Draw(t, "bytes")
			frame := bytes.Repeat([]byte{byte(n)}, n)
			if err := WriteFrame(&stream, frame); err != nil {
				t.Fatal(err)
			}
			frames = append(frames, frame)
		}
		r := bufio.NewReader(iotest.HalfReader(&stream))
		for i, want := range frames {
			if got, err := ReadFrame(r, MaxFrameBytes); err != nil || !bytes.Equal(got, want) {
				t.Fatalf("frame %d of %d bytes: %d bytes, %v", i, len(want), len(got), err)
			}
		}
		if _, err := ReadFrame(r, MaxFrameBytes); err != io.EOF {
			t.Fatalf("after the last frame: %v, want io.EOF", err)
		}
	})
}

func TestACutStreamIsNotAnEnd(t *testing.T) {
	var whole bytes.Buffer
	if err := WriteFrame(&whole, make([]byte, growBytes+HeaderBytes)); err != nil {
		t.Fatal(err)
	}
	for _, n := range []int{1, 3, 4, 5, 4 + growBytes, whole.Len() - 1} {
		for _, r := range []io.Reader{bytes.NewReader(whole.Bytes()[:n]), bufio.NewReader(bytes.NewReader(whole.Bytes()[:n]))} {
			if _, err := ReadFrame(r, MaxFrameBytes); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("%T cut after %d bytes: %v, want io.ErrUnexpectedEOF", r, n, err)
			}
		}
	}
	if _, err := ReadFrame(new(bytes.Buffer), MaxFrameBytes); err != io.EOF {
		t.Errorf("an empty stream: %v, want io.EOF", err)
	}
}

func TestSmallFramesCostNoMoreThanThemselves(t *testing.T) {
	var stream bytes.Buffer
	w, frame := bufio.NewWriter(&stream), make([]byte, 100)
	const n = 100
	allocs := testing.AllocsPerRun(10, func() {
		for range n {
			if err := WriteFrame(w, frame); err != nil {
				t.Fatal(err)
			}
		}
	})
	if allocs > n/10 {
		t.Errorf("%v allocations to write %d frames", allocs, n)
	}
	w.Flush()
	r := bufio.NewReader(&stream)
	allocs = testing.AllocsPerRun(1, func() {
		for range n {
			if _, err := ReadFrame(r, MaxFrameBytes); err != nil {
				t.Fatal(err)
			}
		}
	})
	if allocs > n {
		t.Errorf("%v allocations to read %d frames", allocs, n)
	}
}

// TestACommandFitsItsFrame: a frame that grows while it is made is copied.
func TestACommandFitsItsFrame(t *testing.T) {
	c := Command{Key: &Key{}, Op: make([]byte, 300)}
	if allocs := testing.AllocsPerRun(10, func() { c.Encode(1, view.Epoch{}) }); allocs > 1 {
		t.Errorf("%v allocations to make a command", allocs)
	}
}

func TestBuffered(t *testing.T) {
	var stream bytes.Buffer
	for range 2 {
		if err := WriteFrame(&stream, make([]byte, 100)); err != nil {
			t.Fatal(err)
		}
	}
	for cut, want := range map[int]bool{0: true, 1: false, 100: false, 101: false, 104: false} {
		r := bufio.NewReader(bytes.NewReader(stream.Bytes()[:stream.Len()-cut]))
		if Buffered(r) {
			t.Error("a frame is buffered before anything was read")
		}
		if _, err := ReadFrame(r, MaxFrameBytes); err != nil {
			t.Fatal(err)
		}
		if got := Buffered(r); got != want {
			t.Errorf("with the second frame cut by %d: %v, want %v", cut, got, want)
		}
	}
}

func TestAFrameOutsideTheLimitsIsRefused(t *testing.T) {
	for _, n := range []int{0, HeaderBytes - 1, 101, MaxFrameBytes + 1} {
		length := []byte{byte(n >> 24), byte(n >> 16), byte(n >> 8), byte(n)}
		_, err := ReadFrame(io.MultiReader(bytes.NewReader(length), strings.NewReader(strings.Repeat("x", 200))), 100)
		if err == nil || !strings.Contains(err.Error(), "allowed") {
			t.Errorf("length %d: %v", n, err)
		}
	}
	for _, n := range []int{0, HeaderBytes - 1, MaxFrameBytes + 1} {
		var b bytes.Buffer
		if err := WriteFrame(&b, make([]byte, n)); err == nil || b.Len() != 0 {
			t.Errorf("a frame of %d bytes was written (%d bytes), %v", n, b.Len(), err)
		}
	}
}

func TestALengthAloneCostsLittle(t *testing.T) {
	claim := []byte{0, 0x80, 0, 0} // 8 MiB, of which nothing comes
	const runs = 20
	var before, after runtime.MemStats
	runtime.ReadMemStats(&before)
	for range runs {
		if _, err := ReadFrame(bytes.NewReader(claim), MaxFrameBytes); !errors.Is(err, io.ErrUnexpectedEOF) {
			t.Fatal(err)
		}
	}
	runtime.ReadMemStats(&after)
	if got := (after.TotalAlloc - before.TotalAlloc) / runs; got > 4*growBytes {
		t.Errorf("a length without a frame cost %d bytes of memory", got)
	}
}

func FuzzReadFrame(f *testing.F) {
	var b bytes.Buffer
	_ = WriteFrame(&b, SnapshotGet{}.Encode(1, view.Epoch{}))
	f.Add(b.Bytes())
	f.Add([]byte{0, 0, 0, 1, 0})
	f.Fuzz(func(t *testing.T, stream []byte) {
		frame, err := ReadFrame(bytes.NewReader(stream), 1<<20)
		if err != nil {
			return
		}
		var back bytes.Buffer
		if err := WriteFrame(&back, frame); err != nil || !bytes.HasPrefix(stream, back.Bytes()) {
			t.Fatalf("%x was read as %x, %v", stream, frame, err)
		}
	})
}
