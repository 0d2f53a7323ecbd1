package export

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"

	"onevoice/chain"
	"onevoice/web/api"
)

// The kinds of a Manifest.
const (
	segmentKind = "segment"
	baseKind    = "base"
)

// Manifest says what a segment or a base holds.
type Manifest struct {
	Format int `json:"format"`
	// Kind is "segment" or "base".
	Kind    string `json:"kind"`
	Cluster string `json:"cluster"`
	// First to Last are the indices of a segment; both are the index of a base.
	First uint64 `json:"first,string"`
	Last  uint64 `json:"last,string"`
	// HashBefore is the chain hash before First, none for a base; Hash that after Last. Hexadecimal.
	HashBefore string `json:"hash_before,omitempty"`
	Hash       string `json:"hash"`
	// LogTime is that of Last; ServiceTime that of a base.
	LogTime     api.Time `json:"log_time"`
	ServiceTime api.Time `json:"service_time,omitzero"`
	// Entries and Events count the rows of a segment, Sectors and Flights those of a base.
	Entries int `json:"entries,omitempty"`
	Events  int `json:"events,omitempty"`
	Sectors int `json:"sectors,omitempty"`
	Flights int `json:"flights,omitempty"`
	// Gap says what is missing before a base; nil where nothing is.
	Gap *Gap `json:"gap,omitempty"`
	// Files hold the rows, each table in each format.
	Files []File `json:"files"`
	// Program is the build that wrote it, at Written by its clock.
	Program string   `json:"program"`
	Written api.Time `json:"written"`
}

// Gap is entries that are not in a history: no server held them any more. What became of them is in the base that follows.
type Gap struct {
	First  uint64 `json:"first,string"`
	Last   uint64 `json:"last,string"`
	Reason string `json:"reason"`
}

// File is one file of a Manifest.
type File struct {
	Name string `json:"name"`
	// Table is "entries", "events" or "state".
	Table  string `json:"table"`
	Rows   int    `json:"rows"`
	Bytes  int    `json:"bytes"`
	SHA256 string `json:"sha256"`
}

// Position says where a history ends.
type Position struct {
	Format  int    `json:"format"`
	Cluster string `json:"cluster"`
	// Last is the newest index that is in the history, and Hash the chain hash after it; 0 and none before there is any.
	Last uint64 `json:"last,string"`
	Hash string `json:"hash,omitempty"`
	// Manifest names the newest manifest, and SHA256 is its sum.
	Manifest string `json:"manifest,omitempty"`
	SHA256   string `json:"sha256,omitempty"`
	// Gaps counts the gaps in the whole history.
	Gaps    int      `json:"gaps"`
	Written api.Time `json:"written"`
}

func (m *Manifest) name() string {
	if m.Kind == baseKind {
		return baseName(m.Last)
	}
	return rangeName(manifests, m.First, m.Last, "json")
}

func encodeJSON(v any) ([]byte, error) {
	b, err := json.MarshalIndent(v, "", "  ")
	return append(b, '\n'), err
}

func sumOf(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}

// parse reads a manifest or a position.
func parse[T any](name string, b []byte) (v T, err error) {
	var head struct{ Format int }
	if err = json.Unmarshal(b, &head); err == nil && head.Format != Format {
		err = fmt.Errorf("format is %d, this build reads %d", head.Format, Format)
	}
	if err == nil {
		err = json.Unmarshal(b, &v)
	}
	if err != nil {
		err = fmt.Errorf("%s: %w", name, err)
	}
	return v, err
}

// readHash reads a chain hash or a digest.
func readHash[H chain.Hash | chain.Digest](text string) (h H, err error) {
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(h) {
		return h, fmt.Errorf("%.80q is no SHA-256 in hexadecimal", text)
	}
	return H(b), nil
}
