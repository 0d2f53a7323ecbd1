package replica

import (
	"onevoice/codec"
	"onevoice/step"
	"onevoice/view"
	"onevoice/wire"
)

// keepTime asks the voters for the time where that is due, and tells every group whose clocks are good enough to lead.
func (n *Node) keepTime(now step.Now, out *step.Out) {
	n.clock.SetVoters(n.members[0].group.Voters())
	for _, server := range n.clock.Ask(now.MonoNs) {
		ask := wire.ClockAsk{AskedNs: now.MonoNs}
		out.Sends = append(out.Sends, step.Send{To: step.Address(server), Bytes: ask.Encode(0, view.Epoch{})})
	}
	s := n.clock.Status()
	var others []uint64
	for _, p := range s.Peers {
		if p.Fit {
			others = append(others, p.Server)
		}
	}
	for _, m := range n.members {
		m.group.Clocks(s.Fit, others)
	}
}

// time takes a question for the time, or an answer.
func (n *Node) time(from step.Address, kind wire.Kind, body *codec.Reader, out *step.Out) error {
	if kind == wire.KindClockAsk {
		m, err := wire.ReadClockAsk(body)
		if err != nil {
			return err
		}
		tell := wire.ClockTell{AskedNs: m.AskedNs, TimeNs: n.clock.Status().TimeNs}
		out.Sends = append(out.Sends, step.Send{To: from, Bytes: tell.Encode(0, view.Epoch{})})
		return nil
	}
	m, err := wire.ReadClockTell(body)
	if err == nil {
		n.clock.Answer(uint64(from), m.AskedNs, m.TimeNs)
	}
	return err
}
