package power

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"onevoice/internal/procs"
	"onevoice/store/dropfs"
	"onevoice/web/api"
	"onevoice/web/ask"
)

// place is where the server of the test build lies.
var place string

// built is one server of the test build for all tests of this package.
var built = sync.OnceValues(func() (string, error) { return Build(context.Background(), place, "") })

func TestMain(m *testing.M) {
	var err error
	if place, err = os.MkdirTemp("", "onevoice-power-test-"); err != nil {
		panic(err)
	}
	code := m.Run()
	_ = os.RemoveAll(place)
	os.Exit(code)
}

func binary(t *testing.T) string {
	t.Helper()
	if testing.Short() {
		t.Skip("it builds a server")
	}
	path, err := built()
	if err != nil {
		t.Fatal(err)
	}
	return path
}

// trial is a cluster of three with a control file for the disk of each.
type trial struct {
	*servers
	t    *testing.T
	load *load
	mu   sync.Mutex
	ends map[string]error // of servers that ended by themselves
}

func newTrial(t *testing.T) *trial {
	t.Helper()
	dir := t.TempDir()
	// Each server looks for the control file in its own directory's name.
	s, err := begin(t.Context(), dir, binary(t), 3, []string{dropfs.Environment + "=control=" + dropfs.ControlInRoot})
	if err != nil {
		t.Fatal(err)
	}
	x := &trial{servers: s, t: t, ends: map[string]error{}}
	s.Exited = func(name string, how error) {
		x.mu.Lock()
		defer x.mu.Unlock()
		x.ends[name] = how
	}
	t.Cleanup(s.Stop)
	if x.load, err = startLoad(t.Context(), s.Genesis.Servers); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(x.load.stop)
	x.passes(50)
	return x
}

func (x *trial) passes(n int) {
	x.t.Helper()
	if err := x.load.passes(x.t.Context(), n); err != nil {
		x.t.Fatalf("%v\n%s", err, x.words())
	}
}

func (x *trial) words() string {
	var all strings.Builder
	for _, s := range x.Genesis.Servers {
		fmt.Fprintf(&all, "%s: %s\n", s.Name, x.lastWords(s.Name))
	}
	return all.String()
}

// order writes a server's control file, whole at once.
func (x *trial) order(name, text string) {
	x.t.Helper()
	next := filepath.Join(x.Dir, name+".next")
	if err := errors.Join(os.WriteFile(next, []byte(text), 0o600), os.Rename(next, filepath.Join(x.data(name), dropfs.ControlFile))); err != nil {
		x.t.Fatal(err)
	}
}

func (x *trial) until(what string, holds func() bool) {
	x.t.Helper()
	end := time.After(patience)
	for !holds() {
		select {
		case <-end:
			x.t.Fatalf("never: %s\n%s", what, x.words())
		case <-time.After(again):
		}
	}
}

func (x *trial) status(name string) (api.Status, error) {
	var s api.Status
	_, err := x.one(name).Do(x.t.Context(), ask.Request{Path: "/status"}, &s)
	return s, err
}

// leader waits for a server that leads and is not in without.
func (x *trial) leader(without ...string) (leader string) {
	x.t.Helper()
	x.until("somebody leads", func() bool {
		term := uint64(0)
		leader = ""
		for _, name := range x.left() {
			if slices.Contains(without, name) || x.Pid(name) == 0 {
				continue
			}
			if s, err := x.status(name); err == nil && s.Role == "leader" && s.Term > term {
				leader, term = name, s.Term
			}
		}
		return leader != ""
	})
	return leader
}

// ended waits until a server has ended by itself, with exit code 1 and a reason.
func (x *trial) ended(name string, reasons ...string) {
	x.t.Helper()
	x.until(name+" ends", func() bool {
		x.mu.Lock()
		defer x.mu.Unlock()
		_, gone := x.ends[name]
		return gone
	})
	x.mu.Lock()
	how := x.ends[name]
	delete(x.ends, name)
	x.mu.Unlock()
	words := x.lastWords(name)
	if how == nil || !strings.HasPrefix(how.Error(), "exit status ") {
		x.t.Errorf("%s ended with %v:\n%s", name, how, words)
	}
	for _, reason := range reasons {
		if !strings.Contains(words, reason) {
			x.t.Errorf("%s ended with %v, and does not say %q:\n%s", name, how, reason, words)
		}
	}
}

