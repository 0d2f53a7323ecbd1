package toy

import (
	"bytes"
	"math/rand/v2"
	"testing"

	"onevoice/machine"
)

type ran struct {
	Result
	events []Event
}

func run(t *testing.T, m *Machine, atNs int64, c Command) ran {
	t.Helper()
	var r ran
	emit := func(b []byte) {
		e, err := DecodeEvent(b)
		if err != nil {
			t.Fatal(err)
		}
		r.events = append(r.events, e)
	}
	at := machine.At{LogTimeNs: atNs}
	m.Advance(at, emit)
	var err error
	if r.Result, err = DecodeResult(m.Apply(at, c.Encode(), emit)); err != nil {
		t.Fatal(err)
	}
	return r
}

func TestCommands(t *testing.T) {
	m := New()
	for i, step := range []struct {
		c      Command
		want   Result
		events int
	}{
		{Command{Kind: Get, Key: "a"}, Result{Done, false, 0}, 0},
		{Command{Kind: Add, Key: "a", Value: 3}, Result{Done, true, 3}, 1},
		{Command{Kind: Add, Key: "a", Value: -1}, Result{Done, true, 2}, 1},
		{Command{Kind: CompareAndSet, Key: "a", Old: 3, Value: 9}, Result{Unequal, true, 2}, 0},
		{Command{Kind: CompareAndSet, Key: "a", Old: 2, Value: 9}, Result{Done, true, 9}, 1},
		{Command{Kind: CompareAndSet, Key: "b", Old: 0, Value: 9}, Result{Unequal, false, 0}, 0},
		{Command{Kind: Set, Key: "b", Value: 5}, Result{Done, true, 5}, 1},
		{Command{Kind: Get, Key: "b"}, Result{Done, true, 5}, 0},
	} {
		step.c.ID = uint64(i)
		got := run(t, m, 1, step.c)
		if got.Result != step.want || len(got.events) != step.events {
			t.Errorf("command %d: %+v, want %+v with %d events", i, got, step.want, step.events)
		}
		if len(got.events) > 0 && got.events[0].ID != uint64(i) {
			t.Errorf("command %d: event of command %d", i, got.events[0].ID)
		}
	}
}

func TestTimeToLiveByLogTime(t *testing.T) {
	m := New()
	run(t, m, 100, Command{Kind: SetFor, Key: "t", Value: 1, TTLNs: 50})
	run(t, m, 100, Command{Kind: SetFor, Key: "t", Value: 2, TTLNs: 60})
	if m.DueNs() != 160 {
		t.Fatalf("due at %d, want 160", m.DueNs())
	}
	before := m.Root()
	if got := run(t, m, 159, Command{Kind: Get, Key: "t"}); !got.Found {
		t.Error("gone before its time")
	}
	got := run(t, m, 160, Command{Kind: Get, Key: "t"})
	if got.Found || len(got.events) != 1 || got.events[0].Kind != Expired || m.DueNs() != 0 {
		t.Errorf("at its time: %+v, next due %d", got, m.DueNs())
	}
	get := Command{Kind: Get, Key: "t"}
	if r, _ := DecodeResult(before.Query(get.Encode())); r.Value != 2 {
		t.Errorf("an older root changed: %+v", r)
	}
}

func TestVersionTwoEndsWithAWholeMillisecond(t *testing.T) {
	c := Command{Kind: SetFor, Key: "t", Value: 1, TTLNs: 50}
	for _, step := range []struct {
		version uint32
		atNs    int64
		want    int64
	}{{1, 100, 150}, {2, 100, 1_000_000}, {2, 999_950, 1_000_000}, {2, 999_951, 2_000_000}} {
		m := New()
		m.Apply(machine.At{LogTimeNs: step.atNs, Version: step.version}, c.Encode(), func([]byte) {})
		if m.DueNs() != step.want {
			t.Errorf("version %d: set at %d it is due at %d, want %d", step.version, step.atNs, m.DueNs(), step.want)
		}
	}
}

func snapshot(m *Machine) (chunks [][]byte) {
	for c := range m.Root().Chunks() {
		chunks = append(chunks, c)
	}
	return chunks
}

func TestSnapshotGivesTheSameMachine(t *testing.T) {
	m, r := New(), rand.New(rand.NewPCG(1, 2))
	for i := range 5_000 {
		key := string([]byte{'a' + byte(r.IntN(26)), 'a' + byte(r.IntN(26)), 'a' + byte(r.IntN(26))})
		run(t, m, int64(i), Command{Kind: Set + Kind(r.IntN(3)), Key: key, Value: int64(i)})
		run(t, m, int64(i), Command{Kind: SetFor, Key: "t" + key, Value: int64(i), TTLNs: 1 + r.Int64N(3_000)})
	}
	chunks := snapshot(m)
	if len(chunks) < 3 {
		t.Fatalf("%d chunks, too few to test their order", len(chunks))
	}
	back := New()
	for _, c := range chunks {
		if err := back.Load(c); err != nil {
			t.Fatal(err)
		}
	}
	if err := back.Loaded(); err != nil {
		t.Fatal(err)
	}
	if !bytes.Equal(bytes.Join(snapshot(back), nil), bytes.Join(chunks, nil)) || back.DueNs() != m.DueNs() {
		t.Error("the loaded machine differs")
	}
	if New().Load(chunks[0][:len(chunks[0])-1]) == nil {
		t.Error("a cut chunk loads")
	}
	wrong := New()
	if wrong.Load(chunks[1]) != nil || wrong.Load(chunks[0]) == nil {
		t.Error("chunks load in the wrong order")
	}
}

func FuzzTotal(f *testing.F) {
	for k := Get; k <= SetFor; k++ {
		c := Command{Kind: k, ID: 7, Key: "key", Value: 1, Old: 2, TTLNs: 3}
		f.Add(c.Encode())
	}
	f.Add(snapshot(func() *Machine { m := New(); m.put("a", register{1, 2}); return m }())[0])
	f.Fuzz(func(t *testing.T, b []byte) {
		m := New()
		emit := func([]byte) {}
		if _, err := DecodeResult(m.Apply(machine.At{}, b, emit)); err != nil {
			t.Error(err)
		}
		m.Advance(machine.At{LogTimeNs: 1 << 60}, emit)
		m.Root().Query(b)
		New().Load(b)
		DecodeEvent(b)
		if c, err := DecodeCommand(b); err == nil && !bytes.Equal(c.Encode(), b) {
			t.Errorf("%x decodes but encodes as %x", b, c.Encode())
		}
	})
}
