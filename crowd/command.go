package crowd

import (
	"fmt"

	"onevoice/codec"
	"onevoice/problem"
)

// The kinds of command.
const (
	kindJoin    = firstKind
	kindReports = firstKind + 1
	kindLeave   = firstKind + 2
	kindCondemn = firstKind + 3
)

// Bounds of a command's lists.
const (
	// MaxReports bounds the reports of one command.
	MaxReports = 1_024
	// MaxMarks bounds what one member says in one report: more subjects than anybody has.
	MaxMarks = 16
	// MaxCondemned bounds whom one command condemns.
	MaxCondemned = 1_024
)

// Command is one of Join, Reports, Leave and Condemn.
type Command interface {
	append(w *codec.Writer)
	kind() uint8
}

// Join asks for a member's place. The same start may ask again and gets the same incarnation.
type Join struct {
	Name, Address string
	// Boot is higher than at any start before, from 1.
	Boot uint64
}

// Reports brings what members hold against others. Who carries it has made sure that each reporter is who it says.
type Reports struct{ All []Report }

// Report is one member's. It holds what has changed, and what still holds and would otherwise grow too old.
type Report struct {
	Reporter uint64
	// Roll is the newest that the reporter held: who observes whom is as of it.
	Roll  uint64
	Marks []Mark
}

// Mark is what a member holds against a subject; nothing takes back what it held.
type Mark struct {
	Subject  uint64
	Evidence Evidence
}

// Evidence is what is held against a member.
type Evidence uint8

// The kinds of evidence. The numbers are part of the format.
const (
	// Nothing takes back what was held.
	Nothing Evidence = 0
	// Silent: none of the last ten probes was answered.
	Silent Evidence = 1
	// Lossy: too few of the last 64 were.
	Lossy Evidence = 2
)

// Leave says that an incarnation goes of its own will.
type Leave struct{ ID uint64 }

// Condemn is a person's word that incarnations are gone. It is outside of the limit for verdicts.
type Condemn struct{ IDs []uint64 } // sorted

// Encode writes a command.
func Encode(c Command) []byte {
	w := codec.Writer{B: []byte{formatVersion, c.kind()}}
	c.append(&w)
	return w.B
}

func (Join) kind() uint8    { return kindJoin }
func (Reports) kind() uint8 { return kindReports }
func (Leave) kind() uint8   { return kindLeave }
func (Condemn) kind() uint8 { return kindCondemn }

func (c Join) append(w *codec.Writer) {
	w.String(c.Name)
	w.String(c.Address)
	w.U64(c.Boot)
}

func (c Reports) append(w *codec.Writer) {
	w.Uvarint(uint64(len(c.All)))
	for _, r := range c.All {
		w.U64(r.Reporter)
		w.U64(r.Roll)
		w.Uvarint(uint64(len(r.Marks)))
		for _, m := range r.Marks {
			w.U64(m.Subject)
			w.U8(uint8(m.Evidence))
		}
	}
}

func (c Leave) append(w *codec.Writer) { w.U64(c.ID) }

func (c Condemn) append(w *codec.Writer) {
	w.Uvarint(uint64(len(c.IDs)))
	for _, id := range c.IDs {
		w.U64(id)
	}
}

// Decode reads a command. Any bytes give one or an error.
func Decode(b []byte) (Command, error) {
	r := codec.NewReader(b)
	version, kind := r.U8(), r.U8()
	if r.Err() == nil && version != formatVersion {
		return nil, fmt.Errorf("crowd: command of version %d, allowed: %d", version, formatVersion)
	}
	var c Command
	switch kind {
	case kindJoin:
		c = Join{r.String(MaxNameBytes), r.String(MaxAddressBytes), r.U64()}
	case kindReports:
		c = Reports{readReports(r)}
	case kindLeave:
		c = Leave{r.U64()}
	case kindCondemn:
		c = Condemn{readIDs(r)}
	default:
		r.Fail()
	}
	if err := r.Finish(); err != nil {
		return nil, fmt.Errorf("crowd command: %w", err)
	}
	return c, nil
}

func readReports(r *codec.Reader) []Report {
	var all []Report
	for range r.Count(MaxReports, 17) {
		report := Report{Reporter: r.U64(), Roll: r.U64()}
		for range r.Count(MaxMarks, 9) {
			m := Mark{r.U64(), Evidence(r.U8())}
			if m.Evidence > Lossy {
				r.Fail()
			}
			report.Marks = append(report.Marks, m)
		}
		all = append(all, report)
	}
	return all
}

func readIDs(r *codec.Reader) []uint64 {
	var all []uint64
	last := uint64(0)
	for range r.Count(MaxCondemned, 8) {
		id := r.U64()
		if id <= last {
			r.Fail()
		}
		last = id
		all = append(all, id)
	}
	return all
}

// Result is what Join, Leave and Condemn give: a problem, or the incarnation that the command is about (of Condemn the last). Reports give nothing:
// what is refused of them is counted.
type Result struct {
	Problem *problem.Error
	// WaitNs is in how much log time a refused Join would be taken, 0 where waiting does not help.
	WaitNs int64
	ID     uint64
}

// Encode writes a result.
func (r Result) Encode() []byte {
	w := codec.Writer{B: []byte{formatVersion}}
	problem.AppendMaybe(&w, r.Problem)
	w.I64(r.WaitNs)
	w.U64(r.ID)
	return w.B
}

// DecodeResult reads a Result.
func DecodeResult(b []byte) (Result, error) {
	r := codec.NewReader(b)
	var result Result
	if r.U8() != formatVersion {
		r.Fail()
	}
	result.Problem = problem.ReadMaybe(r)
	result.WaitNs, result.ID = r.I64(), r.U64()
	return result, r.Finish()
}
