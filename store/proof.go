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
	"onevoice/internal/mutant"
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

// claimed is the highest number that the log files in dir say was durable, and the highest of a batch that begins in them.
// Files that Pebble uses again still hold old proofs; numbers only grow, so those claim less.
func claimed(fs vfs.FS, dir string) (proof, error) {
	names, err := fs.List(dir)
	if err != nil {
		return proof{}, fmt.Errorf("store: %s: %w", dir, err)
	}
	highest := proof{}
	for _, name := range names {
		if !strings.HasSuffix(name, ".log") {
			continue
		}
		n, err := claimedIn(fs, fs.PathJoin(dir, name))
		if err != nil {
			return proof{}, fmt.Errorf("store: %s: read %s: %w", dir, name, err)
		}
		highest = highest.atLeast(n)
	}
	return highest, nil
}

func (p proof) atLeast(o proof) proof {
	return proof{max(p.number, o.number), max(p.durable, o.durable)}
}

const scanBytes = 1 << 20

func claimedIn(fs vfs.FS, path string) (proof, error) {
	f, err := fs.Open(path, vfs.SequentialReadsOption)
	if err != nil {
		return proof{}, err
	}
	defer f.Close()
	highest, kept := proof{}, 0
	buf := make([]byte, scanBytes)
	for {
		n, err := io.ReadFull(f, buf[kept:])
		window := buf[:kept+n]
		highest = highest.atLeast(highestIn(window))
		if errors.Is(err, io.EOF) || errors.Is(err, io.ErrUnexpectedEOF) {
			return highest, nil
		}
		if err != nil {
			return proof{}, err
		}
		kept = copy(buf, window[len(window)-(proofBytes-1):])
	}
}

func highestIn(window []byte) proof {
	highest := proof{}
	for {
		at := bytes.Index(window, proofMagic)
		if at < 0 || len(window)-at < proofBytes {
			return highest
		}
		if p, err := decodeProof(window[at : at+proofBytes]); err == nil {
			highest = highest.atLeast(p)
		}
		window = window[at+1:]
	}
}

// checkProof compares what the log files claimed before Pebble opened them with what it made of them, and goes on
// counting from there.
func (s *Store) checkProof(claim proof) error {
	value, err := readValue(s.db, proofKey)
	if err != nil {
		return fmt.Errorf("store: %s: read %s: %w", s.dir, proofKey, withCure(err))
	}
	p, err := decodeProof(value)
	if err != nil {
		return damaged(s.dir, string(proofKey), err.Error())
	}
	if p.number < claim.durable && !mutant.On(mutant.DamageIsTorn) {
		return damaged(s.dir, "its log", fmt.Sprintf("batch %d was durable, but the log can be read up to batch %d only", claim.durable, p.number))
	}
	s.proof = proof{number: p.number, durable: claim.durable}
	s.torn = s.torn || p.number < claim.number
	return nil
}

// prove adds the next proof to b.
func (s *Store) prove(b *pebble.Batch) error {
	s.proof.number++
	return b.Set(proofKey, s.proof.encode(), nil)
}

// seal makes durable that all before it is, so that damage to the last batch of a store that was closed in peace shows.
func (s *Store) seal() {
	if s.Err() != nil {
		return
	}
	b := s.db.NewBatch()
	if err := s.prove(b); err != nil {
		s.fail("seal", err)
		return
	}
	s.apply(b, true)
}
