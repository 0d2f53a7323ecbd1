package session

import (
	"bytes"
	"encoding/binary"
	"encoding/hex"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"onevoice/wire"
)

// driver applies requests to a table as a group would; each operation that runs returns a result of its own.
type driver struct {
	table *Table
	index uint64
	logNs int64
	ran   int
}

func newDriver() *driver { return &driver{table: New(), index: 1} }

func (d *driver) place() Place {
	d.index++
	return Place{Index: d.index, Sub: uint32(d.index % 3), LogTimeNs: d.logNs}
}

func (d *driver) open(t testing.TB) uint64 {
	t.Helper()
	id, ok := d.table.Open(d.place())
	if !ok {
		t.Fatal("no room for a session")
	}
	return id
}

func request(session, seq, acked uint64, op string) *Request {
	return &Request{Session: session, Seq: seq, Acked: acked, Op: []byte(op), Image: []byte(op)}
}

func keyed32(b byte) []byte { return bytes.Repeat([]byte{b}, 32) }

func (q *Request) keyed(name, body byte) *Request {
	q.Key, q.Body = keyed32(name), keyed32(body)
	q.Image = slices.Concat(q.Key, q.Body, q.Op)
	return q
}

func (d *driver) do(q *Request) Outcome { return d.doing(q, nil) }

// doing runs a request whose result is given, or the count of what ran.
func (d *driver) doing(q *Request, result []byte) Outcome {
	at := d.place()
	o, fresh := d.table.Begin(at, q)
	if !fresh {
		return o
	}
	d.ran++
	if result == nil {
		result = binary.BigEndian.AppendUint64(nil, uint64(d.ran))
	}
	return d.table.End(at, q, result)
}

func (d *driver) expect(t testing.TB, what string, q *Request, want wire.Status, runs bool) Outcome {
	t.Helper()
	before := d.ran
	o := d.do(q)
	if o.Status != want || (d.ran > before) != runs {
		t.Fatalf("%s: status %d, wanted %d; it ran: %v", what, o.Status, want, d.ran > before)
	}
	return o
}

func TestOutcomes(t *testing.T) {
	d := newDriver()
	id := d.open(t)
	first := d.expect(t, "a new seq", request(id, 1, 0, "a"), wire.OK, true)
	again := d.expect(t, "the same again", request(id, 1, 0, "a"), wire.OK, false)
	if again.Place != first.Place || !bytes.Equal(again.Result, first.Result) {
		t.Fatalf("the retry gave %+v, the first %+v", again, first)
	}
	d.expect(t, "another operation under the seq", request(id, 1, 0, "b"), wire.SeqReused, false)
	d.expect(t, "an unknown session", request(id+1, 1, 0, "a"), wire.NoSession, false)
	d.expect(t, "seq 0", request(id, 0, 0, "a"), wire.AlreadyAcked, false)
	d.expect(t, "a seq in the middle of the window", request(id, 500, 0, "a"), wire.OK, true)
	d.expect(t, "a seq before it", request(id, 300, 0, "a"), wire.OK, true)
	d.expect(t, "the last of the window", request(id, Window, 0, "a"), wire.OK, true)
	d.expect(t, "one after the window", request(id, Window+1, 0, "a"), wire.OutOfWindow, false)
	d.expect(t, "the same with an acknowledgement", request(id, Window+1, 1, "a"), wire.OK, true)
	d.expect(t, "an acknowledged seq", request(id, 1, 0, "a"), wire.AlreadyAcked, false)
	d.expect(t, "out of order again", request(id, 300, 0, "a"), wire.OK, false)
	d.expect(t, "acknowledging itself", request(id, 600, 600, "a"), wire.AlreadyAcked, false)
	d.expect(t, "below that", request(id, 500, 0, "a"), wire.AlreadyAcked, false)
	d.expect(t, "far above", request(id, 1<<63, 0, "a"), wire.OutOfWindow, false)
	d.expect(t, "an acknowledgement of everything", request(id, 7, ^uint64(0), "a"), wire.AlreadyAcked, false)
	d.expect(t, "and nothing more", request(id, ^uint64(0), 0, "a"), wire.AlreadyAcked, false)
	if d.table.bytes != 0 {
		t.Fatalf("%d bytes are held for nothing", d.table.bytes)
	}
}

