package api

// Upgrade is what one server says of its build and of the machine versions: replicated settings, raised when every build supports
// the next one.
type Upgrade struct {
	Node   string `json:"node"`
	Server uint64 `json:"server,string"`
	// Build is the version of the program; Min and Max are the machine versions that it supports.
	Build string `json:"build"`
	Min   uint32 `json:"min"`
	Max   uint32 `json:"max"`
	// Groups are those on this server; Others the servers that it is connected with.
	Groups []GroupVersion `json:"groups"`
	Others []Program      `json:"others"`
	// Proposed counts the groups whose version this request has put to the vote: only in the answer to it.
	Proposed int `json:"proposed,omitempty"`
}

// GroupVersion is the machine version of a group as this server has applied it.
type GroupVersion struct {
	Group   uint32 `json:"group"`
	Version uint32 `json:"version"`
	Role    string `json:"role"`
	Leader  uint64 `json:"leader,string"` // "0" where it is not known
}

// Program is the build of another server.
type Program struct {
	Server uint64 `json:"server,string"`
	Build  string `json:"build"`
	Min    uint32 `json:"min"`
	Max    uint32 `json:"max"`
}
