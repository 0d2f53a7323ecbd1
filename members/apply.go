package members

import (
	"fmt"
	"slices"
	"strings"

	"onevoice/machine"
	"onevoice/problem"
)

// turn is one command at work on a copy of the state, which is dropped where the command is refused.
type turn struct {
	*State
	at     machine.At
	events []Event
}

// run does a command and gives the number that it is about.
func (t *turn) run(c Command) (uint64, *problem.Error) {
	switch c := c.(type) {
	case Invite:
		return t.invite(c)
	case Join:
		return t.join(c)
	case Promote:
		return c.Server, t.promote(c.Server)
	case Remove:
		return c.Server, t.remove(c.Server)
	case Replace:
		return c.New, t.replace(c)
	case SetAddress:
		return c.Server, t.setAddress(c)
	case Reached:
		return uint64(c.Group), t.groupReached(c)
	case Claim:
		return c.Server, t.claim(c)
	case Withdraw:
		return c.Invitation, t.withdraw(c)
	}
	return 0, &problem.Error{Kind: problem.Invalid, Op: "members", Detail: "the command is of no known kind"}
}

func refused(op string, format string, args ...any) *problem.Error {
	return &problem.Error{Kind: problem.Refused, Op: op, Detail: fmt.Sprintf(format, args...)}
}

func invalid(op, field, value, allowed string) *problem.Error {
	return &problem.Error{Kind: problem.Invalid, Op: op, Field: field, Value: problem.Clip(value), Allowed: allowed}
}

// known is the server of a number that is not gone.
func (t *turn) known(op string, number uint64) (*Server, *problem.Error) {
	i := t.find(number)
	if i < 0 {
		return nil, &problem.Error{Kind: problem.NotFound, Op: op, Subject: fmt.Sprintf("server %d", number), Detail: "no server has that number"}
	}
	if t.servers[i].Gone {
		return nil, refused(op, "server %d is gone for good: invite a new one, it gets a new number", number)
	}
	return &t.servers[i], nil
}

// BusyField is the field of the problem that says to wait until the change under way is reached.
const BusyField = "change"

// busy refuses a further change while one is under way.
func (t *turn) busy(op string) *problem.Error {
	if t.Settled() {
		return nil
	}
	p := refused(op, "change %d, about server %d, is not reached in every group yet: wait for it, or take it back: %s",
		t.change, t.about, t.waysBack())
	p.Field, p.Value, p.Allowed = BusyField, "under way", "one at a time"
	return p
}

// waysBack says which commands are taken while a change is under way. A beginning that is not reached has none.
func (t *turn) waysBack() string {
	var ways []string
	for _, v := range t.servers {
		switch {
		case v.Change <= 1 || !t.Touched(v.Number):
		case v.Wish != Removed:
			ways = append(ways, fmt.Sprintf("remove server %d", v.Number))
		case t.successor(v.Number) == 0:
			ways = append(ways, fmt.Sprintf("promote server %d", v.Number))
		}
	}
	if len(ways) == 0 {
		return "there is no way back from the beginning"
	}
	return strings.Join(ways, ", or ")
}

// successor is who takes a server's place in what is under way, 0 for nobody.
func (t *turn) successor(number uint64) uint64 {
	for _, v := range t.servers {
		if v.Replaces == number && v.Wish == Voter && t.Touched(v.Number) {
			return v.Number
		}
	}
	return 0
}

// wish gives a server another standing, as part of the change being made.
func (t *turn) wish(number uint64, what Standing) {
	t.servers = slices.Clone(t.servers)
	v := &t.servers[t.find(number)]
	v.Wish, v.Change = what, t.change
	t.events = append(t.events, Event{WishChanged, number, t.change})
}

// begin begins a change of the wish.
func (t *turn) begin(about uint64) { t.change, t.about = t.change+1, about }

func (t *turn) promote(number uint64) *problem.Error {
	const op = "promote"
	v, err := t.known(op, number)
	if err != nil {
		return err
	}
	takesBack := v.Wish == Removed // it is not gone: its removal is under way
	switch {
	case v.Wish == Voter:
		return refused(op, "server %d is a voter already", number)
	case !takesBack && t.busy(op) != nil:
		return t.busy(op)
	case t.VotersLike(*v) >= MaxVoters:
		return refused(op, "there are %d %ss, allowed: up to %d", t.VotersLike(*v), v.voter(), MaxVoters)
	}
	if by := t.successor(number); takesBack && by != 0 {
		return refused(op, "server %d gives way to server %d: remove that one to take it back", number, by)
	}
	if takesBack { // somebody may have been given its name or its addresses
		if err := t.checkPlace(op, *v); err != nil {
			return err
		}
	}
	t.begin(number)
	t.wish(number, Voter)
	return nil
}

func (t *turn) remove(number uint64) *problem.Error {
	const op = "remove"
	v, err := t.known(op, number)
	if err != nil {
		return err
	}
	if v.Wish == Removed {
		return refused(op, "the removal of server %d is under way already", number)
	}
	restores := t.givingWay(v.Replaces) != 0
	if !t.Touched(number) { // what is under way may be taken back from whom it touches
		if err := t.busy(op); err != nil {
			return err
		}
	}
	if v.Wish == Voter && t.VotersLike(*v) == 1 && !restores {
		return refused(op, "server %d is the only %s: promote another first", number, v.voter())
	}
	old := v.Replaces
	t.begin(number)
	t.wish(number, Removed)
	if restores {
		t.wish(old, Voter)
	}
	for i := range t.servers { // wish has made them this turn's own
		if v := &t.servers[i]; v.Replaces == number {
			v.Replaces = 0 // who is removed by name is not put back by another's removal
		}
	}
	return nil
}

