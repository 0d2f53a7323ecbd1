package consensus

import (
	"errors"
	"maps"
	"slices"
	"strings"
	"testing"

	"go.etcd.io/raft/v3/raftpb"
	"google.golang.org/protobuf/proto"

	"onevoice/codec"
	"onevoice/problem"
	"onevoice/view"
	"onevoice/wire"
)

// both are the versions of a build that knows one more.
var both = Versions{Min: 1, Max: 2}

// supports tells what the servers that are up support.
func (w *world) supports(server uint64) (Versions, bool) {
	return w.versions[server].orDefault(), w.servers[server].up
}

// rebuild restarts a server with the next build, or back with the old one.
func (w *world) rebuild(server uint64, versions Versions) {
	w.crash(server)
	w.versions[server] = versions
	w.run(50)
	w.restart(server)
}

func (w *world) version(s *server) uint32 { return s.group.Status().Version }

// machineVersion asks the machine itself.
func (w *world) machineVersion(session, seq uint64) int64 {
	return value(w.do(wire.Command{Session: session, Seq: seq, Op: toyOp("version", 0)}).Result)
}

func mustRefuse(t *testing.T, err error, kind problem.Kind, text string) {
	t.Helper()
	var p *problem.Error
	if !errors.As(err, &p) || p.Kind != kind || !strings.Contains(p.Error(), text) {
		t.Errorf("got %v, want %v with %q", err, kind, text)
	}
}

func TestTheVersionIsRaisedWhenEveryMemberSupportsIt(t *testing.T) {
	w := newWorld(t, 3, 11, Limits{SnapshotEntries: 10, KeepEntries: 2})
	id := w.openSession()
	if v := w.machineVersion(id, 1); v != 1 {
		t.Fatalf("the machine begins at version %d", v)
	}
	l := w.awaitLeader()
	mustRefuse(t, l.group.Raise(2, w.supports), problem.Refused, "runs a build that supports versions 1 to 1, not 2")
	mustRefuse(t, l.group.Raise(1, w.supports), problem.Refused, "can only be raised")
	for _, s := range w.servers[1:] {
		if s != l {
			mustRefuse(t, s.group.Raise(2, w.supports), problem.NoVoice, "does not lead")
		}
	}
	for server := range uint64(3) {
		w.rebuild(server+1, both)
		w.write(id, 10+server*10, 3)
	}
	w.rebuild(2, Versions{}) // and one back
	w.write(id, 50, 3)
	mustRefuse(t, w.awaitLeader().group.Raise(2, w.supports), problem.Refused, "server 2 runs a build that supports versions 1 to 1, not 2")
	w.rebuild(2, both)
	w.awaitLeader()
	w.crash(2)
	mustRefuse(t, w.awaitLeader().group.Raise(2, w.supports), problem.Refused, "server 2 is not connected")
	w.restart(2)
	if v := w.machineVersion(id, 60); v != 1 {
		t.Fatalf("before the raise the machine is at version %d", v)
	}
	l = w.awaitLeader()
	if err := l.group.Raise(2, w.supports); err != nil {
		t.Fatal(err)
	}
	if err := l.group.Raise(2, w.supports); err != nil { // one more on its way changes nothing
		t.Fatal(err)
	}
	if v := w.machineVersion(id, 61); v != 2 {
		t.Fatalf("after the raise the machine is at version %d", v)
	}
	w.write(id, 70, 30)
	w.settle()
	for _, s := range w.servers[1:] {
		if w.version(s) != 2 || s.group.Published().Version != 2 {
			t.Errorf("server %d is at version %d", s.id, w.version(s))
		}
	}
	mustRefuse(t, w.awaitLeader().group.Raise(2, w.supports), problem.Refused, "can only be raised")
	w.rebuild(1, both) // from its snapshot
	w.settle()
	if w.version(w.servers[1]) != 2 {
		t.Errorf("after a restart it is at version %d", w.version(w.servers[1]))
	}
}

