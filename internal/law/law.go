// Package law holds the architecture as one table, and checks the tree against it.
// It is laboratory: only its test runs it, over our own source; nothing is linked into the product.
//
// To add a room, add one line to Table. To use a library in a room, name its module in that line with the reason, and
// write its sentence in DEPENDENCIES.md.
package law

// Kind says how a room may behave.
type Kind string

// The kinds of room. Each word stands in the package comment of the rooms of that kind.
const (
	// Quiet rooms have no goroutine, channel, lock, clock, file, socket, logger or chance of their own.
	Quiet Kind = "quiet"
	// Replicated rooms are quiet, and what they compute is the same on every processor and build: no floats, no map order.
	Replicated Kind = "replicated"
	// Loud rooms meet the world.
	Loud Kind = "loud"
	// Laboratory rooms test the others and are never imported by them.
	Laboratory Kind = "laboratory"
	// Wiring rooms are programs: flags, construction, signals.
	Wiring Kind = "wiring"
)

// Anything, as a May, permits every room that is not wiring. Only laboratories and wiring have it.
const Anything = "*"

// Uses maps the path of a module of others to the reason why a room needs it.
type Uses map[string]string

// Room is a row of the table. Tests of a room are free in what they import of ours.
type Room struct {
	// Name is the path below the module; one that ends in "/..." stands for all below it.
	Name string
	Kind Kind
	// May lists the rooms it may import, separated by spaces.
	May string
	// Uses lists the modules of others that it may import.
	Uses Uses
}

// Barrier says that Room must not reach Other, neither itself nor through what it may import.
type Barrier struct{ Room, Other, Why string }

// Excuse lets one function or file be long. Where is "room/file.go" or "room/file.go:Func".
type Excuse struct{ Where, Why string }

// Rules is everything the checks are driven by.
type Rules struct {
	Rooms []Room
	// Everyone lists rooms that need not be named in a May.
	Everyone string
	Barriers []Barrier
	// TestUses are modules that any test may import.
	TestUses Uses
	Excuses  []Excuse
}

const (
	raft     = "go.etcd.io/raft/v3"
	pebble   = "github.com/cockroachdb/pebble/v2"
	s2       = "github.com/golang/geo"
	btree    = "github.com/tidwall/btree"
	cobra    = "github.com/spf13/cobra"
	metrics  = "github.com/prometheus/client_golang"
	protobuf = "google.golang.org/protobuf"
	jose     = "github.com/go-jose/go-jose/v4"
	parquet  = "github.com/parquet-go/parquet-go"
	minio    = "github.com/minio/minio-go/v7"
	judge    = "github.com/anishathalye/porcupine"
	rapid    = "pgregory.net/rapid"
	chrome   = "github.com/chromedp/chromedp"
	devtools = "github.com/chromedp/cdproto"
)

// Table is the architecture of onevoice, from the bottom up.
func Table() Rules {
	return Rules{
		Rooms:    append(product(), laboratory()...),
		Everyone: "problem internal/mutant",
		Barriers: barriers(),
		TestUses: Uses{
			judge:    "linearizability",
			rapid:    "properties and shrinking",
			chrome:   "the console in a real browser",
			devtools: "the messages that chromedp speaks",
		},
		Excuses: []Excuse{},
	}
}

// barriers are what no change of the table may open unseen.
func barriers() []Barrier {
	return []Barrier{
		{"web", "consensus", "the web sees snapshots, watch and nouns, never the log"},
		{"web", "store", "the web sees snapshots, watch and nouns, never the disk"},
		{"client", "consensus", "a client is linked into programs of others"},
		{"consensus", "airspace", "the log does not know what it orders"},
		{"replica", "airspace", "a node serves any machine"},
		{"airspace", "wire", "the database does not know who asks"},
	}
}

const whyOrdered = "copy-on-write trees, so that a snapshot costs nothing"