func TestFind(t *testing.T) {
	d := newDriver()
	id := d.open(t)
	first := d.do(request(id, 1, 0, "a"))
	if o, ok := d.table.Find(request(id, 1, 0, "a")); !ok || o.Place != first.Place {
		t.Fatalf("found %v %+v", ok, o)
	}
	for _, q := range []*Request{request(id, 1, 0, "b"), request(id, 2, 0, "a"), request(id+1, 1, 0, "a")} {
		if _, ok := d.table.Find(q); ok {
			t.Errorf("found an outcome of %+v", q)
		}
	}
	if !d.table.Holds(id, 1) || d.table.Holds(id, 2) || d.table.Holds(id+1, 1) {
		t.Error("Holds is wrong")
	}
}

func TestSessionLimit(t *testing.T) {
	d := newDriver()
	seen := map[uint64]bool{}
	for range MaxSessions {
		seen[d.open(t)] = true
	}
	if len(seen) != MaxSessions {
		t.Fatalf("%d numbers for %d sessions", len(seen), MaxSessions)
	}
	if _, ok := d.table.Open(d.place()); ok {
		t.Fatal("one more than allowed")
	}
	d.logNs += IdleNs
	if n := len(d.table.Expire(d.logNs)); n != MaxExpiredEach {
		t.Fatalf("%d expired at once", n)
	}
	d.open(t)
}

func TestSessionBytesLimit(t *testing.T) {
	d := newDriver()
	id, other := d.open(t), d.open(t)
	big := make([]byte, MaxResultBytes)
	n := uint64(0)
	for ; d.doing(request(id, n+1, 0, "a"), big).Status == wire.OK; n++ {
	}
	if n != MaxSessionBytes/MaxResultBytes {
		t.Fatalf("%d results of %d bytes fit", n, MaxResultBytes)
	}
	d.expect(t, "over the session's bytes", request(id, n+1, 0, "a"), wire.Overloaded, false)
	d.expect(t, "a retry even then", request(id, 1, 0, "a"), wire.OK, false)
	d.expect(t, "another session", request(other, 1, 0, "a"), wire.OK, true)
	d.expect(t, "after an acknowledgement", request(id, n+1, 1, "a"), wire.OK, true)
}

func TestAllBytesLimit(t *testing.T) {
	d := newDriver()
	big := make([]byte, MaxResultBytes) // shared, so that the test needs no 256 MiB
	for d.table.bytes < MaxBytes {
		id := d.open(t)
		for seq := uint64(1); seq <= 3; seq++ {
			d.doing(request(id, seq, 0, "a"), big)
		}
	}
	id := d.open(t)
	d.expect(t, "over all bytes", request(id, 1, 0, "a"), wire.Overloaded, false)
	d.logNs += IdleNs
	for len(d.table.Expire(d.logNs)) > 0 {
	}
	if d.table.bytes != 0 || d.table.Len() != 0 {
		t.Fatalf("%d sessions, %d bytes after all have expired", d.table.Len(), d.table.bytes)
	}
}

func TestLargeResult(t *testing.T) {
	d := newDriver()
	id := d.open(t)
	for range 2 {
		if o := d.doing(request(id, 1, 0, "a"), make([]byte, MaxResultBytes+1)); o.Status != wire.TooLarge || o.Result != nil {
			t.Fatalf("status %d with %d bytes", o.Status, len(o.Result))
		}
	}
	if d.ran != 1 {
		t.Fatalf("it ran %d times", d.ran)
	}
}

func TestKeys(t *testing.T) {
	d := newDriver()
	one, two := d.open(t), d.open(t)
	first := d.expect(t, "a new key", request(one, 1, 0, "a").keyed(1, 1), wire.OK, true)
	d.logNs += KeyNs - 1
	d.table.Expire(d.logNs)
	other := d.expect(t, "its copy from another session", request(two, 1, 0, "a").keyed(1, 1), wire.OK, false)
	if other.Place != first.Place || !bytes.Equal(other.Result, first.Result) {
		t.Fatalf("the copy gave %+v, the first %+v", other, first)
	}
	d.expect(t, "the key with another body", request(two, 2, 0, "b").keyed(1, 2), wire.KeyReused, false)
	d.logNs++
	d.table.Expire(d.logNs)
	if d.table.Keys() != 0 {
		t.Fatal("the key is still held")
	}
	d.expect(t, "a retry of the copy after the key has gone", request(two, 1, 0, "a").keyed(1, 1), wire.OK, false)
	d.expect(t, "a retry of the refused one", request(two, 2, 0, "b").keyed(1, 2), wire.KeyReused, false)
	d.expect(t, "the key anew", request(two, 3, 0, "b").keyed(1, 2), wire.OK, true)
}

