package members

import (
	"slices"
	"strings"

	"onevoice/view"
)

// Limits of the membership. At each a command is refused with the limit in its words.
const (
	// MaxVoters bounds the voters of each role: more make a cluster slower, not safer.
	MaxVoters = 9
	// MaxServers bounds the servers that are present, learners included; clients keep a connection to each.
	MaxServers = 32
	// MaxNumber is the highest number a server may get; numbers are not used twice, so it bounds all servers there ever were.
	MaxNumber = 1 << 16
	// MaxInvitations bounds the invitations that are neither expired nor withdrawn.
	MaxInvitations = 100
	// MaxGroups bounds the groups of a cluster.
	MaxGroups = 64
	// MaxNameBytes, MaxAddressBytes and MaxOrganisationBytes bound texts.
	MaxNameBytes, MaxAddressBytes, MaxOrganisationBytes = 64, 256, 128
	// MinTTLNs and MaxTTLNs bound the life of an invitation: a minute to thirty days of log time.
	MinTTLNs, MaxTTLNs = 60_000_000_000, 30 * 86_400_000_000_000
)

// Standing is what a server shall be in every group.
type Standing uint8

// The standings. The numbers are part of the format.
const (
	// Learner gets the log and answers questions, and has no vote.
	Learner Standing = 1
	// Voter votes and may lead.
	Voter Standing = 2
	// Removed is no member. It is final once the change that says so is reached: see Server.Gone.
	Removed Standing = 3
)

// String is the standing's word in tables and JSON.
func (s Standing) String() string {
	switch s {
	case Learner:
		return "learner"
	case Voter:
		return "voter"
	case Removed:
		return "removed"
	}
	return "unknown"
}

// Server is one server that is or was of the cluster.
type Server struct {
	// Number is its number in every group and on every frame, from 1, never used for another.
	Number uint64
	// Name is for people; of the servers that are not removed each has another.
	Name string
	// HTTP and Peer are its addresses, host:port.
	HTTP, Peer string
	// Store is the identity of its disk; zero for a first voter that has not said it yet.
	Store [16]byte
	// Organisation runs it; empty where certificates are not in use.
	Organisation string
	// Oracle says that it is in the membership's own group only. It stays what it is for good.
	Oracle bool
	// Wish is what it shall be; Change is the change that said so.
	Wish   Standing
	Change uint64
	// Replaces is the number of the server whose place it takes, 0 for none.
	Replaces uint64
	// Gone says that it is removed from every group: whoever comes under its number is refused.
	Gone bool
}

// voter is what the server is called where it votes.
func (v Server) voter() string {
	if v.Oracle {
		return "oracle voter"
	}
	return "voter"
}

// Invitation lets one server join.
type Invitation struct {
	ID uint64
	// Hash is the SHA-256 of the proof, which is the SHA-256 of the secret: see Proof.
	Hash [32]byte
	// Name, where not empty, is the name that the server must have.
	Name string
	// Organisation is what the server's record will say.
	Organisation string
	// Replaces, where not 0, is the voter whose place the server takes as soon as it has the log.
	Replaces uint64
	// ExpiresNs is the log time at which it ends.
	ExpiresNs int64
	// UsedBy is the number of the server that joined by it, 0 for none. It stays until it expires, so that a repeated Join finds its answer.
	UsedBy uint64
}

// Group is one group and the newest change that it has reached.
type Group struct {
	Number  uint32
	Reached uint64
}

// Genesis is the membership that a cluster begins with, the same on every server.
type Genesis struct {
	// Groups are the numbers of all groups, sorted but for the membership's own, which is the last.
	Groups []uint32
	// Servers are the first voters by number, from 1 without gaps, of either role, at least one of them no oracle.
	Servers []Server
}

// State is an immutable membership, a machine.Root.
type State struct {
	change      uint64 // counts changes of the wish, from 1
	about       uint64 // the server that the newest change is about, 0 for the beginning
	next        uint64 // the next server's number
	groups      []Group
	servers     []Server // by number
	invitations []Invitation
}

// Change is the newest change of the wish.
func (s *State) Change() uint64 { return s.change }

// About is the server that the newest change is about, 0 for the beginning.
func (s *State) About() uint64 { return s.about }

// Servers lists every server there is or was, by number. Do not change it.
func (s *State) Servers() []Server { return s.servers }

// Invitations lists the invitations by ID. Do not change it.
func (s *State) Invitations() []Invitation { return s.invitations }

// Groups lists the groups, the membership's own last. Do not change it.
func (s *State) Groups() []Group { return s.groups }

