package store

import (
	"encoding/binary"
	"errors"
	"fmt"
	"hash/crc32"
	"io"
	"math/bits"
	"os"
	"strings"
	"syscall"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"onevoice/internal/mutant"
)

// cure is what to do about a disk that cannot be trusted any more. Nothing can be mended: what it promised to the others is
// not known.
const cure = "this disk has lost what the server promised, so it must not serve again: run onevoice members replace for this server, " +
	"and let the new one join with an empty directory"

func damaged(dir, file, what string) error {
	return fmt.Errorf("store: %s: damaged: %s: %s: %s", dir, file, what, cure)
}

// corrupt is an error by which Pebble says that what it reads is not what it wrote, in one line and with what to do.
type corrupt struct{ cause error }

func (c corrupt) Error() string {
	line, _, _ := strings.Cut(c.cause.Error(), "\n")
	return "damaged: " + line + ": " + cure
}

func (c corrupt) Unwrap() error { return c.cause }

// withCure adds to an error what to do, where it is one of damage or of the disk's room.
func withCure(err error) error {
	if pebble.IsCorruptionError(err) {
		return corrupt{err}
	}
	if errors.Is(err, syscall.ENOSPC) || errors.Is(err, syscall.EDQUOT) {
		return fmt.Errorf("%w: what was acknowledged is there: make room on the disk and start the server again", err)
	}
	return err
}

// inspect looks at the two files whose end Pebble takes as it finds it, the newest log and the manifest, before Pebble does. torn
// says that the last batch begun was not whole when the power went; it was never acknowledged, and Pebble drops it.
func inspect(fs vfs.FS, dir string) (torn bool, err error) {
	desc, err := pebble.Peek(dir, fs)
	if err != nil {
		return false, fmt.Errorf("store: %s: %w", dir, err)
	}
	if err := inspectManifest(fs, dir, fs.PathBase(desc.ManifestFilename)); err != nil {
		return false, err
	}
	name, number, err := newestLog(fs, dir)
	if err != nil || name == "" {
		return false, err
	}
	content, err := readFile(fs, fs.PathJoin(dir, name))
	if err != nil {
		return false, fmt.Errorf("store: %s: read %s: %w", dir, name, err)
	}
	end, whole := walk(content, number)
	if !whole && oneBitOff(content[end:blockEnd(content, end)], number) && !mutant.On(mutant.DamageIsTorn) {
		return false, damaged(dir, name, fmt.Sprintf("one bit is wrong in the batch at byte %d", end))
	}
	return !whole, nil
}

// inspectManifest refuses a manifest with a change that cannot be read though it was made durable: one bit of it is wrong, or
// another change follows, and each is durable before the next begins.
func inspectManifest(fs vfs.FS, dir, name string) error {
	content, err := readFile(fs, fs.PathJoin(dir, name))
	if errors.Is(err, os.ErrNotExist) {
		return damaged(dir, name, "it is missing")
	}
	if err != nil {
		return fmt.Errorf("store: %s: read %s: %w", dir, name, err)
	}
	end, whole := walk(content, manifestNumber)
	if whole {
		return nil
	}
	if oneBitOff(content[end:blockEnd(content, end)], manifestNumber) {
		return damaged(dir, name, fmt.Sprintf("one bit is wrong in the change at byte %d", end))
	}
	for at := end + 1; at < len(content); at++ {
		if size, _ := chunkAt(content[at:blockEnd(content, at)], manifestNumber); size > legacyHeader {
			return damaged(dir, name, fmt.Sprintf("the change at byte %d cannot be read, and one at byte %d follows it", end, at))
		}
	}
	return nil
}

func newestLog(fs vfs.FS, dir string) (name string, number uint32, err error) {
	names, err := fs.List(dir)
	if err != nil {
		return "", 0, fmt.Errorf("store: %s: %w", dir, err)
	}
	for _, n := range names {
		var this uint32
		if _, err := fmt.Sscanf(n, "%d.log", &this); err == nil && strings.HasSuffix(n, ".log") && (name == "" || this > number) {
			name, number = n, this
		}
	}
	return name, number, nil
}

func readFile(fs vfs.FS, path string) ([]byte, error) {
	f, err := fs.Open(path, vfs.SequentialReadsOption)
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(f)
	return content, errors.Join(err, f.Close())
}

// The form of Pebble's logs and manifests: blocks of chunks, each a checksum (4 bytes), a length (2), a type (1), in logs the
// number of the file (4) and in the newer form how much of the file was synced (8), then the payload. The checksum covers all
// from the type on. Little-endian.
const (
	blockBytes    = 32 << 10
	typeAt        = 6
	numberAt      = 7
	legacyHeader  = 7  // types 1 to 4
	numberHeader  = 11 // types 5 to 8
	syncedHeader  = 19 // types 9 to 12
	typesOfHeader = 4
	// manifestNumber stands for a file whose chunks have the legacy form.
	manifestNumber = 0
)

