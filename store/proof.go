package store

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"strings"

	"github.com/cockroachdb/pebble/v2"
	"github.com/cockroachdb/pebble/v2/vfs"

	"onevoice/codec"
)

// proof goes with every batch: its number, and the highest number that was durable when it was made. Found in the raw
// log files, it proves what the store once held; DESIGN.md says why Pebble's own check is not enough.
type proof struct {
	number  uint64
	durable uint64
}

var proofKey = []byte(LocalPrefix + "proof")

// proofMagic finds proofs in raw bytes.
var proofMagic = []byte("\xf1ov-prf\x01")

// proofBytes is the size of an encoded proof: magic, two numbers, checksum.
const proofBytes = 8 + 8 + 8 + crcBytes

func (p proof) encode() []byte {
	w := codec.Writer{B: make([]byte, 0, proofBytes)}
	w.Raw(proofMagic)
	w.U64(p.number)
	w.U64(p.durable)
	return Seal(w.B)
}

func decodeProof(sealed []byte) (proof, error) {
	record, err := Unseal(sealed)
	if err != nil {
		return proof{}, err
	}
	r := codec.NewReader(record)
	if !bytes.Equal(r.Raw(len(proofMagic)), proofMagic) {
		r.Fail()
	}
	p := proof{number: r.U64(), durable: r.U64()}
	return p, r.Finish()
}

// claimed is the highest number that the log files in dir say was durable. Files that Pebble uses again still hold old
// proofs; numbers only grow, so those claim less.
func claimed(fs vfs.FS, dir string) (uint64, error) {
	names, err := fs.List(dir)
	if err != nil {
		return 0, fmt.Errorf("store: %s: %w", dir, err)
	}
	highest := uint64(0)
	for _, name := range names {
		if !strings.HasSuffix(name, ".log") {
			continue
		}
		n, err := claimedIn(fs, fs.PathJoin(dir, name))
		if err != nil {
			return 0, fmt.Errorf("store: %s: read %s: %w", dir, name, err)
		}
		highest = max(highest, n)
	}
	return highest, nil
}

const scanBytes = 1 << 20

func claimedIn(fs vfs.FS, path string) (uint64, error) {
	f, err := fs.Open(path, vfs.SequentialReadsOption)
	if err != nil {
		return 0, err
	}
	defer f.Close()
	highest, kept := uint64(0), 0
	buf := make([]byte, scanBytes)
	for {
		n, err := io.ReadFull(f, buf[kept:])
		window := buf[:kept+n]
		highest = max(highest, highestIn(window))
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return highest, nil
		}
		if err != nil {
			return 0, err
		}
		kept = copy(buf, window[len(window)-(proofBytes-1):])
	}
}

func highestIn(window []byte) uint64 {
	highest := uint64(0)
	for {
		at := bytes.Index(window, proofMagic)
		if at < 0 || len(window)-at < proofBytes {
			return highest
		}
		if p, err := decodeProof(window[at : at+proofBytes]); err == nil {
			highest = max(highest, p.durable)
		}
		window = window[at+1:]
	}
}

// checkProof compares what the log files claimed before Pebble opened them with what it made of them, and goes on
// counting from there.
func (s *Store) checkProof(claim uint64) error {
	value, err := readValue(s.db, proofKey)
	if err != nil {
		return fmt.Errorf("store: %s: read %s: %w", s.dir, proofKey, err)
	}
	p, err := decodeProof(value)
	if err != nil {
		return fmt.Errorf("store: %s: %s: %w", s.dir, proofKey, err)
	}
	if p.number < claim {
		return fmt.Errorf("store: %s: damaged: batch %d was durable, but the log can be read up to batch %d only: this disk has "+
			"lost what the server promised; replace the server by a new one with an empty directory", s.dir, claim, p.number)
	}
	s.proof = proof{number: p.number, durable: claim}
	return nil
}

// prove adds the next proof to b.
func (s *Store) prove(b *pebble.Batch) error {
	s.proof.number++
	return b.Set(proofKey, s.proof.encode(), nil)
}
