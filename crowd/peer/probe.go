package peer

import (
	"fmt"

	"onevoice/codec"
)

// probeVersion begins a probe and its answer.
const probeVersion = 1

// Probe is a probe or its answer. Who carries it sees to it that nobody else can make one.
type Probe struct {
	Answer bool
	// From and To are incarnations. Who is another one does not answer.
	From, To uint64
	// Seq is the probe's; its answer has the same.
	Seq uint64
	// Roll is the newest that From holds, so that news of a roll travels with every probe.
	Roll uint64
}

// Encode writes a probe: 34 bytes.
func (p Probe) Encode() []byte {
	w := codec.Writer{B: make([]byte, 0, 34)}
	w.U8(probeVersion)
	w.Bool(p.Answer)
	w.U64(p.From)
	w.U64(p.To)
	w.U64(p.Seq)
	w.U64(p.Roll)
	return w.B
}

// DecodeProbe reads a Probe.
func DecodeProbe(b []byte) (Probe, error) {
	r := codec.NewReader(b)
	if r.U8() != probeVersion {
		r.Fail()
	}
	p := Probe{r.Bool(), r.U64(), r.U64(), r.U64(), r.U64()}
	if err := r.Finish(); err != nil {
		return Probe{}, fmt.Errorf("probe: %w", err)
	}
	return p, nil
}
