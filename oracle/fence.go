package oracle

import (
	"fmt"
	"strconv"

	"onevoice/codec"
	"onevoice/members"
	"onevoice/problem"
	"onevoice/view"
)

// kindFence is an operator's command.
const kindFence = 65

// Fence takes a server's process down by an operator's word: it ends, and comes back as a new incarnation.
type Fence struct {
	Server uint64
	// Incarnation is the one meant, so that a repetition does not hit the next one.
	Incarnation uint64
}

// Encode writes the command; its result is a members.Result.
func (f Fence) Encode() []byte {
	w := codec.Writer{B: []byte{formatVersion, kindFence}}
	w.U64(f.Server)
	w.U64(f.Incarnation)
	return w.B
}

func decodeFence(b []byte) (Fence, error) {
	r := codec.NewReader(b[2:])
	f := Fence{Server: r.U64(), Incarnation: r.U64()}
	return f, r.Finish()
}

// fence runs the command.
func (t *turn) fence(f Fence) *problem.Error {
	subject := "server " + strconv.FormatUint(f.Server, 10)
	for i := range t.next.Processes {
		p := &t.next.Processes[i]
		switch {
		case p.Server != f.Server:
			continue
		case p.Incarnation != f.Incarnation:
			return &problem.Error{Kind: problem.Conflict, Op: "fence", Subject: subject, Field: "incarnation", Value: strconv.FormatUint(f.Incarnation, 10),
				Allowed: strconv.FormatUint(p.Incarnation, 10), Detail: "it has started anew meanwhile"}
		case p.Standing == view.Down:
			return nil
		case !t.spares(p):
			v, _ := t.Server(f.Server)
			return &problem.Error{Kind: problem.Refused, Op: "fence", Subject: subject,
				Detail: fmt.Sprintf("without it less than a majority of %d voters of its role would be up: bring another one back first", t.VotersLike(v))}
		}
		t.set(p, view.Down, view.Killed)
		return nil
	}
	return &problem.Error{Kind: problem.NotFound, Op: "fence", Subject: subject, Detail: "it is not in the view: onevoice view lists who is"}
}

// spares says whether a majority of the voters of its role is up without a process: each role votes in groups of its own.
func (t *turn) spares(p *view.Process) bool {
	server, _ := t.Server(p.Server)
	left := 0
	for i := range t.next.Processes {
		o := &t.next.Processes[i]
		if v, _ := t.Server(o.Server); o.Server != p.Server && o.Standing != view.Down && v.Wish == members.Voter && v.Oracle == server.Oracle {
			left++
		}
	}
	return server.Wish != members.Voter || left > t.VotersLike(server)/2
}
