package watch

import (
	"cmp"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// Position is the place of one event: Index of the entry in the group's log, Sub counting the entry's events from 0.
type Position struct {
	Index uint64
	Sub   uint32
}

// EndOf is the position after every event of an index and before all of the next: where a reader stands who has read
// the state as of that index.
func EndOf(index uint64) Position { return Position{Index: index, Sub: math.MaxUint32} }

// Compare is negative where p comes before o, zero where they are the same, positive where p comes after o.
func (p Position) Compare(o Position) int {
	return cmp.Or(cmp.Compare(p.Index, o.Index), cmp.Compare(p.Sub, o.Sub))
}

// String prints a position as "index.sub", as "812.3".
func (p Position) String() string {
	return strconv.FormatUint(p.Index, 10) + "." + strconv.FormatUint(uint64(p.Sub), 10)
}

// ParsePosition reads "index.sub" as String prints it, and "index" alone as EndOf(index). It takes no sign, no space and
// no leading zero, so that one position has one spelling.
func ParsePosition(s string) (Position, error) {
	left, right, both := strings.Cut(s, ".")
	index, err := parseNumber(left, 64)
	if err != nil {
		return Position{}, positionError(s)
	}
	if !both {
		return EndOf(index), nil
	}
	sub, err := parseNumber(right, 32)
	if err != nil {
		return Position{}, positionError(s)
	}
	return Position{Index: index, Sub: uint32(sub)}, nil
}

// maxPositionBytes is the length of the longest position: 20 digits, a dot, 10 digits.
const maxPositionBytes = 31

func positionError(s string) error {
	if len(s) > maxPositionBytes {
		s = s[:maxPositionBytes] + "..."
	}
	return fmt.Errorf("watch: position is %q, allowed: index.sub or index, as 812.3 or 812", s)
}

func parseNumber(s string, bits int) (uint64, error) {
	if len(s) > 1 && s[0] == '0' || strings.HasPrefix(s, "+") {
		return 0, strconv.ErrSyntax
	}
	return strconv.ParseUint(s, 10, bits)
}
