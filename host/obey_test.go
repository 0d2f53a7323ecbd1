package host_test

import (
	"cmp"
	"errors"
	"iter"
	"slices"
	"testing"
	"time"

	"onevoice/codec"
	"onevoice/machine"
	"onevoice/oracle"
	"onevoice/replica"
	"onevoice/view"
	"onevoice/wire"
)

// edict is a machine whose state is a view, and whose commands are views: an oracle that says what it is told to say.
type edict struct{ view view.View }

func (e *edict) Advance(machine.At, machine.Emit) {}
func (e *edict) DueNs() int64                     { return 0 }
func (e *edict) Root() machine.Root               { return decree(*e) }
func (e *edict) Loaded() error                    { return nil }

func (e *edict) Apply(_ machine.At, op []byte, _ machine.Emit) []byte {
	r := codec.NewReader(op)
	e.view = view.ReadView(r)
	return nil
}

func (e *edict) Load(chunk []byte) error {
	r := codec.NewReader(chunk)
	e.view = view.ReadView(r)
	return r.Finish()
}

// decree is a replica.Membership and replica.Oracle.
type decree edict

func (d decree) Wish(uint32) view.Wish            { return view.Wish{} }
func (d decree) Barred(uint64) bool               { return false }
func (d decree) View() view.View                  { return d.view }
func (d decree) Differs(*oracle.Observation) bool { return false }
func (d decree) Query([]byte) []byte              { return nil }

func (d decree) Chunks() iter.Seq[[]byte] {
	return func(yield func([]byte) bool) {
		var w codec.Writer
		d.view.Append(&w)
		yield(w.B)
	}
}

// takeDown has a view agreed in which a server's present start is down.
func (c *cluster) takeDown(number uint64) {
	c.t.Helper()
	v := view.View{Number: 1}
	for n, s := range c.servers {
		p := view.Process{PID: view.PID{Server: n, Incarnation: n}, Boot: s.disk.Identity().Boot, Standing: view.Up, Since: 1}
		if n == number {
			p.Standing, p.Why = view.Down, view.Silent
		}
		v.Processes = append(v.Processes, p)
	}
	slices.SortFunc(v.Processes, func(a, b view.Process) int { return cmp.Compare(a.Server, b.Server) })
	var w codec.Writer
	v.Append(&w)
	cl := c.client()
	defer cl.Close()
	if _, err := cl.Do(c.t.Context(), w.B, nil); err != nil {
		c.t.Fatal(err)
	}
}

// A server that a view takes down ends and says why; those who hold the view refuse that start and hear the next one; clients are told.
func TestWhoIsTakenDownEnds(t *testing.T) {
	c := newCluster(t)
	c.machine = func() machine.Machine { return &edict{} }
	c.agreed = testGroup
	c.startAll()
	leader := c.waitLeader()
	victim, other := leader%3+1, (leader+1)%3+1
	c.takeDown(victim)
	<-c.servers[victim].Done()
	var d *replica.Downed
	if err := c.servers[victim].Err(); !errors.As(err, &d) || d.Server != victim || d.Boot != 1 {
		t.Fatalf("it ended with %v", err)
	}
	eventually(t, "the view is obeyed", func() bool { return c.servers[other].View().Number == 1 })

	conn := dialTCP(t, c.addrs[other])
	id := c.servers[victim].disk.Identity()
	hello := wire.Hello{Role: wire.RoleServer, Cluster: id.Cluster, Server: victim, Store: id.Store, Boot: id.Boot, Starts: id.Starts}
	if _, p := conn.hello(t, hello); p == nil || p.Field != "incarnation" {
		t.Errorf("the start that is over was answered by %v", p)
	}
	eventually(t, "it is counted", func() bool { return c.servers[other].Status().Counters.Refused["incarnation"] > 0 })

	c.stop(victim)
	c.start(victim)
	eventually(t, "its next start is heard", func() bool {
		for _, p := range c.servers[other].Status().Peers {
			if p.Server == victim && p.Connected {
				return c.servers[victim].Status().View.Number == 1
			}
		}
		return false
	})
}

// A client hears of the view: with its first frame, and when a new one is made.
func TestClientsHearViews(t *testing.T) {
	c := newCluster(t)
	c.machine = func() machine.Machine { return &edict{} }
	c.agreed = testGroup
	c.startAll()
	leader := c.waitLeader()
	listen := func() *tcp {
		conn := dialTCP(t, c.addrs[leader])
		conn.hello(t, wire.Hello{Role: wire.RoleClient, Cluster: c.id})
		if err := conn.Send([][]byte{wire.EncodeListen()}); err != nil {
			t.Fatal(err)
		}
		return conn
	}
	before := listen()
	eventually(t, "the connection is known", func() bool { return c.servers[leader].Status().Clients > 0 })
	c.takeDown(leader%3 + 1)
	for _, conn := range []*tcp{before, listen()} {
		if err := conn.SetReadDeadline(time.Now().Add(patience)); err != nil {
			t.Fatal(err)
		}
		for {
			frames, err := conn.Recv()
			if err != nil {
				t.Fatal(err)
			}
			h, body, err := wire.Open(frames[0])
			if err != nil {
				t.Fatal(err)
			}
			if h.Kind != wire.KindView {
				continue
			}
			if v, err := wire.DecodeView(body); err != nil || v.Number != 1 || len(v.Processes) != 3 {
				t.Fatalf("%+v, %v", v, err)
			}
			break
		}
	}
}
