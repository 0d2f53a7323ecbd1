package replica

import (
	"errors"
	"fmt"

	"onevoice/codec"
	"onevoice/step"
	"onevoice/wire"
)

// relay sends what is for servers that are not heard straight by way of others too. Raft's messages may come twice; what is passed on
// already goes no further.
func (n *Node) relay(out *step.Out) {
	by := map[step.Address]uint64{}
	for _, s := range n.vigil.servers {
		if q := n.vigil.detector.Relay(s); q != 0 {
			by[step.Address(s)] = q
		}
	}
	if len(by) == 0 {
		return
	}
	for _, s := range out.Sends {
		if q := by[s.To]; q != 0 && wire.Kind(s.Bytes[1]) != wire.KindRelay {
			m := wire.Relay{From: n.self, To: uint64(s.To), Frame: s.Bytes}
			out.Sends = append(out.Sends, step.Send{To: step.Address(q), Bytes: m.Encode()})
		}
	}
}

// relayed passes a frame on to whom it is for, or takes it as from who has sent it first.
func (n *Node) relayed(by step.Address, body *codec.Reader, frame []byte, out *step.Out) error {
	m, err := wire.ReadRelay(body)
	from, to := step.Address(m.From), step.Address(m.To)
	switch {
	case err != nil:
		return err
	case m.From == n.self || from > step.MaxServer || to > step.MaxServer || m.From == 0 || m.To == 0:
		return fmt.Errorf("relayed from %d to %d by %d", m.From, m.To, by)
	case m.To != n.self && from != by:
		return fmt.Errorf("to be relayed to %d, from %d by %d: once is enough", m.To, m.From, by)
	case m.To != n.self:
		out.Sends = append(out.Sends, step.Send{To: to, Bytes: frame})
		return nil
	}
	header, inner, err := wire.Open(m.Frame)
	if err == nil && header.Kind == wire.KindRelay {
		err = errors.New("relayed twice")
	}
	if err != nil {
		return err
	}
	if n.late(from, header.Kind) {
		return nil
	}
	return n.straight(from, header, inner, true, out)
}
