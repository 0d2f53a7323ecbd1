package wire

import (
	"bytes"
	"encoding/hex"
	"reflect"
	"strings"
	"testing"

	"onevoice/codec"
	"onevoice/problem"
	"onevoice/view"
	"pgregory.net/rapid"
)

// sample is one frame of each kind that has a codec here, with its golden bytes.
type sample struct {
	name   string
	kind   Kind
	group  uint32
	value  any
	golden string
}

const goldenEpoch = "0000000000000002" + "0000000000000005"

func filled(n int, b byte) []byte { return bytes.Repeat([]byte{b}, n) }

func samples() []sample {
	hello := Hello{Role: RoleServer, Cluster: ID(filled(16, 0xc1)), Server: 2, Store: ID(filled(16, 0x51)), Boot: 3}
	told := hello
	told.Starts = []uint64{12, 11, 10}
	built, later := hello, told
	built.Program = &Program{Build: "v2", Min: 1, Max: 2}
	later.Program = &Program{Build: "v3", Min: 2, Max: 3, Later: "new"}
	key := &Key{Name: [32]byte(filled(32, 0xaa)), Body: [32]byte(filled(32, 0xbb))}
	zero := strings.Repeat("00", 20) // group 0, no epoch
	return []sample{
		{"hello", KindHello, 0, hello, "0101" + zero + "01" + strings.Repeat("c1", 16) + "0000000000000002" + strings.Repeat("51", 16) + "0000000000000003"},
		{"welcome", KindWelcome, 0, hello, "0102" + zero + "01" + strings.Repeat("c1", 16) + "0000000000000002" + strings.Repeat("51", 16) + "0000000000000003"},
		{"hello of a third start", KindHello, 0, told, "0101" + zero + "81" + strings.Repeat("c1", 16) + "0000000000000002" + strings.Repeat("51", 16) + "0000000000000003" +
			"03" + "000000000000000c" + "000000000000000b" + "000000000000000a"},
		{"hello of a build", KindHello, 0, built, "0101" + zero + "41" + strings.Repeat("c1", 16) + "0000000000000002" + strings.Repeat("51", 16) + "0000000000000003" +
			"0b" + "00000001" + "00000002" + "027632"},
		{"hello of a later build", KindHello, 0, later, "0101" + zero + "c1" + strings.Repeat("c1", 16) + "0000000000000002" + strings.Repeat("51", 16) + "0000000000000003" +
			"03" + "000000000000000c" + "000000000000000b" + "000000000000000a" + "0e" + "00000002" + "00000003" + "027633" + "6e6577"},
		{"refusal", KindRefusal, 0, &problem.Error{Kind: problem.Forbidden, Op: "connect", Detail: "x"}, "0103" + zero + "0d" + "07636f6e6e656374" + "00000000" + "0178"},
		{"snapshot get", KindSnapshotGet, 1, SnapshotGet{Index: 9, Chunk: 4}, "010b" + "00000001" + goldenEpoch + "0000000000000009" + "0000000000000004"},
		{"snapshot chunk", KindSnapshotChunk, 1, SnapshotChunk{Index: 9, Chunk: 4, Bytes: []byte("abc")},
			"010c" + "00000001" + goldenEpoch + "0000000000000009" + "0000000000000004" + "03616263"},
		{"command", KindCommand, 1, Command{Request: 1, Session: 7, Seq: 3, Acked: 2, Op: []byte("op")},
			"0114" + "00000001" + goldenEpoch + "0000000000000001" + "0000000000000007" + "0000000000000003" + "0000000000000002" + "00" + "026f70"},
		{"keyed command", KindCommand, 1, Command{Request: 1, Session: 7, Seq: 3, Acked: 2, Key: key, Op: []byte("op")},
			"0114" + "00000001" + goldenEpoch + "0000000000000001" + "0000000000000007" + "0000000000000003" + "0000000000000002" +
				"01" + strings.Repeat("aa", 32) + strings.Repeat("bb", 32) + "026f70"},
		{"query", KindQuery, 1, Query{Request: 1, Op: []byte("q")}, "0115" + "00000001" + goldenEpoch + "0000000000000001" + "0171"},
		{"reply", KindReply, 1, Reply{Request: 1, Status: NotLeader, Server: 2, Leader: 3, Index: 4, Sub: 5, Hash: [32]byte(filled(32, 0xee)), LogTimeNs: -1, Result: []byte("r")},
			"0117" + "00000001" + goldenEpoch + "0000000000000001" + "02" + "0000000000000002" + "0000000000000003" + "0000000000000004" + "00000005" +
				strings.Repeat("ee", 32) + "ffffffffffffffff" + "0172"},
		{"clock ask", KindClockAsk, 0, ClockAsk{AskedNs: 1}, "010d" + "00000000" + goldenEpoch + "0000000000000001"},
		{"clock tell", KindClockTell, 0, ClockTell{AskedNs: 1, TimeNs: -1}, "010e" + "00000000" + goldenEpoch + "0000000000000001" + "ffffffffffffffff"},
		{"beat", KindBeat, 0, &Beat{Boot: 3, SentNs: 8, LateNs: 1, View: 9, Fit: true, Leaving: true, Fell: true, Last: view.Exited, Heard: []Heard{{Server: 2, Boot: 4, AgeNs: 5, StampNs: 10, Relayed: true, Evidence: view.Deaf, Down: true}},
			Logs: []LogEnd{{Group: 1, Term: 6, Leader: 2, LastTerm: 5, LastIndex: 7}}},
			"010f" + zero + "0000000000000003" + "0000000000000008" + "0000000000000001" + "0000000000000009" + "0e" + "06" + "01" + "0000000000000002" + "0000000000000004" + "0000000000000005" +
				"000000000000000a" + "c2" +
				"01" + "00000001" + "0000000000000006" + "0000000000000002" + "0000000000000005" + "0000000000000007"},
		{"relay", KindRelay, 0, &Relay{From: 1, To: 3, Frame: []byte("abc")}, "0110" + zero + "0000000000000001" + "0000000000000003" + "03616263"},
		{"news", KindNews, 1, News{Term: 5, Leader: 2}, "011a" + "00000001" + goldenEpoch + "0000000000000005" + "0000000000000002"},
		{"watch", KindWatch, 1, Watch{Index: 9, Sub: 2}, "0116" + "00000001" + goldenEpoch + "0000000000000009" + "00000002"},
		{"events", KindEvents, 1, Events{Through: 9, Hash: [32]byte(filled(32, 0xee)), Items: []Event{{Index: 9, Sub: 2, LogTimeNs: -1, Body: []byte("e")}}},
			"0118" + "00000001" + goldenEpoch + "0000000000000009" + strings.Repeat("ee", 32) + "01" + "0000000000000009" + "00000002" + "ffffffffffffffff" + "0165"},
		{"watch end", KindWatchEnd, 1, WatchEnd{Problem: &problem.Error{Kind: problem.NotFound, Op: "watch"}, FirstIndex: 9, FirstSub: 2},
			"0119" + "00000001" + goldenEpoch + "0000000000000009" + "00000002" + "02" + "057761746368" + "0000000000"},
	}
}

