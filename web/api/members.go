package api

// Members is the agreed membership, and what one server sees of how far the groups are.
type Members struct {
	// Node is the server that answers; Change counts the changes of the membership; About is the server the newest is about, "0" at
	// the beginning. Settled says whether every group has reached it.
	Node    string `json:"node"`
	Change  uint64 `json:"change,string"`
	About   uint64 `json:"about,string"`
	Settled bool   `json:"settled"`
	// View is the newest view of who is up, "0" where there is none yet.
	View    uint64   `json:"view,string"`
	Members []Member `json:"members"`
	Groups  []Group  `json:"groups"`
	// Invitations are those neither used nor expired.
	Invitations []OpenInvitation `json:"invitations"`
}

// Member is a server that is, or was, of the cluster.
type Member struct {
	Number       uint64 `json:"number,string"`
	Name         string `json:"name"`
	HTTP         string `json:"http"`
	Peer         string `json:"peer"`
	Store        string `json:"store"` // hexadecimal; empty where it is not known yet
	Organisation string `json:"organisation,omitempty"`
	// Oracle says that it is in the membership's group only; where an oracle votes, other servers learn there.
	Oracle bool `json:"oracle,omitempty"`
	// Wish is what it shall be in every group of its role: learner, voter or removed; Change is the change that said so.
	Wish     string `json:"wish"`
	Change   uint64 `json:"change,string"`
	Replaces uint64 `json:"replaces,string,omitempty"`
	// Gone says that it is removed from every group, for good.
	Gone bool `json:"gone,omitempty"`
	// Standing is what the view says of its newest Incarnation, and Start the start of its disk that this is; absent where it has none.
	Standing    string `json:"standing,omitempty"`
	Incarnation uint64 `json:"incarnation,string,omitempty"`
	Start       uint64 `json:"start,string,omitempty"`
}

// Group is one group, as the answering server sees it.
type Group struct {
	Number uint32 `json:"group"`
	// Reached is the newest change that the group is agreed to have reached.
	Reached uint64 `json:"reached,string"`
	Role    string `json:"role"`
	Leader  uint64 `json:"leader,string"`
	Last    uint64 `json:"last,string"`
	// Epoch is view/term, the newest that the server knows in the group.
	Epoch string `json:"epoch"`
	// Members are the group's at the server's applied index; how far each is, only the leader knows.
	Members []GroupMember `json:"members"`
}

// GroupMember is a server in a group.
type GroupMember struct {
	Number uint64 `json:"number,string"`
	Is     string `json:"is"` // voter or learner
	// Lag is how many entries it lacks, and Active whether it was heard from lately; absent where the answering server does not lead.
	Lag    *uint64 `json:"lag,string,omitempty"`
	Active *bool   `json:"active,omitempty"`
}

// OpenInvitation is an invitation that can be used.
type OpenInvitation struct {
	Invitation uint64 `json:"invitation,string"`
	Name       string `json:"name,omitempty"`
	Replaces   uint64 `json:"replaces,string,omitempty"`
	Expires    Time   `json:"expires"`
}

// Invite asks for an invitation.
type Invite struct {
	Name         string `json:"name,omitempty"`
	Organisation string `json:"organisation,omitempty"`
	Replaces     uint64 `json:"replaces,string,omitempty"`
	TTLSeconds   int64  `json:"ttl_s"`
}

// Invitation is the answer: the token is shown once, and is all that a server needs to join.
type Invitation struct {
	Invitation uint64 `json:"invitation,string"`
	Token      string `json:"token"`
}

// Join asks to become a server of the cluster.
type Join struct {
	Invitation uint64 `json:"invitation,string"`
	Secret     string `json:"secret"` // hexadecimal, from the token
	Store      string `json:"store"`  // hexadecimal, 16 bytes: the new disk's identity
	Name       string `json:"name"`
	HTTP       string `json:"http"`
	Peer       string `json:"peer"`
}

// Joined is the answer: the server's number, and the file that began the cluster.
type Joined struct {
	Number  uint64 `json:"number,string"`
	Change  uint64 `json:"change,string"`
	Cluster string `json:"cluster_file"`
	// Servers are those of the cluster at this moment: whom the new one has to listen to before it knows the membership itself.
	Servers []Member `json:"servers"`
}

// Replace names the learner that takes a voter's place.
type Replace struct {
	New uint64 `json:"new,string"`
}

// Addresses are where a server is found.
type Addresses struct {
	HTTP string `json:"http"`
	Peer string `json:"peer"`
}

// Transfer hands leadership of a group to a voter, "0" for the most up-to-date one.
type Transfer struct {
	Group uint32 `json:"group"`
	To    uint64 `json:"to,string"`
}

// MembersChanged is the answer to a change: whom it is about, and its number.
type MembersChanged struct {
	Number uint64 `json:"number,string"`
	Change uint64 `json:"change,string"`
}