// Server finds a server by number.
func (s *State) Server(number uint64) (Server, bool) {
	if i := s.find(number); i >= 0 {
		return s.servers[i], true
	}
	return Server{}, false
}

// Named finds the server of a name that is not removed, else the newest that had it.
func (s *State) Named(name string) (Server, bool) {
	var found Server
	for _, v := range s.servers {
		if v.Name == name && (v.Wish != Removed || found.Number == 0 || found.Wish == Removed) {
			found = v
		}
	}
	return found, found.Number != 0
}

// Settled says whether every group has reached the newest change.
func (s *State) Settled() bool {
	for _, g := range s.groups {
		if g.Reached != s.change {
			return false
		}
	}
	return true
}

// Touched says whether some group may not have reached what a server shall be: a change under way is about it, or an earlier one that
// was overtaken before every group had reached it.
func (s *State) Touched(number uint64) bool {
	v, ok := s.Server(number)
	return ok && slices.ContainsFunc(s.groups, func(g Group) bool { return g.Reached < v.Change })
}

// Wish is who shall be in a group. The membership's own group, the last of all, lets nobody go before the others have: a server that
// leads one of them must hear that it is to go. Where servers of the role Oracle vote, nobody else does in that group.
func (s *State) Wish(group uint32) view.Wish {
	w := view.Wish{Change: s.change}
	own := len(s.groups) > 0 && s.groups[len(s.groups)-1].Number == group
	if others := len(s.groups) - 1; own && others > 0 {
		w.Keep = slices.ContainsFunc(s.groups[:others], func(g Group) bool { return g.Reached != s.change })
	}
	apart := s.Apart()
	for _, v := range s.servers {
		switch {
		case v.Wish == Removed || v.Oracle && !own:
		case v.Wish == Voter && (v.Oracle || !own || !apart):
			w.Voters = append(w.Voters, v.Number)
		default:
			w.Learners = append(w.Learners, v.Number)
		}
	}
	return w
}

// Apart says whether servers of the role Oracle vote, and so decide on the membership alone.
func (s *State) Apart() bool { return s.VotersLike(Server{Oracle: true}) > 0 }

// VotersLike counts the voters of a server's role: a majority of them decides in the groups of that role.
func (s *State) VotersLike(of Server) int {
	n := 0
	for _, v := range s.servers {
		if v.Wish == Voter && v.Oracle == of.Oracle {
			n++
		}
	}
	return n
}

// Due is the word that a group has reached the newest change, for a server that has seen the group's members, and the change they
// come from, in its applied state; false where they are not those, or the word has been given.
func (s *State) Due(group uint32, change uint64, voters, learners []uint64) (Reached, bool) {
	w := s.Wish(group)
	at := slices.IndexFunc(s.groups, func(g Group) bool { return g.Number == group && g.Reached < s.change })
	if at < 0 || w.Keep || change != s.change || !slices.Equal(voters, w.Voters) || !slices.Equal(learners, w.Learners) {
		return Reached{}, false
	}
	return Reached{Group: group, Change: s.change}, true
}

// Barred says whether whoever comes under a number is to be refused: that server is gone.
func (s *State) Barred(number uint64) bool {
	v, ok := s.Server(number)
	return ok && v.Gone
}

func (s *State) find(number uint64) int {
	lo, hi := 0, len(s.servers)
	for lo < hi {
		mid := (lo + hi) / 2
		if s.servers[mid].Number < number {
			lo = mid + 1
		} else {
			hi = mid
		}
	}
	if lo < len(s.servers) && s.servers[lo].Number == number {
		return lo
	}
	return -1
}

// count counts the servers of a standing.
func (s *State) count(what Standing) int {
	n := 0
	for _, v := range s.servers {
		if v.Wish == what {
			n++
		}
	}
	return n
}

// validName says whether a name is 1 to MaxNameBytes letters, digits, dots, dashes and underscores.
func validName(name string) bool {
	const letters = "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_"
	return name != "" && len(name) <= MaxNameBytes && strings.Trim(name, letters) == ""
}

// validAddress says whether an address has a host and a port. Whether somebody is there shows when it is dialled.
func validAddress(address string) bool {
	at := strings.LastIndexByte(address, ':')
	return at > 0 && at < len(address)-1 && len(address) <= MaxAddressBytes && !strings.ContainsFunc(address, func(r rune) bool {
		return r <= ' ' || r >= 127
	})
}

// validText says whether a text is printable ASCII within a bound; it may be empty.
func validText(text string, most int) bool {
	return len(text) <= most && !strings.ContainsFunc(text, func(r rune) bool { return r < ' ' || r >= 127 })
}
