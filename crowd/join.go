package crowd

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"

	"onevoice/problem"
)

const (
	// holdNs is for how long a name is not taken after the second report that took it down within memoryNs; each further one doubles it, up to
	// mostHoldNs.
	holdNs, mostHoldNs, memoryNs = 1_000 * msNs, 60_000 * msNs, 600_000 * msNs
)

// join admits a start of a name.
func (t *turn) join(c Join) Result {
	if c.Name == "" || c.Boot == 0 {
		field, value, allowed := "name", `""`, fmt.Sprintf("1 to %d bytes", MaxNameBytes)
		if c.Name != "" {
			field, value, allowed = "boot", "0", "1 and above"
		}
		return refuse(&problem.Error{Kind: problem.Invalid, Op: "join", Subject: c.Name, Field: field, Value: value, Allowed: allowed})
	}
	present, found := t.named(c.Name)
	if found && present.Boot == c.Boot {
		return Result{ID: present.ID}
	}
	if newest := t.newestBoot(c.Name, present.Boot); c.Boot <= newest {
		return refuse(&problem.Error{Kind: problem.Refused, Op: "join", Subject: c.Name, Field: "boot", Value: strconv.FormatUint(c.Boot, 10),
			Allowed: strconv.FormatUint(newest+1, 10) + " and above", Detail: "a later start was a member already, or this one has gone: start anew"})
	}
	if wait := t.heldBack(c.Name); wait > 0 {
		return Result{WaitNs: wait, Problem: &problem.Error{Kind: problem.Refused, Op: "join", Subject: c.Name,
			Detail: fmt.Sprintf("it was reported again and again; join in %d ms", wait/msNs)}}
	}
	if !found && len(t.members)+len(t.joining)-len(t.leaving) >= MaxMembers {
		return refuse(&problem.Error{Kind: problem.Overloaded, Op: "join", Subject: c.Name, Field: "members", Value: strconv.Itoa(MaxMembers),
			Allowed: fmt.Sprintf("fewer than %d", MaxMembers), Detail: "the crowd is full; join when somebody has left"})
	}
	if found {
		t.goes(present.ID, Restarted)
	}
	t.newest = t.place
	// An earlier root sees only its own length of the same array, in which nothing is ever changed.
	t.joining = append(t.joining, Member{ID: t.place, Boot: c.Boot, Name: c.Name, Address: c.Address})
	t.rollWithin(joinNs)
	return Result{ID: t.place}
}

func refuse(p *problem.Error) Result { return Result{Problem: p} }

// newestBoot is the highest start of a name that is known.
func (t *turn) newestBoot(name string, boot uint64) uint64 {
	for _, f := range t.falls {
		if f.name == name {
			boot = max(boot, f.boot)
		}
	}
	for _, m := range t.members {
		if m.Name == name {
			boot = max(boot, m.Boot)
		}
	}
	return boot
}

// heldBack is how much longer a name must stay away that was reported again and again, 0 where it need not.
func (t *turn) heldBack(name string) int64 {
	hold, last := int64(0), int64(0)
	for _, f := range t.falls {
		if f.name != name || f.why != Reported || t.nowNs-f.atNs >= memoryNs {
			continue
		}
		last = f.atNs
		if hold == 0 {
			hold = holdNs / 2 // the first one costs nothing
		} else {
			hold = min(2*hold, mostHoldNs)
		}
	}
	if hold < holdNs {
		return 0
	}
	return max(0, last+hold-t.nowNs)
}

// goes takes an incarnation off with the next roll; false where it is no member.
func (t *turn) goes(id uint64, why Why) bool {
	if i, found := slices.BinarySearchFunc(t.joining, id, byID); found {
		m := t.joining[i]
		t.joining = slices.Delete(slices.Clone(t.joining), i, i+1)
		t.falls = append(slices.Clone(t.falls), fall{m.Name, m.Boot, why, t.nowNs})
		t.falls = t.falls[max(0, len(t.falls)-maxFalls):]
		return true
	}
	if _, found := find(t.members, id); !found || t.isLeaving(id) {
		return false
	}
	at, _ := slices.BinarySearchFunc(t.leaving, id, func(g Gone, id uint64) int { return cmp.Compare(g.ID, id) })
	t.leaving = slices.Insert(slices.Clone(t.leaving), at, Gone{ID: id, Why: why})
	t.rollWithin(goneNs)
	return true
}

func (t *turn) leave(c Leave) Result {
	if !t.goes(c.ID, Left) {
		return refuse(notMember("leave", c.ID))
	}
	return Result{ID: c.ID}
}

// condemn takes off whom it can, and says of whom it could not.
func (t *turn) condemn(c Condemn) Result {
	var r Result
	for _, id := range c.IDs {
		if r.ID = id; !t.goes(id, Condemned) && r.Problem == nil {
			r.Problem = notMember("condemn", id)
		}
	}
	return r
}

func notMember(op string, id uint64) *problem.Error {
	return &problem.Error{Kind: problem.NotFound, Op: op, Subject: strconv.FormatUint(id, 10), Detail: "no such member; it may have gone already"}
}
