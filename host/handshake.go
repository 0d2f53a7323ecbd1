package host

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/bits"
	"net"
	"time"

	"onevoice/problem"
	"onevoice/subject"
	"onevoice/wire"
)

// handshakeTimeout bounds the time from the connection to the end of the handshake: longer than a stall of the other
// side's disk, which it may have to write to.
const handshakeTimeout = 2 * time.Second

// ourHello introduces this server.
func (h *Host) ourHello() wire.Hello {
	id := h.disk.Identity()
	return wire.Hello{Role: wire.RoleServer, Cluster: id.Cluster, Server: id.Server, Store: id.Store, Boot: id.Boot, Starts: id.Starts, Program: h.program}
}

// checkHello says whether the other side may connect. The Field of the problem is the reason's word in the counters.
func (h *Host) checkHello(o wire.Hello) *problem.Error {
	us := h.disk.Identity()
	if o.Cluster != us.Cluster && (o.Role == wire.RoleServer || o.Cluster != wire.ID{}) {
		return refuse(o, "cluster", fmt.Sprintf("%x", o.Cluster), fmt.Sprintf("%x", us.Cluster), "this server belongs to another cluster")
	}
	if o.Role == wire.RoleClient {
		return nil
	}
	if o.Server == us.Server {
		return refuse(o, "server", fmt.Sprint(o.Server), "any other number",
			"this server has that number itself: two servers run under one number, or an address is wrong")
	}
	if p := h.checkAgreed(o); p != nil {
		return p
	}
	return h.memory.admit(o)
}

// errRefused says that the other side refused the connection, with its reason.
type errRefused struct{ problem *problem.Error }

func (e errRefused) Error() string { return "refused by the other side: " + e.problem.Error() }

// readHello takes the first frame of the other side.
func readHello(r *bufio.Reader, want wire.Kind) (wire.Hello, error) {
	frame, err := wire.ReadFrame(r, wire.MaxHandshakeBytes)
	if err != nil {
		return wire.Hello{}, err
	}
	header, body, err := wire.Open(frame)
	if err != nil {
		return wire.Hello{}, err
	}
	if header.Kind == wire.KindRefusal {
		p := problem.Read(body)
		if err := body.Finish(); err != nil {
			return wire.Hello{}, err
		}
		return wire.Hello{}, errRefused{p}
	}
	if header.Kind != want {
		return wire.Hello{}, fmt.Errorf("host: first frame is of kind %d, allowed: %d", header.Kind, want)
	}
	return wire.ReadHello(body)
}

// greet introduces us on a connection that we dialled to the server numbered want, and gives its Welcome.
func (h *Host) greet(conn net.Conn, r *bufio.Reader, want uint64) (wire.Hello, error) {
	if err := conn.SetDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return wire.Hello{}, err
	}
	if err := wire.WriteFrame(conn, h.ourHello().Encode(wire.KindHello)); err != nil {
		return wire.Hello{}, err
	}
	o, err := readHello(r, wire.KindWelcome)
	if err != nil {
		return wire.Hello{}, err
	}
	if o.Role != wire.RoleServer || o.Server != want {
		return wire.Hello{}, refuse(o, "server", fmt.Sprint(o.Server), fmt.Sprint(want), "another server answers at this address")
	}
	if p := h.checkHello(o); p != nil {
		return wire.Hello{}, p
	}
	return o, conn.SetDeadline(time.Time{})
}

// welcome takes the introduction of whoever has dialled us; the error has been answered and counted.
func (h *Host) welcome(conn net.Conn, r *bufio.Reader) (wire.Hello, subject.Subject, error) {
	nobody := subject.Anonymous()
	if err := conn.SetDeadline(time.Now().Add(handshakeTimeout)); err != nil {
		return wire.Hello{}, nobody, err
	}
	if p := overTLS(r); p != nil && h.certs == nil {
		h.refused(nowhere{conn}, p)
		return wire.Hello{}, nobody, p
	}
	o, err := readHello(r, wire.KindHello)
	if errors.Is(err, io.EOF) {
		return wire.Hello{}, nobody, err // somebody looked whether the port is open
	}
	if p := alert(err); p != nil {
		h.refused(nowhere{conn}, p)
		return wire.Hello{}, nobody, p
	}
	if err != nil {
		h.refused(conn, &problem.Error{Kind: problem.Invalid, Op: "connect", Field: "hello", Value: problem.Clip(err.Error()),
			Allowed: fmt.Sprintf("a Hello frame of version %d", wire.FrameVersion)})
		return wire.Hello{}, nobody, err
	}
	who, p := h.prove(conn, o)
	if p == nil {
		p = h.checkHello(o)
	}
	if p == nil {
		p = h.checkOver(o)
	}
	if p != nil {
		h.refused(conn, p)
		return wire.Hello{}, nobody, p
	}
	if err := wire.WriteFrame(conn, h.ourHello().Encode(wire.KindWelcome)); err != nil {
		return wire.Hello{}, nobody, err
	}
	return o, who, conn.SetDeadline(time.Time{})
}

// refused answers with a refusal and counts it by its field.
func (h *Host) refused(conn net.Conn, p *problem.Error) {
	level := slog.LevelDebug
	if n := h.count.refuse(p.Field); bits.OnesCount64(n) == 1 {
		level = slog.LevelWarn // the 1st, 2nd, 4th, ...: one who dials for ever must not fill the log
	}
	h.log.Log(context.Background(), level, "connection refused", "from", conn.RemoteAddr().String(), "why", p.Error())
	_ = wire.WriteFrame(conn, wire.EncodeRefusal(p)) // the connection ends either way
}

// condemned says whether a refusal proves that our own disk is older than what we showed to a peer, or a copy of the disk that
// the peer knows, or that this server was removed from the cluster.
func condemned(err error) (*problem.Error, bool) {
	var r errRefused
	if !errors.As(err, &r) || r.problem.Field != "boot" && r.problem.Field != "start" && r.problem.Field != removedField {
		return nil, false
	}
	return r.problem, true
}