// framed is a body that encodes itself with its header, and is small enough to be passed as a value.
type framed interface {
	Encode(group uint32, epoch view.Epoch) []byte
}

func encode(kind Kind, group uint32, epoch view.Epoch, value any) []byte {
	switch v := value.(type) {
	case Hello:
		return v.Encode(kind)
	case *problem.Error:
		return EncodeRefusal(v)
	case Command:
		return v.Encode(group, epoch)
	case Query:
		return v.Encode(group, epoch)
	case Reply:
		return v.Encode(group, epoch)
	case *Beat:
		return v.Encode()
	case *Relay:
		return v.Encode()
	case framed:
		return v.Encode(group, epoch)
	}
	panic("no such value")
}

// decode reads any frame of a kind that has a codec here; nil, nil for another kind.
func decode(frame []byte) (Header, any, error) {
	h, r, err := Open(frame)
	if err != nil {
		return h, nil, err
	}
	v, err := body(h.Kind, r)
	return h, v, err
}

func body(kind Kind, r *codec.Reader) (any, error) {
	switch kind {
	case KindHello, KindWelcome:
		return anyOf(ReadHello(r))
	case KindRefusal:
		e := problem.Read(r)
		return e, r.Finish()
	case KindSnapshotGet:
		return anyOf(ReadSnapshotGet(r))
	case KindSnapshotChunk:
		return anyOf(ReadSnapshotChunk(r))
	case KindCommand:
		return anyOf(ReadCommand(r))
	case KindQuery:
		return anyOf(ReadQuery(r))
	case KindReply:
		return anyOf(ReadReply(r))
	case KindClockAsk:
		return anyOf(ReadClockAsk(r))
	case KindClockTell:
		return anyOf(ReadClockTell(r))
	case KindBeat:
		b, err := ReadBeat(r)
		return &b, err
	case KindRelay:
		m, err := ReadRelay(r)
		return &m, err
	case KindNews:
		return anyOf(ReadNews(r))
	case KindWatch:
		return anyOf(ReadWatch(r))
	case KindEvents:
		return anyOf(ReadEvents(r))
	case KindWatchEnd:
		return anyOf(ReadWatchEnd(r))
	}
	return nil, nil
}

func anyOf[T any](v T, err error) (any, error) { return v, err }

func TestGoldenFrames(t *testing.T) {
	epoch := view.Epoch{View: 2, Term: 5}
	for _, s := range samples() {
		frame := encode(s.kind, s.group, epoch, s.value)
		if got := hex.EncodeToString(frame); got != s.golden {
			t.Errorf("%s: the format changed:\n got %s\nwant %s", s.name, got, s.golden)
			continue
		}
		h, v, err := decode(frame)
		if err != nil || h.Kind != s.kind || h.Group != s.group || !reflect.DeepEqual(v, s.value) {
			t.Errorf("%s: came back as %+v %+v, %v", s.name, h, v, err)
		}
	}
}

