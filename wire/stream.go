package wire

import (
	"bufio"
	"encoding/binary"
	"errors"
	"fmt"
	"io"
)

// MaxHandshakeBytes bounds the first frame of each side (Hello, Welcome, Refusal), so that a stranger cannot make a server
// hold more than that.
const MaxHandshakeBytes = 64 << 10

// lengthBytes is the size of the length before each frame of a stream.
const lengthBytes = 4

// growBytes is how much of a frame is allocated before any of it has arrived: a length alone costs no more.
const growBytes = 64 << 10

// ReadFrame takes one frame of at most limit bytes off a stream. The frame is freshly allocated and belongs to the caller.
// It returns io.EOF at the end of the stream between two frames, io.ErrUnexpectedEOF within one. A frame over limit, or
// shorter than a header, is an error after which the stream is of no use.
func ReadFrame(r io.Reader, limit int) ([]byte, error) {
	n, err := readLength(r)
	if err != nil {
		return nil, err
	}
	if n < HeaderBytes || n > uint64(max(limit, 0)) {
		return nil, fmt.Errorf("wire: frame of %d bytes, allowed: %d to %d", n, HeaderBytes, limit)
	}
	frame := make([]byte, min(int(n), growBytes))
	for at := 0; ; {
		if _, err := io.ReadFull(r, frame[at:]); err != nil {
			return nil, midFrame(err)
		}
		if at = len(frame); at == int(n) {
			return frame, nil
		}
		frame = append(frame, make([]byte, min(at, int(n)-at))...)
	}
}

// readLength takes the length of the next frame, off a buffered reader without an allocation.
func readLength(r io.Reader) (uint64, error) {
	if b, ok := r.(*bufio.Reader); ok {
		length, err := b.Peek(lengthBytes)
		if err != nil {
			if len(length) > 0 {
				err = midFrame(err)
			}
			return 0, err
		}
		n := binary.BigEndian.Uint32(length)
		_, err = b.Discard(lengthBytes)
		return uint64(n), err
	}
	length := make([]byte, lengthBytes)
	_, err := io.ReadFull(r, length)
	return uint64(binary.BigEndian.Uint32(length)), err
}

func midFrame(err error) error {
	if errors.Is(err, io.EOF) {
		return io.ErrUnexpectedEOF
	}
	return err
}

// WriteFrame puts one frame onto a stream, length first, in two writes: give it a buffered writer and flush that after the
// last frame of a batch. A frame over MaxFrameBytes is refused before anything is written.
func WriteFrame(w io.Writer, frame []byte) error {
	if len(frame) < HeaderBytes || len(frame) > MaxFrameBytes {
		return fmt.Errorf("wire: frame of %d bytes, allowed: %d to %d", len(frame), HeaderBytes, MaxFrameBytes)
	}
	var room []byte
	if b, ok := w.(*bufio.Writer); ok {
		room = b.AvailableBuffer()
	}
	if _, err := w.Write(binary.BigEndian.AppendUint32(room, uint32(len(frame)))); err != nil {
		return err
	}
	_, err := w.Write(frame)
	return err
}

// Buffered says whether the next frame of a stream lies whole in the reader's buffer, so that ReadFrame will not wait.
func Buffered(r *bufio.Reader) bool {
	if r.Buffered() < lengthBytes {
		return false
	}
	length, err := r.Peek(lengthBytes)
	return err == nil && uint64(r.Buffered()) >= lengthBytes+uint64(binary.BigEndian.Uint32(length))
}