func TestKeyLimits(t *testing.T) {
	d := newDriver()
	one := d.open(t)
	keyOf := func(n int) *Request {
		q := request(one, uint64(n)+1, uint64(n), "a").keyed(0, 0)
		binary.BigEndian.PutUint64(q.Key, uint64(n))
		return q
	}
	for n := range MaxKeys {
		d.doing(keyOf(n), []byte{})
	}
	d.expect(t, "one key more", keyOf(MaxKeys), wire.Overloaded, false)
	d.expect(t, "without a key", request(one, MaxKeys+1, MaxKeys, "a"), wire.OK, true)
	d.logNs += KeyNs
	d.table.Expire(d.logNs)
	if got := d.table.Keys(); got != MaxKeys-MaxKeysExpiredEach {
		t.Fatalf("%d keys are left", got)
	}
	one = d.open(t)
	big := make([]byte, MaxResultBytes)
	n := 0
	for ; d.doing(keyOf(MaxKeys+n), big).Status == wire.OK; n++ {
	}
	if held := d.table.keys.held; held < MaxKeyBytes || held > MaxKeyBytes+MaxResultBytes+keyBytes {
		t.Fatalf("%d bytes are held for keys", held)
	}
	for d.table.Keys() > 0 {
		d.logNs += KeyNs
		d.table.Expire(d.logNs)
	}
	if d.table.keys.held != 0 || len(d.table.keys.byName) != 0 {
		t.Fatalf("%d bytes and %d names for no keys", d.table.keys.held, len(d.table.keys.byName))
	}
}

func TestExpiry(t *testing.T) {
	d := newDriver()
	d.logNs = 5
	var ids []uint64
	for range 3 {
		ids = append(ids, d.open(t))
		d.logNs += 10
	}
	d.logNs = 100
	d.do(request(ids[0], 1, 0, "a"))
	if due := d.table.DueNs(); due > 15+IdleNs {
		t.Fatalf("due at %d", due)
	}
	if got := d.table.Expire(15 + IdleNs - 1); len(got) != 0 {
		t.Fatalf("expired %v too early", got)
	}
	if got := d.table.Expire(25 + IdleNs); !slices.Equal(got, ids[1:]) {
		t.Fatalf("expired %v, wanted %v", got, ids[1:])
	}
	if due := d.table.DueNs(); due != 100+IdleNs {
		t.Fatalf("due at %d", due)
	}
	if got := d.table.Expire(100 + IdleNs); !slices.Equal(got, ids[:1]) {
		t.Fatalf("expired %v, wanted %v", got, ids[:1])
	}
	if d.table.DueNs() != 0 {
		t.Fatal("due with nothing held")
	}
	d.expect(t, "an expired session", request(ids[0], 2, 0, "a"), wire.NoSession, false)
}

func (r Root) encode() [][]byte { return slices.Collect(r.Chunks()) }

func load(chunks [][]byte) (*Table, error) {
	t := New()
	for _, c := range chunks {
		if err := t.Load(c); err != nil {
			return nil, err
		}
	}
	return t, t.Loaded()
}