func TestEveryPrefixOfAFrameIsRefused(t *testing.T) {
	for _, s := range samples() {
		frame := encode(s.kind, s.group, view.Epoch{}, s.value)
		for n := range len(frame) {
			if _, _, err := decode(frame[:n]); err == nil {
				t.Errorf("%s: the first %d of %d bytes were read", s.name, n, len(frame))
			}
		}
		if _, _, err := decode(append(frame, 0)); err == nil {
			t.Errorf("%s: one byte too many was read", s.name)
		}
	}
}

func TestAnotherVersionIsRefusedByNumber(t *testing.T) {
	frame := SnapshotGet{}.Encode(1, view.Epoch{})
	frame[0] = 9
	if _, _, err := Open(frame); err == nil || !strings.Contains(err.Error(), "9") {
		t.Errorf("got %v", err)
	}
}

func TestAHelloNamesAKnownRole(t *testing.T) {
	for role := range 5 {
		_, r, err := Open(Hello{Role: Role(role)}.Encode(KindHello))
		if err != nil {
			t.Fatal(err)
		}
		_, err = ReadHello(r)
		if known := Role(role) == RoleServer || Role(role) == RoleClient; known != (err == nil) {
			t.Errorf("role %d: %v", role, err)
		}
	}
}

func TestWhatIsOverALimitIsNotRead(t *testing.T) {
	for name, frame := range map[string][]byte{
		"command": (&Command{Op: make([]byte, MaxCommandBytes+1)}).Encode(1, view.Epoch{}),
		"query":   (&Query{Op: make([]byte, MaxCommandBytes+1)}).Encode(1, view.Epoch{}),
		"reply":   (&Reply{Result: make([]byte, MaxResultBytes+1)}).Encode(1, view.Epoch{}),
		"chunk":   SnapshotChunk{Bytes: make([]byte, MaxChunkBytes+1)}.Encode(1, view.Epoch{}),
	} {
		if _, _, err := decode(frame); err == nil {
			t.Errorf("%s: one byte over the limit was read", name)
		}
	}
}

func TestWhatIsWrittenIsRead(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		epoch := view.Epoch{View: view.Number(rapid.Uint64().Draw(t, "view")), Term: rapid.Uint64().Draw(t, "term")}
		group := rapid.Uint32().Draw(t, "group")
		kind, value := someValue(t)
		frame := encode(kind, group, epoch, value)
		h, got, err := decode(frame)
		if err != nil || h != (Header{kind, group, epoch}) || !reflect.DeepEqual(got, value) {
			t.Fatalf("wrote %v %+v, read %+v %+v, %v", kind, value, h, got, err)
		}
	})
}

func someValue(t *rapid.T) (Kind, any) {
	number := func(name string) uint64 { return rapid.Uint64().Draw(t, name) }
	b := rapid.SliceOf(rapid.Byte()).Draw(t, "bytes")
	switch rapid.IntRange(0, 4).Draw(t, "kind") {
	case 0:
		return KindSnapshotGet, SnapshotGet{Index: number("index"), Chunk: number("chunk")}
	case 1:
		return KindSnapshotChunk, SnapshotChunk{Index: number("index"), Chunk: number("chunk"), Bytes: b}
	case 2:
		c := Command{Request: number("request"), Session: number("session"), Seq: number("seq"), Acked: number("acked"), Op: b}
		if rapid.Bool().Draw(t, "keyed") {
			c.Key = &Key{Name: someHash(t, "name"), Body: someHash(t, "body")}
		}
		return KindCommand, c
	case 3:
		return KindQuery, Query{Request: number("request"), Op: b}
	}
	return KindReply, Reply{Request: number("request"), Status: Status(rapid.Byte().Draw(t, "status")), Server: number("server"),
		Leader: number("leader"), Index: number("index"), Sub: rapid.Uint32().Draw(t, "sub"), Hash: someHash(t, "hash"),
		LogTimeNs: rapid.Int64().Draw(t, "log time"), Result: b}
}

func someHash(t *rapid.T, name string) [32]byte {
	return [32]byte(rapid.SliceOfN(rapid.Byte(), 32, 32).Draw(t, name))
}

// FuzzFrame reads arbitrary bytes as each kind of frame: total, and what is read is written as the same bytes.
func FuzzFrame(f *testing.F) {
	for _, s := range samples() {
		f.Add(encode(s.kind, s.group, view.Epoch{View: 1, Term: 2}, s.value))
	}
	f.Add([]byte{FrameVersion})
	f.Fuzz(func(t *testing.T, frame []byte) {
		h, v, err := decode(frame)
		if err != nil || v == nil {
			return
		}
		if h.Kind == KindHello || h.Kind == KindWelcome || h.Kind == KindRefusal {
			h.Group, h.Epoch = 0, view.Epoch{} // they are written without
			frame = bytes.Clone(frame)
			clear(frame[2:HeaderBytes])
		}
		if got := encode(h.Kind, h.Group, h.Epoch, v); !bytes.Equal(got, frame) {
			t.Fatalf("%x reads as %+v %+v, which is written %x", frame, h, v, got)
		}
	})
}
