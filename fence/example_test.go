package fence_test

import (
	"fmt"

	"onevoice/fence"
	"onevoice/view"
)

// tokens is where this resource keeps what it has seen. A real one writes to disk, and syncs, before Keep returns.
type tokens map[string]fence.Token

func (t tokens) Highest(name string) (fence.Token, error) { return t[name], nil }

func (t tokens) Keep(name string, k fence.Token) error {
	t[name] = k
	return nil
}

// An importer is paused, loses its lock and does not know. Another one goes on. When the first wakes up, the resource refuses it.
func Example() {
	guard := fence.Guard{Storage: tokens{}}
	granted := func(seq uint64, holder byte) fence.Token {
		return fence.Token{Epoch: view.Epoch{View: 4, Term: 2}, Holder: fence.Holder{holder}, Seq: seq}
	}
	first, second := granted(7, 0xa), granted(8, 0xb)

	write := func(who string, t fence.Token) {
		if err := guard.Admit("import/flights", t); err != nil {
			fmt.Println(who, "refused:", err)
			return
		}
		fmt.Println(who, "writes")
	}
	write("first", first)
	write("second", second)
	write("first", first)
	write("second", second)
	// Output:
	// first writes
	// second writes
	// first refused: admit holder import/flights: expired: token 4/2/7/0a000000000000000000000000000000 is stale, 4/2/8/0b000000000000000000000000000000 was here since: the lock has another holder
	// second writes
}