// Two tables, one of them replaced by a copy of itself from a snapshot now and then, give the same outcomes and bytes, and
// a root keeps the bytes of its moment.
func TestRestoredTableGoesOnAlike(t *testing.T) {
	for seed := range uint64(20) {
		rng := rand.New(rand.NewPCG(seed, 1))
		a, b := newDriver(), newDriver()
		var ids []uint64
		var root Root
		var rootBytes [][]byte
		for i := range 2000 {
			a.logNs += rng.Int64N(IdleNs / 200)
			b.logNs = a.logNs
			switch k := rng.IntN(20); {
			case k == 0 || len(ids) == 0:
				ids = append(ids, a.open(t))
				b.open(t)
			case k == 1:
				if x, y := a.table.Expire(a.logNs), b.table.Expire(b.logNs); !slices.Equal(x, y) {
					t.Fatalf("seed %d: expired %v and %v", seed, x, y)
				}
			case k == 2:
				restored, err := load(b.table.Root().encode())
				if err != nil {
					t.Fatalf("seed %d: %v", seed, err)
				}
				b.table = restored
			case k == 3:
				if !slices.EqualFunc(root.encodeOrNil(), rootBytes, bytes.Equal) {
					t.Fatalf("seed %d: a root has changed", seed)
				}
				root = a.table.Root()
				rootBytes = root.encode()
			default:
				q := randomRequest(rng, ids)
				if x, y := a.do(q), b.do(q); x.Status != y.Status || x.Place != y.Place || !bytes.Equal(x.Result, y.Result) {
					t.Fatalf("seed %d, step %d: %+v and %+v", seed, i, x, y)
				}
			}
		}
		if !slices.EqualFunc(a.table.Root().encode(), b.table.Root().encode(), bytes.Equal) {
			t.Fatalf("seed %d: the tables part", seed)
		}
		if a.table.bytes != b.table.bytes || a.table.keys.held != b.table.keys.held {
			t.Fatalf("seed %d: the counts part", seed)
		}
	}
}

func (r Root) encodeOrNil() [][]byte {
	if r.sessions == nil {
		return nil
	}
	return r.encode()
}

func randomRequest(rng *rand.Rand, ids []uint64) *Request {
	seq := 1 + rng.Uint64N(40)
	q := request(ids[max(0, len(ids)-1-rng.IntN(6))], seq, seq-min(seq, rng.Uint64N(30)), fmt.Sprint("op", rng.IntN(2)))
	if rng.IntN(3) == 0 {
		q.keyed(byte(rng.IntN(5)), byte(rng.IntN(2)))
	}
	return q
}

// A root is read on another goroutine while the table goes on; the race detector watches.
func TestRootIsReadBeside(t *testing.T) {
	d := newDriver()
	rng := rand.New(rand.NewPCG(1, 1))
	ids := []uint64{d.open(t), d.open(t), d.open(t)}
	for range 20 {
		root := d.table.Root()
		want := root.encode()
		got := make(chan [][]byte)
		go func() { got <- root.encode() }()
		for range 200 {
			d.logNs += IdleNs / 1000
			d.table.Expire(d.logNs)
			d.do(randomRequest(rng, ids))
		}
		if !slices.EqualFunc(<-got, want, bytes.Equal) {
			t.Fatal("a root has changed")
		}
	}
}

// A table with many outcomes makes chunks of bounded size that load again.
func TestChunkSizes(t *testing.T) {
	d := newDriver()
	for range 20 {
		id := d.open(t)
		for seq := uint64(1); seq <= 30; seq++ {
			q := request(id, seq, 0, "a")
			if seq <= 10 {
				q.keyed(byte(d.ran), 0)
			}
			d.doing(q, make([]byte, 5000))
		}
	}
	chunks := d.table.Root().encode()
	if len(chunks) < 10 {
		t.Fatalf("%d chunks", len(chunks))
	}
	for _, c := range chunks {
		if len(c) > chunkBytes+MaxResultBytes {
			t.Fatalf("a chunk of %d bytes", len(c))
		}
	}
	again, err := load(chunks)
	if err != nil {
		t.Fatal(err)
	}
	if !slices.EqualFunc(again.Root().encode(), chunks, bytes.Equal) {
		t.Fatal("other bytes after loading")
	}
	if again.bytes != d.table.bytes || again.keys.held != d.table.keys.held {
		t.Fatal("other counts after loading")
	}
	for range d.table.Root().Chunks() {
		break // a reader may stop early
	}
}

func TestGoldenChunk(t *testing.T) {
	d := newDriver()
	d.logNs = 255
	id := d.open(t)
	d.doing(request(id, 2, 1, "a").keyed(1, 2), []byte("r"))
	want := "01 0000000000020002 00000000000000ff 0000000000000001" +
		"02 0000000000000002 IMAGE 0000000000000003 00000000 00000000000000ff 01 01 72" +
		"03 KEY BODY 0000000000000003 00000000 00000000000000ff 01 01 72"
	image := imageOf(request(0, 0, 0, "a").keyed(1, 2))
	want = strings.NewReplacer(" ", "", "IMAGE", hex.EncodeToString(image[:]),
		"KEY", strings.Repeat("01", 32), "BODY", strings.Repeat("02", 32)).Replace(want)
	if got := hex.EncodeToString(d.table.Root().encode()[0]); got != want {
		t.Fatalf("chunk is\n%s, golden is\n%s", got, want)
	}
}

