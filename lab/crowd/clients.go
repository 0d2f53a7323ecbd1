package crowd

import (
	"fmt"
	"io"
	"text/tabwriter"

	"onevoice/codec"
	"onevoice/lab/sim"
	"onevoice/view"
	"onevoice/wire"
)

const (
	// treeWidth is to how many others each passes on what it is told, in a tree.
	treeWidth = 32
	// wakeNs is the mean of how late a client's process wakes to pass something on.
	wakeNs = 300 * us
	// MaxClients bounds the clients of ClientsOf.
	MaxClients = 1_000_000
	second     = 1_000 * ms
)

// Way is what it costs to tell all clients of a view in one way. Times are in nanoseconds.
type Way struct {
	Tree    bool   `json:"tree"`
	Servers int    `json:"servers"`
	Clients int    `json:"clients"`
	Held    Spread `json:"held"` // after the view was agreed
	// Frames and Bytes are what the busiest server writes, BusyNs for how long its processor does nothing else.
	Frames int   `json:"frames"`
	Bytes  int64 `json:"bytes"`
	BusyNs int64 `json:"busy_ns"`
}

// Rest is what clients cost that do nothing but have their view confirmed now and then.
type Rest struct {
	EveryNs int64 `json:"every_ns"`
	// FramesPerSecond and BytesPerSecond are what each server writes; PartsBusy the part of its processor that this takes, of a thousand.
	FramesPerSecond int   `json:"frames_per_second"`
	BytesPerSecond  int64 `json:"bytes_per_second"`
	PartsBusy       int64 `json:"busy_permille"`
}

// Clients is the whole answer.
type Clients struct {
	ViewBytes int    `json:"view_bytes"` // of a frame that tells a view
	Ways      []Way  `json:"ways"`
	Rest      []Rest `json:"rest"`
}

// ClientsOf simulates how a view comes to so many clients, and says what they cost at rest.
func ClientsOf(seed uint64, clients, servers int) (Clients, error) {
	if clients < 1 || clients > MaxClients {
		return Clients{}, fmt.Errorf("lab crowd: clients is %d, allowed: 1 to %d", clients, MaxClients)
	}
	frame := viewFrame(servers)
	c := Clients{ViewBytes: frame}
	for _, tree := range []bool{false, true} {
		w := &world{net: sim.Stream(seed, "clients")}
		way := Way{Tree: tree, Servers: servers, Clients: clients}
		var held []int64
		for s := range servers {
			n := (clients + servers - 1 - s) / servers
			known := int64(0)
			if s > 0 {
				known = w.lan()
			}
			first := n
			if tree {
				first = min(n, treeWidth)
			}
			way.Frames = max(way.Frames, first)
			held = append(held, w.tell(n, known, first)...)
		}
		way.Bytes, way.BusyNs = int64(way.Frames)*int64(frame), int64(way.Frames)*SendNs
		way.Held = spreadOf(held)
		c.Ways = append(c.Ways, way)
	}
	for _, every := range []int64{100 * ms, second, 10 * second} {
		perServer := (int64(clients) + int64(servers) - 1) / int64(servers) * second / every
		c.Rest = append(c.Rest, Rest{every, int(perServer), perServer * wire.HeaderBytes, perServer * SendNs * 1000 / second})
	}
	return c, nil
}

// tell is when each of n clients of one server holds what that server knows from a moment on. It tells the first itself, one after the other;
// each of those tells treeWidth more.
func (w *world) tell(n int, knownNs int64, first int) []int64 {
	held := make([]int64, n)
	for i := range held {
		from, place := knownNs, i
		if i >= first {
			up := (i - first) / treeWidth
			from, place = held[up]+w.spread(wakeNs), (i-first)%treeWidth
		}
		held[i] = from + int64(place+1)*SendNs + w.lan()
	}
	return held
}

// viewFrame is how many bytes a frame with a view of so many servers has, each of three groups led by one.
func viewFrame(servers int) int {
	v := view.View{}
	for s := range servers {
		v.Processes = append(v.Processes, view.Process{PID: view.PID{Server: uint64(s + 1)}})
	}
	for g := range uint32(3) {
		v.Leads = append(v.Leads, view.Lead{Group: g + 1})
	}
	var w codec.Writer
	v.Append(&w)
	return 4 + wire.HeaderBytes + len(w.B)
}

// Print writes the answer as two tables.
func (c *Clients) Print(out io.Writer) {
	fmt.Fprintf(out, "A view is a frame of %d bytes; a processor takes %d us for a frame.\n\n", c.ViewBytes, SendNs/us)
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(t, "A NEW VIEW\tSERVERS\tCLIENTS\tFRAMES PER SERVER\tKB\tBUSY MS\tHELD P50 MS\tP99\tMAX")
	for _, w := range c.Ways {
		how := "from the servers"
		if w.Tree {
			how = fmt.Sprintf("by a tree of %d", treeWidth)
		}
		fmt.Fprintf(t, "%s\t%d\t%d\t%d\t%d\t%s\t%s\t%s\t%s\n", how, w.Servers, w.Clients, w.Frames, w.Bytes/1000, inMs(w.BusyNs), inMs(w.Held.P50), inMs(w.Held.P99), inMs(w.Held.Max))
	}
	t.Flush()
	fmt.Fprintln(out)
	fmt.Fprintln(t, "AT REST, A VIEW CONFIRMED\tFRAMES/S PER SERVER\tKB/S\tPROCESSORS")
	fmt.Fprintln(t, "never: no frame, no news\t0\t0\t0")
	for _, r := range c.Rest {
		fmt.Fprintf(t, "every %d ms\t%d\t%d\t%d.%03d\n", r.EveryNs/ms, r.FramesPerSecond, r.BytesPerSecond/1000, r.PartsBusy/1000, r.PartsBusy%1000)
	}
	t.Flush()
}