// product are the rooms that ship.
func product() []Room {
	ordered := Uses{btree: whyOrdered}
	return []Room{
		{"codec", Replicated, "", nil},
		{"problem", Replicated, "codec", nil},
		{"internal/mutant", Quiet, "", nil},
		{"subject", Quiet, "", nil},
		{"step", Quiet, "", nil},
		{"geo", Replicated, "", nil},
		{"cover", Quiet, "geo", Uses{s2: "S2 cells and coverings"}},
		{"view", Replicated, "codec", nil},
		{"machine", Replicated, "view", nil},
		{"ring", Replicated, "", nil},
		{"wire", Replicated, "codec view", nil},
		{"chain", Replicated, "codec", nil},
		{"backup", Quiet, "codec view wire", nil},
		{"backup/file", Loud, "backup internal/durable", nil},

		{"airspace/index", Replicated, "geo", ordered},
		{"airspace/past", Replicated, "", ordered},
		{"airspace/control", Replicated, "codec fence view", ordered},
		{"airspace/utm", Replicated, "codec geo problem airspace/index", ordered},
		{"airspace", Replicated, "codec fence geo machine airspace/control airspace/index airspace/past", ordered},
		{"demo", Quiet, "geo cover airspace", nil},
		{"feed", Quiet, "geo airspace", nil},
		{"predict", Quiet, "geo airspace feed", nil},

		{"members", Replicated, "codec machine view", nil},
		{"fence", Replicated, "codec view", nil},
		{"lease", Replicated, "codec fence machine view", ordered},
		{"crowd", Replicated, "codec machine ring", nil},
		{"crowd/peer", Quiet, "codec crowd ring", nil},
		{"oracle", Replicated, "codec crowd lease machine view members", nil},
		{"consensus/session", Replicated, "codec wire", ordered},
		{"consensus", Quiet, "chain codec step view machine wire consensus/session", Uses{raft: "RawNode orders the log", protobuf: "raft's messages are protobuf"}},
		{"clock", Quiet, "step", nil},
		{"watch", Quiet, "chain view", nil},
		{"detect", Quiet, "step view wire", nil},
		{"failover", Quiet, "", nil},
		{"replica", Quiet, "clock codec detect failover step view oracle wire consensus", nil},

		{"client/core", Quiet, "codec view wire", nil},
		{"client", Loud, "client/core view wire subject watch", nil},
		{"client/lock", Loud, "client fence lease", nil},
		{"store", Loud, "codec step wire", Uses{pebble: "the durable log and snapshots"}},
		{"internal/cluster", Loud, "wire", nil},
		{"internal/procs", Loud, "internal/cluster", nil},
		{"internal/realm", Loud, "", nil},
		{"internal/fresh", Loud, "", nil},
		{"internal/durable", Loud, "", nil},
		{"internal/ports", Loud, "", nil},
		{"internal/realtime", Loud, "", nil},
		{"cert", Loud, "subject internal/fresh", nil},
		{"token", Loud, "subject internal/fresh", Uses{jose: "tokens and key sets: parsing and signatures"}},
		{"token/dev", Loud, "", Uses{jose: "signs tokens for development"}},
		{"host", Loud, "clock detect internal/realm subject cert codec step view wire consensus watch replica store", nil},
		{"server", Loud, "cert client consensus host internal/cluster internal/durable machine members oracle replica step store wire", nil},
		{"web/api", Quiet, "airspace/control codec geo cover airspace lease watch", nil},
		{"web/astm", Quiet, "subject", nil},
		{"export", Quiet, "airspace chain web/api", Uses{parquet: "a file format that analysis engines read"}},
		{"export/place", Loud, "export internal/durable", Uses{minio: "stores that speak S3"}},
		{"geojson", Quiet, "geo web/api", nil},
		{"web", Loud, "airspace/control fence lease members subject geo cover view wire airspace watch client web/api web/ui", Uses{metrics: "/metrics in the format that operators scrape"}},
		{"web/ui", Loud, "", nil},
		{"web/ask", Loud, "web/api", nil},
	}
}

// laboratory are the rooms that measure and test the others, the examples, and the program that wires all.
func laboratory() []Room {
	ordered := Uses{btree: whyOrdered}
	return []Room{
		{"examples/kv", Replicated, "codec machine", ordered},
		{"examples/counter", Replicated, "codec machine", nil},
		{"examples/counter/run", Wiring, "client examples/counter server wire", nil},
		{"lab/toy", Replicated, "codec machine", ordered},
		{"lab/judge", Laboratory, Anything, Uses{judge: "decides whether a history is linearizable"}},
		{"lab/sim", Laboratory, Anything, Uses{btree: "the keys of a simulated disk, in order"}},
		{"lab/cluster", Laboratory, Anything, Uses{raft: "traces print raft's messages in its own words", protobuf: "raft's messages are protobuf"}},
		{"lab/intervals", Laboratory, Anything, nil},
		{"lab", Laboratory, Anything, nil},
		{"lab/real", Laboratory, Anything, nil},
		{"lab/predict", Laboratory, Anything, nil},
		{"lab/gap", Laboratory, Anything, nil},
		{"lab/crowd", Laboratory, Anything, nil},
		{"store/storetest", Laboratory, "step", nil},
		{"store/dropfs", Laboratory, "", Uses{pebble: "the file system's interface is that of the store's engine"}},
		{"lab/power", Laboratory, Anything, nil},
		{"bench", Laboratory, Anything, nil},
		{"internal/law", Laboratory, "", nil},
		{"internal/law/skips", Laboratory, "", nil},

		{"cmd/onevoice", Wiring, Anything, Uses{cobra: "subcommands, flags and help"}},
	}
}
