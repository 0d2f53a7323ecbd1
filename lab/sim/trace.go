package sim

import (
	"crypto/sha256"
	"encoding/binary"
	"fmt"
	"hash"
	"io"

	"onevoice/step"
)

// trace hashes what happens, and prints it where somebody wants to read it.
type trace struct {
	sum  hash.Hash
	buf  []byte
	text io.Writer
}

// flushBytes is how much a trace gathers before it hashes it.
const flushBytes = 32 << 10

func newTrace(text io.Writer) *trace { return &trace{sum: sha256.New(), text: text} }

func (t *trace) u64(values ...uint64) {
	for _, v := range values {
		t.buf = binary.BigEndian.AppendUint64(t.buf, v)
	}
}

func (t *trace) bytes(b []byte) {
	t.u64(uint64(len(b)))
	t.buf = append(t.buf, b...)
	if len(t.buf) >= flushBytes {
		t.flush()
	}
}

func (t *trace) flush() {
	t.sum.Write(t.buf)
	t.buf = t.buf[:0]
}

// note hashes a line and prints it.
func (t *trace) note(nowNs int64, format string, args ...any) {
	line := fmt.Sprintf(format, args...)
	t.u64(uint64(nowNs))
	t.bytes([]byte(line))
	t.print(nowNs, "%s", line)
}

func (t *trace) print(nowNs int64, format string, args ...any) {
	if t.text != nil {
		fmt.Fprintf(t.text, "%12.6f ms  %s\n", float64(nowNs)/1e6, fmt.Sprintf(format, args...))
	}
}

func (t *trace) stepped(nowNs int64, p *Party, now step.Now, in []step.Input) {
	t.u64(uint64(nowNs), uint64(p.index), uint64(now.MonoNs), uint64(now.WallNs), uint64(len(in)))
	for _, input := range in {
		t.u64(uint64(input.Kind), uint64(input.From), uint64(input.Token))
		t.bytes(input.Bytes)
		if t.text != nil && input.Kind != step.Tick {
			t.print(nowNs, "%s <- %s", p.name, describe(input))
		}
	}
}

func (t *trace) out(nowNs int64, p *Party, out *step.Out) {
	t.u64(uint64(p.index), uint64(len(out.Writes)), uint64(len(out.Reads)), uint64(len(out.Saves)))
	for _, w := range out.Writes {
		t.u64(uint64(w.Token), uint64(len(w.Ops)))
		for _, op := range w.Ops {
			t.u64(uint64(op.Kind))
			t.bytes(op.Key)
			t.bytes(op.Value)
		}
	}
	for _, r := range out.Reads {
		t.u64(uint64(r.Token))
		t.bytes(r.Key)
	}
	for _, s := range out.Saves {
		t.u64(uint64(s.Token))
		t.bytes(s.Prefix)
	}
	t.u64(uint64(len(out.Sends)), uint64(len(out.Evals)), uint64(len(out.Facts)))
	for _, s := range out.Sends {
		t.u64(uint64(s.To))
		t.bytes(s.Bytes)
	}
	for _, f := range out.Facts {
		t.note(nowNs, "%s fact %s group %d value %d %s", p.name, f.Name, f.Group, f.Value, f.Text)
	}
	if out.Halt != nil {
		t.note(nowNs, "%s halts: %v", p.name, out.Halt)
	}
	if t.text != nil {
		t.printOut(nowNs, p, out)
	}
}

func (t *trace) printOut(nowNs int64, p *Party, out *step.Out) {
	for _, w := range out.Writes {
		t.print(nowNs, "%s write %d, %d ops, sync %v", p.name, w.Token, len(w.Ops), w.Sync)
	}
	for _, s := range out.Sends {
		t.print(nowNs, "%s -> %d, %s", p.name, s.To, describeFrame(s.Bytes))
	}
}

func describe(in step.Input) string {
	switch in.Kind {
	case step.Frame:
		return fmt.Sprintf("%d, %s", in.From, describeFrame(in.Bytes))
	case step.Gone:
		return fmt.Sprintf("gone %d", in.From)
	case step.Done:
		return fmt.Sprintf("done %d, %d bytes, %v", in.Token, len(in.Bytes), in.Err)
	}
	return "tick"
}

func describeFrame(b []byte) string {
	if Describe != nil {
		return Describe(b)
	}
	return fmt.Sprintf("%d bytes", len(b))
}

// Describe, where set, puts a frame into words for printed traces. It changes no run.
var Describe func(frame []byte) string

// hash ends the trace.
func (t *trace) hash() (sum [sha256.Size]byte) {
	t.flush()
	copy(sum[:], t.sum.Sum(nil))
	return sum
}
