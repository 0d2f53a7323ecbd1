package crowd

import "onevoice/codec"

// The kinds of question.
const (
	questionSince  = firstKind
	questionList   = firstKind + 1
	questionStatus = firstKind + 2
)

// pageBytes is the size from which a page of an answer is closed.
const pageBytes = 128 << 10

// AskSince is the question for the rolls after one; DecodeSince reads its answer, which is none where they are not kept any more: ask for the list
// then.
func AskSince(number uint64) []byte { return ask(questionSince, number) }

// AskList is the question for the members with incarnations above one, 0 for the first page; DecodePage reads its answer.
func AskList(after uint64) []byte { return ask(questionList, after) }

// AskStatus is the question for a Status; DecodeStatus reads its answer.
func AskStatus() []byte { return ask(questionStatus, 0) }

func ask(kind uint8, about uint64) []byte {
	w := codec.Writer{B: []byte{formatVersion, kind}}
	w.U64(about)
	return w.B
}

// Query answers AskSince, AskList and AskStatus; anything else with nothing.
func (s *State) Query(op []byte) []byte {
	r := codec.NewReader(op)
	version, kind, about := r.U8(), r.U8(), r.U64()
	if r.Finish() != nil || version != formatVersion {
		return nil
	}
	switch kind {
	case questionSince:
		return s.since(about)
	case questionList:
		return s.page(about)
	case questionStatus:
		return s.status()
	}
	return nil
}

func (s *State) since(number uint64) []byte {
	rolls, ok := s.Since(number)
	if !ok {
		return nil
	}
	w := codec.Writer{B: []byte{formatVersion, questionSince}}
	for i := range rolls {
		if rolls[i].Append(&w); len(w.B) >= pageBytes {
			break // who needs the others asks again
		}
	}
	return w.B
}

// DecodeSince reads the answer to AskSince: rolls, oldest first; there may be more. False where the server does not hold them.
func DecodeSince(b []byte) ([]Roll, bool, error) {
	if len(b) == 0 {
		return nil, false, nil
	}
	r := codec.NewReader(b)
	open(r, questionSince)
	var all []Roll
	load(r, &all, ReadRoll)
	return all, true, r.Finish()
}

// Page is part of a whole list. All pages of one list have one head: where it changes, begin anew.
type Page struct {
	Head    Head
	Members []Member // by ID
	// More says that members follow.
	More bool
}

func (s *State) page(after uint64) []byte {
	w := codec.Writer{B: []byte{formatVersion, questionList}}
	(&Head{s.head(), s.seed}).append(&w)
	from := 0
	for from < len(s.members) && s.members[from].ID <= after {
		from++
	}
	to, bytes := from, 0
	for to < len(s.members) && bytes < pageBytes {
		bytes += memberBytes + len(s.members[to].Name) + len(s.members[to].Address)
		to++
	}
	w.Bool(to < len(s.members))
	appendMembers(&w, s.members[from:to])
	return w.B
}

// DecodePage reads the answer to AskList.
func DecodePage(b []byte) (Page, error) {
	r := codec.NewReader(b)
	open(r, questionList)
	p := Page{Head: readHead(r), More: r.Bool(), Members: readMembers(r, MaxMembers)}
	return p, r.Finish()
}

// Status is what a crowd is like now, for people and metrics.
type Status struct {
	// Roll is the newest, Members how many are on it, Joining who wait for the next.
	Roll             uint64
	Members, Joining int
	// Suspects are reported by somebody; Held are those that would be gone, were the limit not reached.
	Suspects, Held int
	Refused        Refused
}

func (s *State) status() []byte {
	w := codec.Writer{B: []byte{formatVersion, questionStatus}}
	w.U64(s.roll.Number)
	for _, n := range []int{len(s.members), len(s.joining), len(s.suspects), s.held} {
		w.U32(uint32(n))
	}
	s.refused.append(&w)
	return w.B
}

// DecodeStatus reads the answer to AskStatus.
func DecodeStatus(b []byte) (Status, error) {
	r := codec.NewReader(b)
	open(r, questionStatus)
	s := Status{Roll: r.U64(), Members: int(r.U32()), Joining: int(r.U32()), Suspects: int(r.U32()), Held: int(r.U32())}
	s.Refused = readRefused(r)
	return s, r.Finish()
}
