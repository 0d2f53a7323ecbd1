package real

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"strconv"

	"onevoice/web/api"
)

// hashSamples is for how many indices every server is asked for its hash at the end.
const hashSamples = 200

// state reads all flights and sectors of a server as of one index.
func (c *Cluster) state(ctx context.Context, name string) (State, error) {
	s := State{Server: name}
	sum := sha256.New()
	for _, list := range []string{"/sectors", "/flights"} {
		next := ""
		for {
			var page struct {
				Sectors, Flights json.RawMessage
				Next             string
			}
			header, err := c.Get(ctx, name, list+"?limit=1000"+next, &page)
			if err != nil {
				return s, err
			}
			index, err := strconv.ParseUint(header.Get("Onevoice-Index"), 10, 64)
			if err != nil || s.Index != 0 && index != s.Index {
				return s, fmt.Errorf("%s: %w while its state was read", name, errApart)
			}
			s.Index = index
			sum.Write(page.Sectors)
			sum.Write(page.Flights)
			if page.Next == "" {
				break
			}
			next = "&after=" + page.Next
		}
	}
	s.Sum = [32]byte(sum.Sum(nil))
	return s, nil
}

// CompareHashes asks every server for its hash at many indices, as far as it holds them.
func (c *Cluster) CompareHashes(ctx context.Context, r *Record) {
	for _, name := range c.Names() {
		s, err := c.Status(ctx, name)
		if err != nil {
			continue
		}
		every := max(1, (s.LastHash-s.FirstHash)/hashSamples)
		for index := s.FirstHash; index <= s.LastHash && index > 0; index += every {
			c.recordHash(ctx, r, name, index-index%every)
		}
	}
}

func (c *Cluster) recordHash(ctx context.Context, r *Record, name string, index uint64) {
	var h api.Hash
	if _, err := c.Get(ctx, name, fmt.Sprintf("/hash?index=%d", index), &h); err != nil {
		return // not held, or compacted in between
	}
	var sum [32]byte
	if _, err := hex.Decode(sum[:], []byte(h.Hash)); err != nil || h.Index != index {
		r.wrong("S7", "%s: asked for the hash at %d it says %q at %d", name, index, h.Hash, h.Index)
		return
	}
	r.hash(name, index, sum)
}
