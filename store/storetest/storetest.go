// Package storetest is the suite that every disk must pass which takes a machine's writes: the real store and the
// simulated one. It is a laboratory: used by tests only.
package storetest

import (
	"bytes"
	"encoding/binary"
	"fmt"
	"iter"
	"maps"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"onevoice/step"
)

// Disk is a disk under test, driven from one goroutine; it reports on that goroutine, within Settle or Crash.
type Disk interface {
	// Write, Read and Save are started in order, as step describes.
	Write(w step.Write, done func(error))
	Read(r step.Read, done func([]byte, error))
	Save(s step.Save, done func(error))
	// Scan yields keys that begin with prefix, in order, as of what is settled.
	Scan(prefix []byte) iter.Seq2[[]byte, []byte]
	// Settle returns when everything started has been reported.
	Settle()
	// Crash cuts the power now, whatever is under way, and gives the disk as it is found afterwards. What was synced is there;
	// of the rest any part that respects order and batches. The old disk is not used any more.
	Crash() Disk
}

// Run runs the suite; open gives an empty disk.
func Run(t *testing.T, open func(t *testing.T) Disk) {
	for name, check := range map[string]func(*testing.T, Disk){
		"operations":      operations,
		"order":           order,
		"read-your-write": readYourWrite,
		"save":            save,
		"save-replaces":   saveReplaces,
		"empty-save":      emptySave,
		"synced-stays":    syncedStays,
		"save-stays":      saveStays,
	} {
		t.Run(name, func(t *testing.T) { check(t, open(t)) })
	}
	for seed := range uint64(12) {
		t.Run(fmt.Sprintf("crashes-%d", seed), func(t *testing.T) { crashes(t, open(t), seed) })
	}
}

func set(key, value string) step.Op {
	return step.Op{Kind: step.Set, Key: []byte(key), Value: []byte(value)}
}
func del(key string) step.Op { return step.Op{Kind: step.Delete, Key: []byte(key)} }
func delRange(from, to string) step.Op {
	return step.Op{Kind: step.DeleteRange, Key: []byte(from), Value: []byte(to)}
}

func must(t *testing.T) func(error) {
	return func(err error) {
		if err != nil {
			t.Errorf("reported: %v", err)
		}
	}
}

func write(t *testing.T, d Disk, sync bool, ops ...step.Op) {
	d.Write(step.Write{Ops: ops, Sync: sync}, must(t))
}

// content is what lies under prefix; it checks that the keys come in order.
func content(t *testing.T, d Disk, prefix string) map[string]string {
	t.Helper()
	all := make(map[string]string)
	last := []byte(nil)
	for key, value := range d.Scan([]byte(prefix)) {
		if last != nil && bytes.Compare(last, key) >= 0 {
			t.Fatalf("scan gives %q after %q", key, last)
		}
		if !bytes.HasPrefix(key, []byte(prefix)) {
			t.Fatalf("scan of %q gives %q", prefix, key)
		}
		last = bytes.Clone(key)
		all[string(key)] = string(value)
	}
	return all
}

func expect(t *testing.T, d Disk, prefix string, want map[string]string) {
	t.Helper()
	if got := content(t, d, prefix); !maps.Equal(got, want) {
		t.Fatalf("under %q lies %q, want %q", prefix, got, want)
	}
}

func operations(t *testing.T, d Disk) {
	write(t, d, false, set("a", "1"), set("b", "2"), set("b", "3"), set("c", "4"), set("d", ""), set("\xff\xff", "5"))
	write(t, d, true, del("a"), delRange("c", "d"), del("nothing"), set("ab", "6"))
	d.Settle()
	expect(t, d, "", map[string]string{"ab": "6", "b": "3", "d": "", "\xff\xff": "5"})
	expect(t, d, "a", map[string]string{"ab": "6"})
	expect(t, d, "\xff", map[string]string{"\xff\xff": "5"})
	write(t, d, true, delRange("a", "c"), set("b", "7"))
	d.Settle()
	expect(t, d, "", map[string]string{"b": "7", "d": "", "\xff\xff": "5"})
}

func order(t *testing.T, d Disk) {
	var done []int
	for i := range 200 {
		d.Write(step.Write{Ops: []step.Op{set("k", fmt.Sprint(i))}, Sync: i%3 == 0}, func(err error) {
			must(t)(err)
			done = append(done, i)
		})
	}
	d.Settle()
	if len(done) != 200 || !slices.IsSorted(done) {
		t.Fatalf("writes were reported in the order %v", done)
	}
	expect(t, d, "k", map[string]string{"k": "199"})
}

func readYourWrite(t *testing.T, d Disk) {
	reported := 0
	read := func(key string, want []byte) {
		d.Read(step.Read{Key: []byte(key)}, func(got []byte, err error) {
			reported++
			if err != nil || !bytes.Equal(got, want) || (got == nil) != (want == nil) {
				t.Errorf("read of %q: %q %v, want %q", key, got, err, want)
			}
		})
	}
	read("k", nil)
	d.Settle()
	for i := range 20 {
		write(t, d, i%2 == 0, set("k", fmt.Sprint(i)), set("empty", ""))
		read("k", fmt.Append(nil, i))
		read("empty", []byte{})
		read("other", nil)
		d.Settle()
	}
	if reported != 61 {
		t.Fatalf("%d reads were reported of 61", reported)
	}
}

