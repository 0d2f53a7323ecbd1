package fence

import (
	"cmp"
	"encoding/hex"
	"fmt"
	"strconv"
	"strings"

	"onevoice/codec"
	"onevoice/problem"
	"onevoice/view"
)

// Holder names who holds a lock: 128 bits that the holder draws for itself. Zero is nobody.
type Holder [16]byte

// String is the holder in 32 hexadecimal digits.
func (h Holder) String() string { return hex.EncodeToString(h[:]) }

// ParseHolder reads what String wrote.
func ParseHolder(text string) (Holder, error) {
	var h Holder
	b, err := hex.DecodeString(text)
	if err != nil || len(b) != len(h) || text != strings.ToLower(text) || Holder(b) == h {
		return h, fmt.Errorf("holder is %q, allowed: 32 hexadecimal digits, not all zero", problem.Clip(text))
	}
	return Holder(b), nil
}

// Token is the sequencer of one grant of a lock. Zero is none.
type Token struct {
	// Epoch is that of the group that granted it, at that moment.
	Epoch view.Epoch
	// Holder is to whom it was granted.
	Holder Holder
	// Seq counts the grants of the group, of all names, from 1. It never goes back.
	Seq uint64
}

// Compare is negative where t was granted before o, zero where they are of one grant or cannot be told apart in order, positive where t
// came later: the epoch decides first, by view and then by term, and Seq where the epochs are equal. The holder is not compared: it has no
// order. Equal epoch and Seq with another holder cannot both be the cluster's; a Guard refuses the second.
func (t Token) Compare(o Token) int {
	return cmp.Or(t.Epoch.Compare(o.Epoch), cmp.Compare(t.Seq, o.Seq))
}

// String prints a token as view/term/seq/holder, for headers and tables.
func (t Token) String() string {
	return t.Epoch.String() + "/" + strconv.FormatUint(t.Seq, 10) + "/" + t.Holder.String()
}

// ParseToken reads what String wrote, and nothing else.
func ParseToken(text string) (Token, error) {
	bad := fmt.Errorf("token is %q, allowed: view/term/seq/holder, as it was granted", problem.Clip(text))
	parts := strings.Split(text, "/")
	if len(parts) != 4 {
		return Token{}, bad
	}
	var n [3]uint64
	for i := range n {
		v, err := strconv.ParseUint(parts[i], 10, 64)
		if err != nil || strconv.FormatUint(v, 10) != parts[i] {
			return Token{}, bad
		}
		n[i] = v
	}
	h, err := ParseHolder(parts[3])
	if err != nil || n[2] == 0 {
		return Token{}, bad
	}
	return Token{Epoch: view.Epoch{View: view.Number(n[0]), Term: n[1]}, Seq: n[2], Holder: h}, nil
}

// TokenBytes is the encoded size of a Token.
const TokenBytes = view.EpochBytes + 16 + 8

// Append writes t.
func (t Token) Append(w *codec.Writer) {
	t.Epoch.Append(w)
	w.Raw(t.Holder[:])
	w.U64(t.Seq)
}

// Read takes a token written by Append.
func Read(r *codec.Reader) Token {
	t := Token{Epoch: view.ReadEpoch(r)}
	copy(t.Holder[:], r.Raw(len(t.Holder)))
	t.Seq = r.U64()
	return t
}
