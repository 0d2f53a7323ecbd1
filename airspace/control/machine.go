package control

import (
	"cmp"

	"github.com/tidwall/btree"

	"onevoice/fence"
	"onevoice/internal/mutant"
	"onevoice/view"
)

// Machine changes a Board. One goroutine calls it, in log order.
type Machine struct {
	board Board
	// due holds the end of each lease and offer, as its record names it.
	due  *btree.BTreeG[due]
	load loading
}

// due is when something is to be looked at. One that was given its time again is found too early, and put back.
type due struct {
	atNs  int64
	thing Thing // 0 for a position
	id    string
}

func (d due) before(o due) bool {
	return cmp.Or(cmp.Compare(d.atNs, o.atNs), cmp.Compare(d.thing, o.thing), cmp.Compare(d.id, o.id)) < 0
}

// New is the machine in which nobody has signed on.
func New() *Machine {
	return &Machine{board: newBoard(), due: btree.NewBTreeGOptions(due.before, btree.Options{NoLocks: true})}
}

// Board is the board as it is now; who keeps it takes a Copy.
func (m *Machine) Board() *Board { return &m.board }

// Fork is a machine that goes on by itself from where this one stands.
func (m *Machine) Fork() *Machine { return &Machine{board: m.board.Copy(), due: m.due.Copy()} }

// Advance gives leases and offers their time again where the group was away, and ends those that are due, at most MaxDue. A lease stands until
// an entry has ended it, so that what a command comes to can be told from the events before it.
func (m *Machine) Advance(at Version, epoch view.Epoch, logNs int64, emit Emit) {
	s := &m.board
	if epoch != s.epoch || logNs-s.nowNs > gapNs {
		s.epoch, s.renewedNs = epoch, logNs
	}
	s.nowNs = max(s.nowNs, logNs)
	t := turn{m, at, emit}
	for range MaxDue {
		next, ok := m.due.Min()
		if !ok || next.atNs > s.nowNs {
			return
		}
		if next.thing == 0 {
			t.lapse(next.id)
		} else {
			t.timeOut(next.thing, next.id)
		}
	}
}

// DueNs is the log time at which a lease or an offer may end next, 0 for none.
func (m *Machine) DueNs() int64 {
	next, ok := m.due.Min()
	if !ok {
		return 0
	}
	return max(next.atNs, 1)
}

// DropFlight forgets the record of a flight that is gone, DropSector that of a sector. What is addressed to the sector stays so until it is
// refused, recalled or timed out.
func (m *Machine) DropFlight(id string) { m.dropRecord(Flight, id) }

// DropSector forgets the record of a sector that is gone.
func (m *Machine) DropSector(id string) { m.dropRecord(Sector, id) }

func (m *Machine) dropRecord(t Thing, id string) {
	if r, ok := m.board.of(t).Delete(id); ok {
		m.unlink(r)
		m.tidy(r.Position)
	}
}

// putRecord gives a record its place, instead of the one of before.
func (m *Machine) putRecord(n *Record) {
	old, had := m.board.of(n.Thing).Set(n.ID, n)
	if had {
		m.unlink(old)
	}
	m.link(n)
	if had && old.Position != n.Position {
		m.tidy(old.Position)
	}
}

// ways are the links of a record; those that it has not lead nowhere.
func (r *Record) ways() [3]link {
	return [3]link{{linkHas, r.Thing, r.Position, r.ID}, {linkToPosition, r.Thing, r.To.Position, r.ID}, {linkToSector, r.Thing, r.To.Sector, r.ID}}
}

func (m *Machine) link(r *Record) {
	for _, l := range r.ways() {
		if l.of != "" {
			m.board.links.Set(l)
		}
	}
	if r.State == Handoff {
		m.due.Set(due{r.EndsNs, r.Thing, r.ID})
	}
}

func (m *Machine) unlink(r *Record) {
	for _, l := range r.ways() {
		if l.of != "" {
			m.board.links.Delete(l)
		}
	}
	if r.State == Handoff {
		m.due.Delete(due{r.EndsNs, r.Thing, r.ID})
	}
}

// putPosition gives a position its place, and forgets it where it is not attended and has nothing.
func (m *Machine) putPosition(n *Position) {
	if old, had := m.board.positions.Set(n.ID, n); had && old.Attended() {
		m.due.Delete(due{old.EndsNs, 0, old.ID})
	}
	if n.Attended() {
		m.due.Set(due{n.EndsNs, 0, n.ID})
	}
	m.tidy(n.ID)
}

func (m *Machine) tidy(position string) {
	if p, ok := m.board.positions.Get(position); ok && !p.Attended() && !m.board.has(position) {
		m.board.positions.Delete(position)
	}
}

// turn is one command or entry at work.
type turn struct {
	*Machine
	at   Version
	emit Emit
}

func (t turn) lapse(id string) {
	old, _ := t.board.positions.Get(id)
	if ends := t.board.ends(old.EndsNs, old.LeaseMs); ends > t.board.nowNs {
		n := *old
		n.EndsNs = ends
		t.putPosition(&n)
		return
	}
	t.vacate(old, Lapse, "")
}

// vacate ends the lease of a position.
func (t turn) vacate(p *Position, act Act, by string) {
	n := *p
	n.Holder, n.EndsNs, n.Version = fence.Holder{}, 0, t.at
	t.putPosition(&n)
	t.emit(Event{Act: act, By: by, Position: &n})
	t.tellSectors(&n, Leave)
}

// tellSectors says of every sector of a position whether it is attended now.
func (t turn) tellSectors(p *Position, act Act) {
	for _, id := range t.board.Sectors(p.ID) {
		r, _ := t.board.sectors.Get(id)
		t.emit(Event{Act: act, Was: p.ID, Attended: p.Attended(), Record: r})
	}
}

func (t turn) timeOut(thing Thing, id string) {
	old, _ := t.board.of(thing).Get(id)
	if ends := t.board.ends(old.EndsNs, old.TimeoutMs); ends > t.board.nowNs {
		n := *old
		n.EndsNs = ends
		t.putRecord(&n)
		return
	}
	n := old.back()
	if to := t.board.Receiver(old); to != "" && mutant.On(mutant.TimeOutGives) {
		n = old.by(to)
	}
	n.Version = t.at
	t.change(old, &n, TimeOut, "")
}

// change puts a record in the place of another and says so.
func (t turn) change(old, n *Record, act Act, by string) {
	t.putRecord(n)
	t.emit(Event{Act: act, By: by, Was: old.Position, Attended: t.board.Attended(n.Position), Record: n})
}