// TestABrokenDiskEndsItsServerAlone breaks the leader's disk in each way: its process ends and says why, the others go on, and
// it comes back when the disk is whole again.
func TestABrokenDiskEndsItsServerAlone(t *testing.T) {
	x := newTrial(t)
	for _, c := range []struct{ order, says string }{
		{"fail-sync=1", "input/output error"},
		{"full=1", "no space left on device: what was acknowledged is there: make room on the disk and start the server again"},
	} {
		victim := x.leader()
		x.order(victim, c.order)
		x.ended(victim, "the node has stopped", c.says)
		x.passes(100)
		x.order(victim, "")
		if err := x.Start(victim); err != nil {
			t.Fatal(err)
		}
		if err := x.serves(t.Context(), victim); err != nil {
			t.Fatal(err)
		}
	}
	victim := x.leader()
	if err := x.Kill(victim); err != nil {
		t.Fatal(err)
	}
	x.order(victim, "fail-read=.log")
	if err := x.Start(victim); err != nil {
		t.Fatal(err)
	}
	x.ended(victim, "input/output error", ".log")
	x.passes(100)
	x.checkAll()
}

// checkAll holds what the servers that run say against what was acknowledged.
func (x *trial) checkAll() {
	x.t.Helper()
	r := &Report{}
	l := &life{servers: x.servers, report: r, load: x.load}
	x.load.pause()
	defer x.load.resume()
	was := x.gone
	defer func() { x.gone = was }()
	for _, name := range x.left() {
		if x.Pid(name) == 0 {
			x.gone = append(x.gone, name) // for this look only
		}
	}
	if err := l.check(x.t.Context()); err != nil {
		x.t.Fatal(err)
	}
	for _, v := range r.Violations {
		x.t.Error(v)
	}
}

// TestASlowDiskHandsOver gives the leader a disk on which a sync takes a second: another leads, and writes go on.
func TestASlowDiskHandsOver(t *testing.T) {
	x := newTrial(t)
	slow := x.leader()
	began := time.Now()
	x.order(slow, "latency=1s")
	other := x.leader(slow)
	x.passes(200)
	t.Logf("%s took over from %s; 200 more writes were acknowledged %v after the disk became slow", other, slow, time.Since(began).Round(time.Millisecond))
	x.order(slow, "latency=0s")
	if err := x.serves(t.Context(), slow); err != nil {
		t.Fatal(err)
	}
	x.checkAll()
}

// refusals is how often a server has refused connections for a reason.
func (x *trial) refusals(name, reason string) uint64 {
	s, err := x.status(name)
	if err != nil {
		return 0
	}
	return s.Counters["connections_refused_"+reason+"_total"]
}

// TestAnOlderDiskIsCondemned puts a server's disk back to an image of earlier, and starts another copy of it as often as the
// first has been started: both are refused by the others, and never serve again.
func TestAnOlderDiskIsCondemned(t *testing.T) {
	x := newTrial(t)
	name := "n2"
	restart := func() {
		t.Helper()
		if err := x.Start(name); err != nil {
			t.Fatal(err)
		}
		if err := x.serves(t.Context(), name); err != nil {
			t.Fatal(err)
		}
		x.passes(20)
	}
	kill := func() {
		t.Helper()
		if err := x.Kill(name); err != nil && !errors.Is(err, procs.ErrNotRunning) {
			t.Fatal(err)
		}
	}
	image := filepath.Join(t.TempDir(), "image")
	kill()
	restart()
	kill()
	imaged := x.boot(name)
	if err := os.CopyFS(image, os.DirFS(x.data(name))); err != nil {
		t.Fatal(err)
	}
	restart()
	kill()
	restart()
	// Two starts or more: whom the oracle takes down starts itself again.
	since := x.boot(name) - imaged
	for _, c := range []struct {
		what, reason string
		starts       uint64 // of the copy that nobody hears
	}{{"older", "boot", 0}, {"copied", "start", since - 1}} {
		kill()
		if err := errors.Join(os.RemoveAll(x.data(name)), os.CopyFS(x.data(name), os.DirFS(image))); err != nil {
			t.Fatal(err)
		}
		for range c.starts {
			x.unheard(name)
		}
		if err := x.Start(name); err != nil {
			t.Fatal(err)
		}
		x.ended(name, "the node has stopped")
		if x.refusals("n1", c.reason)+x.refusals("n3", c.reason) == 0 {
			t.Errorf("%s disk: nobody counted a refusal for %q\n%s", c.what, c.reason, x.words())
		}
		if err := x.Start(name); err != nil {
			t.Fatal(err)
		}
		x.ended(name, "condemned", "must not serve again")
		x.passes(50)
	}
}