// An old build stops where the version is raised, and refuses to start from there on; with the new build it goes on.
func TestAnOldBuildStopsAtANewerVersion(t *testing.T) {
	for name, limits := range map[string]Limits{
		"in the log": {}, "in a snapshot": {SnapshotEntries: 10, KeepEntries: 1},
	} {
		t.Run(name, func(t *testing.T) {
			w := newWorld(t, 3, 12, limits)
			w.allowHalt = true
			id := w.openSession()
			for server := range uint64(3) {
				w.rebuild(server+1, both)
			}
			old := w.awaitLeader().id%3 + 1
			w.rebuild(old, Versions{})
			lies := func(uint64) (Versions, bool) { return both, true } // it was another build a moment ago
			l := w.awaitLeader()
			for l.id == old {
				w.crash(old)
				l = w.awaitLeader()
				w.restart(old)
			}
			if limits.SnapshotEntries > 0 {
				w.crash(old) // it will be late and need a snapshot
			}
			if err := l.group.Raise(2, lies); err != nil {
				t.Fatal(err)
			}
			w.write(id, 1, 30)
			w.restart(old)
			w.until("the old build stops", func() bool { return len(w.halts) > 0 })
			want := "machine version 2, this build knows 1 to 1: start a build that knows version 2"
			var v *VersionError
			if err := w.halts[0]; !errors.As(err, &v) || !strings.Contains(err.Error(), want) {
				t.Fatalf("it stopped with: %v", err)
			}
			w.crash(old)
			// Whoever holds the raise refuses an old build at once.
			w.crash(l.id)
			cfg := w.config(l.id, 3)
			cfg.Versions = Versions{}
			if _, err := Open(cfg, w.servers[l.id].disk.scan); err == nil || !strings.Contains(err.Error(), want) {
				t.Fatalf("the old build opens it: %v", err)
			}
			w.versions[old] = both
			w.restart(old)
			w.restart(l.id)
			w.write(id, 40, 3)
			w.settle()
			if w.version(w.servers[old]) != 2 {
				t.Error("it did not catch up")
			}
		})
	}
}

func TestABuildWithoutTheOldVersionRefusesIt(t *testing.T) {
	d := usedStore(t)
	cfg := oneVoter()
	cfg.Versions = Versions{2, 3}
	if _, err := Open(cfg, d.scan); err == nil || !strings.Contains(err.Error(), "machine version 1, this build knows 2 to 3: start the build before this one") {
		t.Errorf("it opens: %v", err)
	}
	if _, err := Bootstrap(cfg); err == nil {
		t.Error("it makes a cluster that it cannot run")
	}
	cfg.Versions = Versions{3, 2}
	if _, err := Bootstrap(cfg); err == nil {
		t.Error("a range from 3 to 2 is taken")
	}
}

// What a newer build stores or sends is refused with both versions in the text; a halt where others could go on would be one voice less,
// a skip one too many.
func TestNewerFormatsAreRefused(t *testing.T) {
	d := usedStore(t)
	for _, k := range slices.Sorted(maps.Keys(d.seen)) {
		whole := d.seen[k]
		d.seen[k] = slices.Clone(whole)
		d.seen[k][0]++
		var v *VersionError
		if _, err := Open(oneVoter(), d.scan); !errors.As(err, &v) || v.Found != v.Known.Max+1 || !strings.Contains(err.Error(), "start a build that knows version") {
			t.Errorf("key %x: %v", k, err)
		}
		d.seen[k] = whole
	}
	halts := func(what string, e *raftpb.Entry, newer bool) {
		t.Helper()
		g := bare(t)
		if g.applyEntry(e) != !newer || isNewer(g.halted) != newer {
			t.Errorf("%s: %v", what, g.halted)
		}
	}
	halts("an entry of version 2", entryAt(2, 2, []byte{2, 1}), true)
	halts("an entry of version 0", entryAt(2, 2, []byte{0, 1}), false)
	halts("an unknown kind", entryAt(2, 2, []byte{1, 200}), false)
	raise := func(epoch view.Epoch, to uint32) *raftpb.Entry {
		var w codec.Writer
		appendVersion(&w, epoch, 5, to)
		return entryAt(2, 2, w.B)
	}
	halts("version 2", raise(view.Epoch{}, 2), true)
	halts("version 2 of another epoch", raise(view.Epoch{View: 1}, 2), false)
	halts("version 1 again", raise(view.Epoch{}, 1), false)
	halts("version 0", raise(view.Epoch{}, 0), false)
	step := move{kind: markKind}.raft()
	step.Context[0]++
	data, err := proto.Marshal(step)
	if err != nil {
		t.Fatal(err)
	}
	e := entryAt(2, 2, data)
	e.Type = raftpb.EntryConfChange.Enum()
	halts("a change of members of version 2", e, true)
}
