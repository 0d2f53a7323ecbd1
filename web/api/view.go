package api

// View is one agreed picture of who is up. Views are numbered from "1" without gaps.
type View struct {
	Number uint64 `json:"number,string"`
	// Hash is hexadecimal, and that of the view before goes into it: equal numbers with unequal hashes prove two voices.
	Hash string `json:"hash"`
	// Made is when, in log time.
	Made Time `json:"made"`
	// DetectionBoundMs is how long a server may be silent before it is suspected.
	DetectionBoundMs float64   `json:"detectionBoundMs"`
	Processes        []Process `json:"processes"`
	Leads            []Lead    `json:"leads"`
	// Observed is what the servers had said of one another when it was made; only where a view was asked for by its number.
	Observed []Observer `json:"observed,omitempty"`
	// Voters is how many voters there are, as the membership is now; with Observed.
	Voters int `json:"voters,omitempty"`
	// First and Last are the range of views that are held; not in a stream.
	First uint64 `json:"first,string,omitempty"`
	Last  uint64 `json:"last,string,omitempty"`
}

// Process is a server's newest incarnation in a view.
type Process struct {
	Server      uint64 `json:"server,string"`
	Name        string `json:"name"`
	Incarnation uint64 `json:"incarnation,string"`
	// Start counts the starts of the server's disk.
	Start uint64 `json:"start,string"`
	// Standing is joining, up, degraded, down or leaving; Since is the view that gave it, and Why is what it was reported for,
	// "none" where nothing.
	Standing string `json:"standing"`
	Since    uint64 `json:"since,string"`
	Why      string `json:"why"`
}

// Lead says who leads a group.
type Lead struct {
	Group  uint32 `json:"group"`
	Term   uint64 `json:"term,string"`
	Server uint64 `json:"server,string"`
	Name   string `json:"name"`
}

// Observer is what one server said of itself and of the others.
type Observer struct {
	Server uint64 `json:"server,string"`
	Name   string `json:"name"`
	Start  uint64 `json:"start,string"`
	// Votes says whether its word counts: whether it shall be a voter, as the membership is now.
	Votes bool `json:"votes"`
	// Leaving says that it is about to end, Last that it has, and why: "exited" or "disk", else "none". Fell says that its start
	// before this one was taken down.
	Leaving bool   `json:"leaving"`
	Fell    bool   `json:"fell"`
	Last    string `json:"last"`
	Seen    []Seen `json:"seen"`
}

// Seen is what a server says of another: the start that it has heard, "0" for none, and what it holds against it, "none" for
// nothing.
type Seen struct {
	Server   uint64 `json:"server,string"`
	Start    uint64 `json:"start,string"`
	Evidence string `json:"evidence"`
}

// Fence names the incarnation of a server that is to be taken down.
type Fence struct {
	Incarnation uint64 `json:"incarnation,string"`
}