// boot is the number of a server's newest start, as it told its log.
func (x *trial) boot(name string) uint64 {
	x.t.Helper()
	text, err := os.ReadFile(x.LogFile(name))
	if err != nil {
		x.t.Fatal(err)
	}
	told := regexp.MustCompile(`msg=serving .* boot=(\d+)`).FindAllSubmatch(text, -1)
	if len(told) == 0 {
		x.t.Fatalf("%s has not told the number of its start:\n%s", name, text)
	}
	boot, err := strconv.ParseUint(string(told[len(told)-1][1]), 10, 64)
	if err != nil {
		x.t.Fatal(err)
	}
	return boot
}

// unheard starts a server while the others are stopped, so that only its own disk knows of the start.
func (x *trial) unheard(name string) {
	x.t.Helper()
	x.load.pause()
	others := slices.DeleteFunc(x.left(), func(n string) bool { return n == name })
	for _, o := range others {
		if err := x.Kill(o); err != nil {
			x.t.Fatal(err)
		}
	}
	if err := x.Start(name); err != nil {
		x.t.Fatal(err)
	}
	x.until("its HTTP answers", func() bool { _, err := x.status(name); return err == nil })
	if err := x.Kill(name); err != nil {
		x.t.Fatal(err)
	}
	for _, o := range others {
		if err := x.Start(o); err != nil {
			x.t.Fatal(err)
		}
	}
	for _, o := range others {
		if err := x.serves(x.t.Context(), o); err != nil {
			x.t.Fatal(err)
		}
	}
	x.load.resume()
}

// TestAWipedDiskIsAStranger starts a server again under its number with an empty disk: the others refuse it and count it, it says
// so, and votes for nobody.
func TestAWipedDiskIsAStranger(t *testing.T) {
	x := newTrial(t)
	if err := x.Kill("n3"); err != nil {
		t.Fatal(err)
	}
	if err := os.RemoveAll(x.data("n3")); err != nil {
		t.Fatal(err)
	}
	if err := x.Start("n3"); err != nil { // from the cluster file, as the first time
		t.Fatal(err)
	}
	x.until("it is refused", func() bool { return x.refusals("n1", "store")+x.refusals("n2", "store") > 0 })
	x.until("it says so", func() bool {
		text, err := os.ReadFile(x.LogFile("n3"))
		return err == nil && strings.Contains(string(text), "a wiped disk is a stranger")
	})
	x.passes(50)
	if err := x.Kill("n1"); err != nil {
		t.Fatal(err)
	}
	s, err := x.status("n2")
	if err != nil {
		t.Fatal(err)
	}
	x.until("one of two knows that it has no voice", func() bool {
		s, err = x.status("n2")
		return err == nil && s.Voice != api.OneVoice
	})
	if err := x.Start("n1"); err != nil {
		t.Fatal(err)
	}
	x.passes(50)
}

// TestAFewCuts is the laboratory itself, shortly; "onevoice lab power" runs many, and holds the time of the first write against
// its limit, which beside other tests would measure those.
func TestAFewCuts(t *testing.T) {
	r, err := Run(t.Context(), Options{Repeats: 8, Servers: 3, Seed: 2, Within: patience, Binary: binary(t), Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	if err := r.Print(&text); err != nil || !r.OK() {
		t.Error(err)
	}
	t.Log("\n" + text.String())
	if r.Lost.Bytes == 0 || r.Destroyed == 0 || len(r.Back) != 8 {
		t.Error("the cuts lost nothing")
	}
}
