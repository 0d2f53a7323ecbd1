package api

// The voices of a Status.
const (
	// OneVoice: a majority has confirmed what this server knows within MaxAgreedAgeMs.
	OneVoice = "one-voice"
	// Silent: it has not, so that this server may know less than is agreed; it answers nothing but its status.
	Silent = "no-voice"
)

// MaxAgreedAgeMs is the age of a majority's last confirmation at which a server counts as silent: three of the entries
// that a leader makes each second were missed.
const MaxAgreedAgeMs = 3000

// Status is what one server knows of itself. It is not an agreed answer: it comes without a majority, and may be old.
type Status struct {
	Node    string `json:"node"`
	Server  uint64 `json:"server,string"`
	Cluster string `json:"cluster"`
	Build   string `json:"build"`
	// Voice is OneVoice or Silent, by AgreedAgeMs.
	Voice string `json:"voice"`
	// AgreedAgeMs is how long ago a majority last confirmed anything to this server, in milliseconds; -1 if never.
	AgreedAgeMs int64 `json:"agreed_age_ms"`
	// OracleAgeMs is the same of the group that decides who is up. While it is silent nobody is called up or down, and the airspace goes on.
	OracleAgeMs int64 `json:"oracle_age_ms"`
	// ClockOffsetMs is how far the server's time of day is ahead of the voters' median, give or take ClockErrorMs. ClockState is
	// "good", "wrong" where it is so far off that the server may not lead, or "unknown" where too few voters could be asked.
	ClockOffsetMs float64 `json:"clock_offset_ms"`
	ClockErrorMs  float64 `json:"clock_error_ms"`
	ClockState    string  `json:"clock_state"`
	// Role is "leader", "follower" or "candidate" in the airspace group.
	Role string `json:"role"`
	// Leader is the name of the server that leads, as far as this one knows; empty if unknown.
	Leader string `json:"leader"`
	View   uint64 `json:"view,string"`
	Term   uint64 `json:"term,string"`
	// ObeyedView is the newest view of who is up that this server obeys, DetectionBoundMs its bound, and Standing what it says of this
	// server: empty where it says nothing.
	ObeyedView       uint64  `json:"obeyed_view,string"`
	DetectionBoundMs float64 `json:"detectionBoundMs"`
	Standing         string  `json:"standing"`
	// FsyncP99Ms is what 99 of 100 of the newest few thousand syncs of the disk did not exceed, 0 before the first.
	FsyncP99Ms float64 `json:"fsync_p99_ms"`
	// Index is the newest applied entry, Hash the chain hash after it, Commit the newest entry known to be agreed.
	Index       uint64 `json:"index,string"`
	Hash        string `json:"hash"`
	Commit      uint64 `json:"commit,string"`
	ServiceTime Time   `json:"service_time"`
	LogTime     Time   `json:"log_time"`
	// Servers is the cluster's replicated list.
	Servers []Server `json:"servers"`
	Sectors int      `json:"sectors"`
	Flights int      `json:"flights"`
	// FirstHash and LastHash are the range of indices whose hash is held.
	FirstHash uint64 `json:"first_hash,string"`
	LastHash  uint64 `json:"last_hash,string"`
	Watchers  int    `json:"watchers"`
	Positions int    `json:"positions"`
	UptimeS   int64  `json:"uptime_s"`
	// Counters are further numbers by name, lower case with underscores; those that end in _total only grow.
	Counters map[string]uint64 `json:"counters"`
}

// Server is one of the cluster's servers.
type Server struct {
	Number uint64 `json:"number,string"`
	Name   string `json:"name"`
	// URL is where it answers HTTP, as "http://127.0.0.1:7480".
	URL string `json:"url"`
}