func blockEnd(content []byte, at int) int {
	return min(len(content), at/blockBytes*blockBytes+blockBytes)
}

// walk goes over whole chunks to the end of what was written; whole says that it ends there cleanly.
func walk(content []byte, number uint32) (end int, whole bool) {
	for at := 0; at < len(content); {
		block := content[at:blockEnd(content, at)]
		size, last := chunkAt(block, number)
		switch {
		case size > 0:
			at += size
		case last, isZero(block):
			if last || isZero(content[at:]) {
				return at, true
			}
			if len(block) >= syncedHeader {
				return at, false
			}
			at += len(block)
		default:
			return at, false
		}
	}
	return len(content), true
}

func isZero(b []byte) bool {
	for _, x := range b {
		if x != 0 {
			return false
		}
	}
	return true
}

// chunkAt is the size of the whole chunk that block begins with, 0 where there is none; last says that a whole chunk of another
// file is there: either the mark at a file's end, or what a file that is used again held before.
func chunkAt(block []byte, number uint32) (size int, last bool) {
	if len(block) < legacyHeader {
		return 0, false
	}
	header := headerOf(block[typeAt])
	length := int(binary.LittleEndian.Uint16(block[4:]))
	if header == 0 || (header == legacyHeader) != (number == manifestNumber) || header+length > len(block) {
		return 0, false
	}
	if cooked(crc32.Checksum(block[typeAt:header+length], castagnoli)) != binary.LittleEndian.Uint32(block) {
		return 0, false
	}
	if number != manifestNumber && binary.LittleEndian.Uint32(block[numberAt:]) != number {
		return 0, true
	}
	return header + length, false
}

func headerOf(kind byte) int {
	if kind == 0 {
		return 0
	}
	switch (kind - 1) / typesOfHeader {
	case 0:
		return legacyHeader
	case 1:
		return numberHeader
	case 2:
		return syncedHeader
	}
	return 0
}

// cooked is the form in which Pebble stores a CRC-32C.
func cooked(crc uint32) uint32 { return bits.RotateLeft32(crc, 17) + 0xa282ead8 }

func raw(stored uint32) uint32 { return bits.RotateLeft32(stored-0xa282ead8, -17) }

// oneBitOff says that the chunk at the beginning of block is whole but for one bit. A torn write lacks whole sectors: it passes
// for a flipped bit with a chance of its number of bits in 2^32.
func oneBitOff(block []byte, number uint32) bool {
	headers := []int{syncedHeader, numberHeader}
	if number == manifestNumber {
		headers = []int{legacyHeader}
	}
	for _, header := range headers {
		if len(block) >= header && oneBitOffWith(header, block, number) {
			return true
		}
	}
	return false
}

func oneBitOffWith(header int, block []byte, number uint32) bool {
	stored, length := binary.LittleEndian.Uint32(block), int(binary.LittleEndian.Uint16(block[4:]))
	wrong := uint32(0)
	if number != manifestNumber {
		wrong = binary.LittleEndian.Uint32(block[numberAt:]) ^ number
	}
	if bits.OnesCount32(wrong) > 1 {
		return false
	}
	if end := header + length; end <= len(block) {
		at, bit := bitOff(block[typeAt:end], stored)
		if wrong == 0 && at >= -1 || wrong != 0 && at >= numberAt-typeAt && uint32(1)<<bit<<(8*(at-numberAt+typeAt)) == wrong {
			return true
		}
	}
	for bit := range 16 {
		end := header + (length ^ 1<<bit)
		if wrong == 0 && end >= header && end <= len(block) && cooked(crc32.Checksum(block[typeAt:end], castagnoli)) == stored {
			return true
		}
	}
	return false
}

// bitOff finds the one bit that, turned, makes data fit its stored checksum: the byte in data and the bit in it. The byte is -1
// where the bit is the checksum's own, -2 where no single bit will do, or none needs to.
func bitOff(data []byte, stored uint32) (at, bit int) {
	have := crc32.Checksum(data, castagnoli)
	syndrome := have ^ raw(stored)
	if syndrome == 0 {
		return -2, 0
	}
	for bit := range 32 {
		if raw(stored^1<<bit) == have {
			return -1, bit
		}
	}
	var effect [8]uint32 // of each bit of the byte at, on the checksum
	for bit := range effect {
		effect[bit] = castagnoli[1<<bit]
	}
	for at := len(data) - 1; at >= 0; at-- {
		for bit, e := range effect {
			if e == syndrome {
				return at, bit
			}
			effect[bit] = castagnoli[byte(e)] ^ e>>8
		}
	}
	return -2, 0
}
