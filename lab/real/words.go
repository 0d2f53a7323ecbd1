package real

import (
	"fmt"
	"iter"
	"os"
	"strings"
)

// lines are those of a text, without their ends.
func lines(text string) iter.Seq[string] {
	return func(yield func(string) bool) {
		for line := range strings.Lines(text) {
			if !yield(strings.TrimRight(line, "\n")) {
				return
			}
		}
	}
}

// lastWords shows the end of each server's log, where the reason for a failure stands.
func (c *Cluster) lastWords() string {
	var b strings.Builder
	for _, name := range c.Names() {
		content, err := os.ReadFile(c.LogFile(name))
		if err != nil {
			continue
		}
		all := strings.Split(strings.TrimSpace(string(content)), "\n")
		fmt.Fprintf(&b, "\n%s: %s", name, strings.Join(all[max(0, len(all)-3):], "\n    "))
	}
	return b.String()
}
