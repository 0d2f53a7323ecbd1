package airspace

import (
	"bytes"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"onevoice/machine"
)

// TestMutatedCommands gives a machine commands that are almost right: random ones with bytes changed, left out or put in.
// Whatever they come to, a refusal changes nothing and the state can be stored and loaded.
func TestMutatedCommands(t *testing.T) {
	outcomes := map[bool]int{}
	rapid.Check(t, func(t *rapid.T) {
		m := New()
		at := machine.At{Index: 1, LogTimeNs: startNs}
		m.Advance(at, func([]byte) {})
		draw := &drawer{t: t, model: newNaive(startNs)}
		for range rapid.IntRange(1, 10).Draw(t, "commands") {
			at.Index++
			events := 0
			op := mutate(t, Encode(draw.command()))
			before := chunksOf(m.State())
			res, err := DecodeResult(m.Apply(at, op, func([]byte) { events++ }))
			if err != nil {
				t.Fatal(err)
			}
			same := slices.EqualFunc(before, chunksOf(m.state.copy()), bytes.Equal)
			if refused := res.Problem != nil; refused && !same || refused != (events == 0) {
				t.Fatalf("problem %v, state is the same: %v, %d events", res.Problem, same, events)
			}
			outcomes[res.Problem == nil]++
		}
		chunks := chunksOf(m.State())
		if !slices.EqualFunc(chunks, chunksOf(reload(t, chunks).State()), bytes.Equal) {
			t.Fatal("chunks differ after loading")
		}
	})
	if outcomes[true] == 0 || outcomes[false] == 0 {
		t.Errorf("%d took effect, %d were refused: the test does not test both", outcomes[true], outcomes[false])
	}
}

func mutate(t *rapid.T, op []byte) []byte {
	for range rapid.IntRange(0, 3).Draw(t, "changes") {
		at := rapid.IntRange(0, len(op)-1).Draw(t, "at")
		b := rapid.SampledFrom([]byte{0, 1, 0x7f, 0x80, 0xff}).Draw(t, "byte")
		switch rapid.IntRange(0, 2).Draw(t, "how") {
		case 0:
			op[at] = b
		case 1:
			op = slices.Insert(op, at, b)
		case 2:
			if op = slices.Delete(op, at, at+1); len(op) == 0 {
				return op
			}
		}
	}
	return op
}
