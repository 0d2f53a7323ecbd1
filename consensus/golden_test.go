package consensus

import (
	"encoding/hex"
	"fmt"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/raft/v3/raftpb"

	"onevoice/codec"
	"onevoice/consensus/session"
	"onevoice/view"
	"onevoice/wire"
)

// same compares bytes with golden ones, in which spaces divide the fields.
func same(t *testing.T, what string, got []byte, want string) {
	t.Helper()
	if h := hex.EncodeToString(got); h != strings.ReplaceAll(want, " ", "") {
		t.Errorf("%s is\n%s, golden is\n%s", what, h, want)
	}
}

func TestGoldenKeys(t *testing.T) {
	same(t, "entry key", keyOf(7, keyEntry, 258), "00000007 45 0000000000000102")
	same(t, "chunk key", keyOf(7, keyChunk, 258, 3), "00000007 43 0000000000000102 0000000000000003")
	same(t, "hard state key", keyOf(7, keyHard), "00000007 48")
	same(t, "snapshot key", keyOf(7, keyMeta), "00000007 4d")
}

func TestGoldenRecords(t *testing.T) {
	e := &raftpb.Entry{Index: new(uint64(258)), Term: new(uint64(3)), Data: []byte("abc")}
	same(t, "entry", encodeEntry(e), "01 977a5f8b 0000000000000102 0000000000000003 00 616263")
	same(t, "hard state", hardState{term: 3, vote: 2, commit: 258}.encode(),
		"01 7bdebaee 0000000000000003 0000000000000002 0000000000000102")
	m := snapMeta{index: 258, term: 3, members: members{voters: []uint64{1, 2}, learners: []uint64{3}, change: 9}, content: content{chunks: 4, bytes: 5, sum: [32]byte{6}}}
	zeros := strings.Repeat("00", 31)
	same(t, "snapshot", m.encode(), "04 8e442c81 0000000000000102 0000000000000003"+
		"02 0000000000000001 0000000000000002 01 0000000000000003 0000000000000009 0000000000000004 0000000000000005 06"+zeros)
	same(t, "snapshot data", m.data(), "04 0000000000000009 0000000000000004 0000000000000005 06"+zeros)
}

func TestGoldenPayloads(t *testing.T) {
	var w codec.Writer
	k := known{3, []view.Start{{Server: 1, Boot: 8}, {Server: 2, Boot: 1}}}
	appendLead(&w, view.Epoch{View: 4, Term: 5}, 6, 2, 9, k)
	golden := "0000000000000003 02 0000000000000001 0000000000000008 0000000000000002 0000000000000001"
	same(t, "lead entry", w.B, "01 01 0000000000000004 0000000000000005 0000000000000006 0000000000000002 0000000000000009"+golden)
	w = codec.Writer{}
	appendView(&w, view.Epoch{View: 4, Term: 5}, 6, k)
	same(t, "view entry", w.B, "01 04 0000000000000004 0000000000000005 0000000000000006"+golden)
	w = codec.Writer{}
	appendVersion(&w, view.Epoch{View: 4, Term: 5}, 6, 2)
	same(t, "version entry", w.B, "01 03 0000000000000004 0000000000000005 0000000000000006 00000002")
	w = codec.Writer{}
	startCommands(&w)
	appendCommand(&w, &wire.Command{Request: 99, Session: 7, Seq: 8, Acked: 3, Op: []byte("op")})
	key := wire.Key{Name: [32]byte{1}, Body: [32]byte{2}}
	appendCommand(&w, &wire.Command{Session: 7, Seq: 9, Acked: 3, Key: &key})
	finishCommands(w.B, view.Epoch{View: 4, Term: 5}, 6, 2)
	zeros := strings.Repeat("00", 31)
	same(t, "commands entry", w.B, "01 02 0000000000000004 0000000000000005 0000000000000006 00000002"+
		"0000000000000007 0000000000000008 0000000000000003 00 02 6f70"+
		"0000000000000007 0000000000000009 0000000000000003 01 01"+zeros+"02"+zeros+"00")
}

// The chain hash and the chunks of a state made by a fixed log.
func TestGoldenChainAndChunks(t *testing.T) {
	g := bare(t)
	entries := []struct{ data, hash string }{
		{"", "4eea7bfc8df8a8e2ec400de70a792559175d296cc1134c68c19e4fff7a2da764"},
		{"01 01 0000000000000000 0000000000000000 00000000000f4240 0000000000000001 0000000000000003 0000000000000001 01 0000000000000002 0000000000000005",
			"3e30f1788c14ddadb2fcc847cf2b9a6bcb50e9dafab62a48c93d673c5704ba5b"},
		{"01 02 0000000000000001 0000000000000002 00000000000f4241 00000001" +
			"0000000000000000 0000000000000000 0000000000000000 00 00",
			"2d4461ecb5a31bb8d53e259c8eb11af7f50a9fbc813fc742014a9d307a28bc6b"},
		{"01 02 0000000000000001 0000000000000002 00000000000f4242 00000002" +
			"0000000000040000 0000000000000001 0000000000000000 00 09 0000000000000005 61" +
			"0000000000040000 0000000000000001 0000000000000000 00 09 0000000000000005 61",
			"583712cc8b234dd5e8b92737073a295a4af27cb73afde4eca99cc90d11f94d63"},
		{"01 ff", "1dc74c3c7e6f6fa47e353502c6ce086c0652f4d24bf5eb905bd729e17b7b4b27"},
	}
	for i, e := range entries {
		data, err := hex.DecodeString(strings.ReplaceAll(e.data, " ", ""))
		if err != nil {
			t.Fatal(err)
		}
		if !g.applyEntry(entryAt(uint64(i+2), 2, data)) {
			t.Fatal(g.halted)
		}
		same(t, fmt.Sprint("chain hash after entry ", i), g.state.hash[:], e.hash)
	}
	golden := []string{
		"04 fc7ee6a7 01 00000007 0000000000000006 0000000000000002 0000000000000001 0000000000000002" +
			"0000000000000001 0000000000000003 0000000000000000 0000000000000001 01 0000000000000002 0000000000000005" +
			"00000000000f4242 1dc74c3c7e6f6fa47e353502c6ce086c0652f4d24bf5eb905bd729e17b7b4b27" +
			"00000001 01 0000000000000001 00 0000000000000000",
		"04 0f197d01 02 01 0000000000040000 00000000000f4242 0000000000000000 02 0000000000000001" +
			"b8477f2a3c806f4a2ab1cc9266b9bdc9 0000000000000005 00000000 00000000000f4242 01 08 0000000000000005",
		"04 4a7e6b47 03 0000000000000000 01 61 0000000000000005",
	}
	chunks := slices.Collect(g.StateChunks())
	if len(chunks) != len(golden) {
		t.Fatalf("%d chunks", len(chunks))
	}
	for i, c := range chunks {
		same(t, fmt.Sprint("chunk ", i), c, golden[i])
	}
	if id := session.Number(4, 0); id != 0x40000 {
		t.Fatalf("session number %x", id)
	}
}

func entryAt(index, term uint64, data []byte) *raftpb.Entry {
	return &raftpb.Entry{Index: new(index), Term: new(term), Data: data}
}

// bare is a group of one voter at index 1, for entries applied by hand.
func bare(t testing.TB) *Group {
	ops, err := Bootstrap(oneVoter())
	if err != nil {
		t.Fatal(err)
	}
	g, err := Open(oneVoter(), newSimDisk(ops).scan)
	if err != nil {
		t.Fatal(err)
	}
	return g
}
