package host

import (
	"fmt"
	"sync"
	"sync/atomic"

	"onevoice/codec"
	"onevoice/step"
	"onevoice/subject"
	"onevoice/view"
	"onevoice/wire"
)

// Needs says which rights a client's frame needs, one of which suffices: none for what nobody may send. op is the operation of a
// command, nil for a query; it must not be kept.
type Needs func(group uint32, kind wire.Kind, op []byte) subject.Rights

// maxAudits bounds the commands of one client whose replies are awaited for the log; of what lies over it the log says no index.
const maxAudits = 1024

// audits are the commands of a client that need more than to write, until they are answered.
type audits struct {
	waiting atomic.Int64
	mu      sync.Mutex
	rights  map[uint64]subject.Rights // by request
}

// permitted leaves of a client's frames those that it may send, in place; the others are answered. Servers send what others have
// asked them to, and have checked it; on loopback without certificates everybody may do everything.
func (h *Host) permitted(c *client, who subject.Subject, in []step.Input) []step.Input {
	if h.needs == nil || who.Kind == subject.Server || who.Via == subject.ByLoopback {
		return in
	}
	kept := in[:0]
	for _, i := range in {
		if h.permit(c, who, i.Bytes) {
			kept = append(kept, i)
		}
	}
	return kept
}

func (h *Host) permit(c *client, who subject.Subject, frame []byte) bool {
	header, body, err := wire.Open(frame)
	if err != nil {
		return true // the node answers what makes no sense
	}
	request, op, ok := readRequest(header.Kind, body)
	if !ok {
		return true
	}
	need := h.needs(header.Group, header.Kind, op)
	if need&who.Rights != 0 {
		if header.Kind == wire.KindCommand && need&(subject.Read|subject.Write) == 0 {
			h.audit(c, who, header.Group, request, need)
		}
		return true
	}
	h.count.forbidden.Add(1)
	h.log.Warn("not allowed", "subject", who.String(), "group", header.Group, "needs", need.String(), "has", who.Rights.String())
	reply := wire.Reply{Request: request, Status: wire.Forbidden, Server: h.disk.Identity().Server}
	if !c.out.put(reply.Encode(header.Group, view.Epoch{})) {
		_ = c.cut()
	}
	return false
}

func readRequest(kind wire.Kind, body *codec.Reader) (request uint64, op []byte, ok bool) {
	switch kind {
	case wire.KindCommand:
		cmd, err := wire.ReadCommand(body)
		return cmd.Request, cmd.Op, err == nil
	case wire.KindQuery:
		q, err := wire.ReadQuery(body)
		return q.Request, nil, err == nil
	}
	return 0, nil, false
}

// audit notes a command whose reply is to be told.
func (h *Host) audit(c *client, who subject.Subject, group uint32, request uint64, need subject.Rights) {
	c.audits.mu.Lock()
	defer c.audits.mu.Unlock()
	if len(c.audits.rights) >= maxAudits {
		h.log.Info("audit", "subject", who.String(), "group", group, "right", need.String(), "index", "not followed")
		return
	}
	if c.audits.rights == nil {
		c.audits.rights = map[uint64]subject.Rights{}
	}
	c.audits.rights[request] = need
	c.audits.waiting.Store(int64(len(c.audits.rights)))
}

// audited tells of a reply to an audited command. It costs others one load.
func (h *Host) audited(c *client, frame []byte) {
	if c.audits.waiting.Load() == 0 {
		return
	}
	header, body, err := wire.Open(frame)
	if err != nil || header.Kind != wire.KindReply {
		return
	}
	p, err := wire.ReadReply(body)
	if err != nil {
		return
	}
	c.audits.mu.Lock()
	need, ok := c.audits.rights[p.Request]
	delete(c.audits.rights, p.Request)
	c.audits.waiting.Store(int64(len(c.audits.rights)))
	c.audits.mu.Unlock()
	if ok {
		h.log.Info("audit", "subject", c.who.String(), "group", header.Group, "right", need.String(), "status", uint8(p.Status),
			"index", fmt.Sprintf("%d.%d", p.Index, p.Sub))
	}
}
