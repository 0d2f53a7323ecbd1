package host

import (
	"errors"
	"fmt"
	"time"

	"onevoice/problem"
	"onevoice/replica"
	"onevoice/step"
	"onevoice/view"
	"onevoice/wire"
)

// obey ends the connections on which starts send that are over by a new view, and keeps it for those who connect later.
func (h *Host) obey() {
	v := h.node.View()
	if was := h.obeyed.Load(); was != nil && was.Number == v.Number {
		return
	}
	h.obeyed.Store(&v)
	for _, p := range h.roster.Load().peers {
		p.mu.Lock()
		if p.heard != nil && v.Over(p.number, p.heardBoot) {
			_ = p.heard.Close()
		}
		p.mu.Unlock()
	}
}

// View is the newest view that this server obeys; number 0 for none.
func (h *Host) View() view.View {
	if v := h.obeyed.Load(); v != nil {
		return *v
	}
	return view.View{}
}

// over says whether a start is over, by the newest view.
func (h *Host) over(server, boot uint64) bool {
	v := h.obeyed.Load()
	return v != nil && v.Over(server, boot)
}

// overField is the reason's word where a server learns that it was taken down.
const overField = "incarnation"

// checkOver refuses a server whose start is over: it learns so from it.
func (h *Host) checkOver(o wire.Hello) *problem.Error {
	if o.Role != wire.RoleServer || !h.over(o.Server, o.Boot) {
		return nil
	}
	return refuse(o, overField, fmt.Sprintf("start %d", o.Boot), "a start that is not down in view "+fmt.Sprint(h.View().Number),
		"this start of the server was taken down; it ends, and its next start is welcome")
}

// takenDown is what a refusal says of this server's own start; nil where it says something else.
func (h *Host) takenDown(err error, by uint64) *replica.Downed {
	var r errRefused
	if !errors.As(err, &r) || r.problem.Field != overField {
		return nil
	}
	id := h.disk.Identity()
	return &replica.Downed{Server: id.Server, Boot: id.Boot, By: by}
}

// farewellPause is how long the last beat has to leave.
const farewellPause = 20 * time.Millisecond

// sayFarewell sends the last beat of this start; on the node's goroutine.
func (h *Host) sayFarewell(why view.Evidence) {
	for _, s := range h.node.Farewell(why) {
		h.deliver(s.To, s.Bytes)
	}
}

// Farewell tells the other servers that this one ends, so that they need not find out. The driver calls it last before Close.
func (h *Host) Farewell() {
	done := make(chan struct{})
	select {
	case h.asks <- func() {
		h.sayFarewell(view.Exited)
		close(done)
	}:
		<-done
		h.pause(farewellPause)
	case <-h.stop:
	}
}

// heardOf says whether frames are of a start that is still heard, and counts those that are not: they are dropped unread.
func (h *Host) heardOf(server, boot uint64, in []step.Input) bool {
	if !h.over(server, boot) {
		return true
	}
	h.count.late.Add(uint64(len(in)))
	return false
}
