package sim

import (
	"cmp"
	"fmt"
	"strings"
	"testing"

	"onevoice/step"
)

func set(key, value string) step.Op {
	return step.Op{Kind: step.Set, Key: []byte(key), Value: []byte(value)}
}

func contents(d *disk) string {
	s := ""
	for key, value := range d.scan(nil) {
		s += fmt.Sprintf("%s=%s ", key, value)
	}
	return s
}

func TestDiskLosesOnlyASuffixOfWhatWasNotSynced(t *testing.T) {
	seen := map[string]bool{}
	r := Stream(1, "test")
	for range 200 {
		d := disk{first: 1}
		d.harden(d.start([]step.Op{set("a", "1"), set("b", "1")}))
		d.start([]step.Op{set("a", "2"), set("c", "2")})
		d.start([]step.Op{{Kind: step.DeleteRange, Key: []byte("a"), Value: []byte("c")}})
		d.crash(r)
		seen[contents(&d)] = true
	}
	want := []string{"a=1 b=1 ", "a=2 b=1 c=2 ", "c=2 "}
	for _, state := range want {
		if !seen[state] {
			t.Errorf("never %q after a crash", state)
		}
	}
	if len(seen) != len(want) {
		t.Errorf("states after crashes: %v, want only prefixes of the batches", seen)
	}
}

func TestDiskReadsWhatWasStarted(t *testing.T) {
	d := disk{first: 1}
	d.harden(d.start([]step.Op{set("a", "1"), set("b", "1")}))
	d.start([]step.Op{set("a", "2"), {Kind: step.Delete, Key: []byte("b")}})
	if got := string(d.read([]byte("a"))); got != "2" {
		t.Errorf("a is %q, want 2", got)
	}
	if d.read([]byte("b")) != nil {
		t.Error("b is there, though its deletion was started")
	}
	d.start([]step.Op{{Kind: step.DeleteRange, Key: []byte("a"), Value: []byte("b")}})
	if d.read([]byte("a")) != nil {
		t.Error("a is there, though the deletion of its range was started")
	}
}

func TestClockRunsAtItsRate(t *testing.T) {
	c := clock{}
	c.setRate(0, 50_000)
	if got := c.now(secNs).MonoNs; got != secNs+50*milliNs {
		t.Errorf("a second on a clock 5 %% fast is %d ns", got)
	}
	before := c.now(secNs)
	c.setRate(secNs, -50_000)
	if after := c.now(secNs); after != before {
		t.Errorf("a change of rate jumps from %v to %v", before, after)
	}
	if got := c.now(2*secNs).MonoNs - before.MonoNs; got != secNs-50*milliNs {
		t.Errorf("a second on a clock 5 %% slow is %d ns", got)
	}
	if got := c.worldNs(step.TickNs); got <= step.TickNs {
		t.Errorf("a tick of a slow clock takes %d ns", got)
	}
}

func TestQueueKeepsOrder(t *testing.T) {
	var q queue
	r := Stream(2, "test")
	for range 500 {
		q.push(r.Int64N(50), nil)
	}
	last := event{}
	for len(q.heap) > 0 {
		e := q.pop()
		if e.before(last) {
			t.Fatalf("%d/%d after %d/%d", e.atNs, e.seq, last.atNs, last.seq)
		}
		last = e
	}
}

func TestStreamsAreTheirOwn(t *testing.T) {
	a, b := Stream(1, "a"), Stream(1, "a")
	if a.Uint64() != b.Uint64() {
		t.Error("one name, two streams")
	}
	if Stream(1, "a").Uint64() == Stream(1, "b").Uint64() || Stream(1, "a").Uint64() == Stream(2, "a").Uint64() {
		t.Error("two names or seeds, one stream")
	}
}

func TestKindsHaveNames(t *testing.T) {
	for _, k := range Kinds() {
		if back, ok := ParseKind(k.String()); !ok || back != k {
			t.Errorf("kind %d prints as %q, which reads as %d", k, k, back)
		}
	}
	if kindCount != 32 || Loss != episodes {
		t.Errorf("%d kinds, the first colour is %d and the episodes end at %d", kindCount, Loss, episodes)
	}
}

// chatter answers every frame at once, for ever.
type chatter struct{}

func (chatter) Step(_ step.Now, in []step.Input, out *step.Out) {
	for _, i := range in {
		to := i.From
		if i.Kind == step.Tick {
			to = 1
		}
		out.Sends = append(out.Sends, step.Send{To: to, Bytes: []byte("and you?")})
	}
}

// TestEndlessWorldEnds: each bound by itself ends a world whose machines never come to rest, and that is told once.
func TestEndlessWorldEnds(t *testing.T) {
	for what, one := range map[string]bounds{
		"steps": {steps: 10_000}, "events": {events: 10_000}, "frames": {frames: 10_000}, "bytes in frames": {bytes: 10_000},
	} {
		told := ""
		params := Draw(1)
		params.DelayMinNs, params.DelaySpreadNs, params.LossPpm, params.NsPerByte, params.WorkNs = 10, 0, 0, 0, 0
		hooks := Hooks{Broken: func(_ *Party, what string, err error) { told += what + ": " + err.Error() }}
		w, err := New(Options{Seed: 1, Params: &params, Hooks: hooks})
		if err != nil {
			t.Fatal(err)
		}
		w.bounds = one.orElse(worldBounds)
		for a := range 2 {
			w.AddServer(step.Address(a+1), nil, func(Birth) (step.Machine, error) { return chatter{}, nil })
		}
		w.Run(3_600*secNs, nil)
		w.Run(3_600*secNs, nil)
		if !w.Stopped() || !strings.HasPrefix(told, "endless: 100") || strings.Count(told, what+" by ") != 1 {
			t.Errorf("%s: told %q, stopped %v", what, told, w.Stopped())
		}
		w.Close()
	}
}

// orElse takes the bounds that are not set from others.
func (b bounds) orElse(o bounds) bounds {
	return bounds{cmp.Or(b.steps, o.steps), cmp.Or(b.events, o.events), cmp.Or(b.frames, o.frames), cmp.Or(b.bytes, o.bytes)}
}