// givingWay is a server's number where it is to go and may still come back, else 0.
func (t *turn) givingWay(number uint64) uint64 {
	if i := t.find(number); i < 0 || t.servers[i].Wish != Removed || t.servers[i].Gone {
		return 0
	}
	return number
}

func (t *turn) replace(c Replace) *problem.Error {
	const op = "replace"
	old, err := t.known(op, c.Old)
	if err != nil {
		return err
	}
	fresh, err := t.known(op, c.New)
	if err != nil {
		return err
	}
	switch {
	case t.busy(op) != nil:
		return t.busy(op)
	case old.Wish != Voter:
		return refused(op, "server %d is no voter", c.Old)
	case fresh.Wish != Learner:
		return refused(op, "server %d is no learner", c.New)
	case fresh.Oracle != old.Oracle:
		return refused(op, "server %d is no %s, and a server stays what it is: invite one in server %d's place", c.New, old.voter(), c.Old)
	}
	t.begin(c.New)
	t.takePlace(c.New, c.Old)
	return nil
}

// takePlace wishes one server a voter and another removed, as part of the change being made.
func (t *turn) takePlace(number, old uint64) {
	t.wish(number, Voter)
	t.servers[t.find(number)].Replaces = old
	t.wish(old, Removed)
}

func (t *turn) setAddress(c SetAddress) *problem.Error {
	const op = "set address"
	old, err := t.known(op, c.Server)
	if err != nil {
		return err
	}
	if err := t.checkAddresses(op, c.HTTP, c.Peer, c.Server, t.givingWay(old.Replaces)); err != nil {
		return err
	}
	t.servers = slices.Clone(t.servers)
	v := &t.servers[t.find(c.Server)]
	v.HTTP, v.Peer = c.HTTP, c.Peer
	t.events = append(t.events, Event{ServerChanged, c.Server, t.change})
	return nil
}

// checkPlace refuses to bring a server back whose name or addresses another one has now.
func (t *turn) checkPlace(op string, v Server) *problem.Error {
	for _, other := range t.servers {
		if other.Wish != Removed && other.Number != v.Number && other.Name == v.Name {
			return refused(op, "server %d is named %s already", other.Number, v.Name)
		}
	}
	return t.checkAddresses(op, v.HTTP, v.Peer, v.Number, t.givingWay(v.Replaces))
}

// checkAddresses refuses addresses that are none, or that another server has, other than the one named and the one it replaces. Who
// is to go and may come back keeps its own.
func (t *turn) checkAddresses(op, http, peer string, self, replaced uint64) *problem.Error {
	for _, a := range []struct{ field, value string }{{"http", http}, {"peer", peer}} {
		if !validAddress(a.value) {
			return invalid(op, a.field, a.value, "host:port")
		}
	}
	if http == peer {
		return invalid(op, "peer", peer, "another address than http")
	}
	for _, v := range t.servers {
		if !v.Gone && v.Number != self && v.Number != replaced && (v.HTTP == http || v.HTTP == peer || v.Peer == http || v.Peer == peer) {
			return refused(op, "server %d (%s) has one of the addresses %s and %s already", v.Number, v.Name, problem.Clip(http), problem.Clip(peer))
		}
	}
	return nil
}

// groupReached notes how far a group has come. With the last group the change is done, and who was removed by it is gone.
func (t *turn) groupReached(c Reached) *problem.Error {
	i := slices.IndexFunc(t.groups, func(g Group) bool { return g.Number == c.Group })
	switch {
	case i < 0:
		return invalid("reached", "group", fmt.Sprint(c.Group), "a group of the cluster")
	case c.Change > t.change:
		return invalid("reached", "change", fmt.Sprint(c.Change), fmt.Sprintf("up to %d", t.change))
	case c.Change <= t.groups[i].Reached:
		return nil // told before
	}
	t.groups = slices.Clone(t.groups)
	t.groups[i].Reached = c.Change
	t.events = append(t.events, Event{GroupReached, uint64(c.Group), c.Change})
	if t.Settled() {
		t.servers = slices.Clone(t.servers)
		for k := range t.servers {
			if v := &t.servers[k]; v.Wish == Removed && !v.Gone {
				v.Gone = true
				t.events = append(t.events, Event{ServerChanged, v.Number, t.change})
			}
		}
	}
	return nil
}

func (t *turn) claim(c Claim) *problem.Error {
	const op = "claim"
	v, err := t.known(op, c.Server)
	switch {
	case err != nil:
		return err
	case c.Store == [16]byte{}:
		return invalid(op, "store", "zero", "the identity of a disk")
	case v.Store == c.Store:
		return nil
	case v.Store != [16]byte{}:
		return refused(op, "server %d has another disk: a wiped disk is a stranger, invite it as a new server", c.Server)
	}
	t.servers = slices.Clone(t.servers)
	t.servers[t.find(c.Server)].Store = c.Store
	t.events = append(t.events, Event{ServerChanged, c.Server, t.change})
	return nil
}