func chunks(n int, fill byte, size int) iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		for i := range n {
			if !yield(append(bytes.Repeat([]byte{fill}, size), byte(i))) {
				return
			}
		}
	}
}

func chunkContent(prefix string, n int, fill byte, size int) map[string]string {
	want := make(map[string]string)
	i := uint64(0)
	for c := range chunks(n, fill, size) {
		want[prefix+string(binary.BigEndian.AppendUint64(nil, i))] = string(c)
		i++
	}
	return want
}

func save(t *testing.T, d Disk) {
	write(t, d, false, set("s", "before"), set("t", "after"))
	d.Save(step.Save{Prefix: []byte("s/1/"), Chunks: chunks(9, 'x', 200<<10)}, must(t))
	write(t, d, true, set("u", "beside"))
	d.Settle()
	expect(t, d, "s/", chunkContent("s/1/", 9, 'x', 200<<10))
	if all := content(t, d, ""); len(all) != 12 || all["s"] != "before" || all["t"] != "after" || all["u"] != "beside" {
		t.Fatalf("%d keys beside the save", len(all))
	}
}

func saveReplaces(t *testing.T, d Disk) {
	for i, n := range []int{5, 2, 7} {
		d.Save(step.Save{Prefix: []byte("s/1/"), Chunks: chunks(n, 'a'+byte(i), 10)}, must(t))
		d.Save(step.Save{Prefix: []byte("s/2/"), Chunks: chunks(3, 'a'+byte(i), 10)}, must(t))
	}
	d.Settle()
	expect(t, d, "s/1/", chunkContent("s/1/", 7, 'c', 10))
	d.Save(step.Save{Prefix: []byte("s/1/"), Chunks: chunks(2, 'd', 10)}, must(t))
	d.Settle()
	expect(t, d, "s/1/", chunkContent("s/1/", 2, 'd', 10))
	expect(t, d, "s/2/", chunkContent("s/2/", 3, 'c', 10))
}

func emptySave(t *testing.T, d Disk) {
	d.Save(step.Save{Prefix: []byte("s/"), Chunks: chunks(3, 'a', 1)}, must(t))
	d.Settle()
	d.Save(step.Save{Prefix: []byte("s/"), Chunks: chunks(0, 'a', 1)}, must(t))
	d.Settle()
	expect(t, d, "", map[string]string{})
}

func syncedStays(t *testing.T, d Disk) {
	want := make(map[string]string)
	for i := range 10 {
		key := fmt.Sprintf("k%d", i)
		write(t, d, false, set(key, "unsynced"))
		write(t, d, true, set(key, "synced"))
		want[key] = "synced"
		d.Settle()
		d = d.Crash()
		expect(t, d, "", want)
	}
}

func saveStays(t *testing.T, d Disk) {
	write(t, d, true, set("k", "1"))
	for i := range byte(6) {
		d.Save(step.Save{Prefix: []byte("s/"), Chunks: chunks(5, 'a'+i, 300<<10)}, must(t))
		d.Settle()
		d = d.Crash()
		expect(t, d, "k", map[string]string{"k": "1"})
		expect(t, d, "s/", chunkContent("s/", 5, 'a'+i, 300<<10))
	}
}

// crashes writes numbered batches, each of which sets all its keys to its number, and cuts the power at random moments.
// What is found must be the state after some batch, not older than the newest one reported as synced.
func crashes(t *testing.T, d Disk, seed uint64) {
	r := rand.New(rand.NewPCG(seed, 1))
	started, synced := 0, -1
	put := func(sync bool) {
		started++
		n := started
		ops := []step.Op{delRange("k/", "k0")}
		for key := range 1 + n%5 {
			ops = append(ops, set(fmt.Sprintf("k/%d", key), numbered(n)))
		}
		d.Write(step.Write{Ops: ops, Sync: sync}, func(err error) {
			must(t)(err)
			if sync {
				synced = n
			}
		})
	}
	for range 8 {
		for range r.IntN(30) {
			put(r.IntN(3) == 0)
			if r.IntN(4) == 0 {
				d.Settle()
			}
		}
		if r.IntN(2) == 0 {
			d.Settle()
		}
		before := synced
		d = d.Crash()
		if found := checkState(t, d, started); found < before {
			t.Fatalf("batch %d was synced, found the state after %d", before, found)
		}
		put(true) // what a server goes on from
		d.Settle()
	}
}

// numbered is a value that says n, of up to 6 kB, so that batches reach over the blocks of a file.
func numbered(n int) string { return fmt.Sprint(n, " ", strings.Repeat("x", n*7919%6000)) }

// checkState finds which batch the keys come from: all of them, and exactly those it wrote. -1 means none.
func checkState(t *testing.T, d Disk, newest int) int {
	t.Helper()
	all := content(t, d, "k/")
	if len(all) == 0 {
		return -1
	}
	var n int
	if _, err := fmt.Sscan(all["k/0"], &n); err != nil || n > newest || len(all) != 1+n%5 {
		t.Fatalf("found %v, which no batch of %d left", all, newest)
	}
	for key, value := range all {
		if value != all["k/0"] {
			t.Fatalf("%s is of batch %s, k/0 of batch %s", key, value, all["k/0"])
		}
	}
	return n
}