func TestLoadRefuses(t *testing.T) {
	session := func(id, acked uint64) []byte {
		b := binary.BigEndian.AppendUint64([]byte{itemSession}, id)
		b = binary.BigEndian.AppendUint64(b, 5)
		return binary.BigEndian.AppendUint64(b, acked)
	}
	outcome := func(index uint64) []byte {
		b := binary.BigEndian.AppendUint64(nil, index)
		return append(b, make([]byte, 4+8+1+1)...)
	}
	record := func(seq uint64) []byte {
		b := binary.BigEndian.AppendUint64([]byte{itemRecord}, seq)
		return append(append(b, make([]byte, 16)...), outcome(9)...)
	}
	key := func(name byte, index uint64) []byte {
		return slices.Concat([]byte{itemKey}, keyed32(name), keyed32(0), outcome(index))
	}
	whole := slices.Concat(session(1, 1), record(2), record(5), session(2, 0), key(1, 1), key(2, 2))
	if _, err := load([][]byte{whole}); err != nil {
		t.Fatal(err)
	}
	for what, chunk := range map[string][]byte{
		"an unknown item":            {9},
		"a cut session":              session(1, 1)[:9],
		"sessions out of order":      slices.Concat(session(2, 0), session(1, 0)),
		"a session twice":            slices.Concat(session(1, 0), session(1, 0)),
		"a record without session":   record(2),
		"an acknowledged record":     slices.Concat(session(1, 2), record(2)),
		"a record beyond the window": slices.Concat(session(1, 2), record(Window+3)),
		"records out of order":       slices.Concat(session(1, 1), record(5), record(4)),
		"a record twice":             slices.Concat(session(1, 1), record(5), record(5)),
		"keys out of order":          slices.Concat(key(1, 2), key(2, 1)),
		"keys at one place":          slices.Concat(key(1, 2), key(2, 2)),
		"a key twice":                slices.Concat(key(1, 1), key(1, 2)),
		"a session after keys":       slices.Concat(key(1, 1), session(1, 0)),
		"a record after keys":        slices.Concat(session(1, 0), key(1, 1), record(2)),
	} {
		if _, err := load([][]byte{chunk}); err == nil {
			t.Errorf("%s was loaded", what)
		}
	}
}

// Any chunks give an error or a table whose own chunks give the same table again.
func FuzzLoad(f *testing.F) {
	d := newDriver()
	id := d.open(f)
	d.do(request(id, 1, 0, "a"))
	d.do(request(id, 2, 1, "a").keyed(1, 2))
	c := d.table.Root().encode()[0]
	f.Add(c, 30)
	f.Add(c, 1000)
	f.Fuzz(func(t *testing.T, b []byte, cut int) {
		cut = min(max(cut, 0), len(b))
		table, err := load([][]byte{b[:cut], b[cut:]})
		if err != nil {
			return
		}
		once := table.Root().encode()
		again, err := load(once)
		if err != nil || !slices.EqualFunc(once, again.Root().encode(), bytes.Equal) {
			t.Fatalf("a table that was loaded does not load again: %v", err)
		}
		table.Expire(1 << 62)
		for _, id := range []uint64{0, 1, id} {
			table.Begin(Place{Index: 1}, request(id, 3, 1, "a").keyed(1, 2))
		}
	})
}

func BenchmarkRetryWindow(b *testing.B) {
	d := newDriver()
	id := d.open(b)
	b.ReportAllocs()
	for seq := uint64(1); b.Loop(); seq++ {
		d.do(request(id, seq, seq-min(seq, 256), "operation"))
	}
}

func BenchmarkExpireScan(b *testing.B) {
	d := newDriver()
	for range MaxSessions {
		d.open(b)
	}
	b.ReportAllocs()
	for b.Loop() {
		d.table.oldestNs = -2 * IdleNs // as if one might be due
		d.table.Expire(d.logNs)
	}
}
