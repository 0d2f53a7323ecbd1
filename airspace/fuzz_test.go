package airspace

import (
	"bytes"
	"slices"
	"testing"

	"onevoice/airspace/control"
	"onevoice/fence"
	"onevoice/geo"
	"onevoice/machine"
)

// inhabited is a machine with two sectors and two flights in them.
func inhabited(t testing.TB) *world {
	w := newWorld()
	for _, id := range []string{"A", "B"} {
		w.must(t, PutSector{Sector: sectorOf(id, square(deg(46), deg(6), deg(48), deg(8), 300, 400))})
	}
	w.must(t, PutFlight{Flight: eastward("f", 47, 5, 9, startNs)})
	w.must(t, PutFlight{Flight: eastward("g", 47, 7, 9, startNs)})
	by := control.By{Position: "P2", Holder: fence.Holder{2}}
	w.must(t, SignOn{By: by, LeaseMs: 600_000})
	w.must(t, Control{Thing: control.Sector, ID: "A", Request: control.Request{Act: control.Assume, By: by}})
	w.must(t, Control{Thing: control.Flight, ID: "g", Request: control.Request{Act: control.Assume, By: by}})
	w.must(t, PutZone{Zone: closedZone("Y", 46, 7, 48, 8)})
	return w
}

func someCommands() []Command {
	f := eastward("f", 47, 5, 9, startNs)
	f.Cells = []uint64{0x4794000000000000, 0x47907556b12fc249}
	f.Uncertainty = geo.Uncertainty{LateralCm: 100_000, VerticalCm: 10_000, TimeNs: second}
	slices.Sort(f.Cells)
	return []Command{
		PutSector{Sector: Sector{ID: "B", Name: "Bern", Volumes: []geo.Polygon{square(deg(46), deg(6), deg(47), deg(8), 300, 400), square(deg(40), deg(-6), deg(48), deg(8), 100, 999)}}},
		RemoveSector{ID: "A", If: Precondition{Match: &Version{2, 0}}},
		PutFlight{Flight: f, If: Precondition{Absent: true}},
		PutFlight{Flight: f},
		ReportProgress{ID: "g", Mark: Mark{State: Silent, SinceNs: startNs, LastReportNs: startNs}, Path: f.Path},
		PutFlight{Flight: drone()},
		CancelFlight{ID: "g"},
		SetService{AnchorNs: startNs + 3600*second, RateMilli: 5000},
		SignOn{By: control.By{Position: "P1", Holder: fence.Holder{1}}, Owner: "console 7", LeaseMs: 5_000},
		KeepPosition{By: control.By{Position: "P2", Holder: fence.Holder{2}}},
		SignOff{By: control.By{Position: "P2", Holder: fence.Holder{2}}, Leave: true},
		SignOff{By: control.By{Position: "P2"}, Force: true},
		Control{Thing: control.Flight, ID: "g", Request: control.Request{
			Act: control.Propose, By: control.By{Position: "P2", Holder: fence.Holder{2}}, To: control.Target{Sector: "A"}, TimeoutMs: 30_000, Match: &control.Version{Index: 7}}},
		Control{Thing: control.Flight, ID: "g", Request: control.Request{Act: control.Take, To: control.Target{Position: "P2"}, Force: true}},
		Control{Thing: control.Sector, ID: "A", Request: control.Request{Act: control.Release, By: control.By{Position: "P2", Holder: fence.Holder{2}}}},
		PutFlight{Flight: f, By: &control.By{Position: "P2", Holder: fence.Holder{2}}},
		SetRules{CrossRefCm: 5, RetainNs: 6, If: Precondition{Match: &Version{1, 0}}},
		PutZone{Zone: closedZone("Z", 46, 6, 48, 8)},
		RemoveZone{ID: "Z"},
		Atomic{Commands: []Command{PutZone{Zone: closedZone("Z", 46, 6, 48, 8)}, PutFlight{Flight: f}, CancelFlight{ID: "g"}, RemoveSector{ID: "A"}}},
	}
}

// FuzzApply gives any bytes as a command: never a panic, a refusal changes nothing, and what was accepted is stored and
// loaded again as it is.
func FuzzApply(f *testing.F) {
	for _, cmd := range someCommands() {
		f.Add(Encode(cmd))
	}
	f.Add([]byte{})
	f.Add([]byte{Format, 99})
	f.Fuzz(func(t *testing.T, op []byte) {
		w := inhabited(t)
		if cmd, err := Decode(op); err == nil && !bytes.Equal(Encode(cmd), op) {
			t.Fatalf("%x decodes to %+v, which encodes as %x", op, cmd, Encode(cmd))
		}
		w.events = nil
		before := chunksOf(w.m.State())
		res, err := DecodeResult(w.m.Apply(machine.At{Index: 9}, op, w.emit))
		if err != nil {
			t.Fatal(err)
		}
		after := chunksOf(w.m.state.copy())
		if res.Problem != nil && (!slices.EqualFunc(before, after, bytes.Equal) || len(w.events) > 0) {
			t.Fatalf("refused as %v, but the state changed", res.Problem)
		}
		w.takeEvents(t)
		back := reload(t, after)
		if !slices.EqualFunc(after, chunksOf(back.State()), bytes.Equal) {
			t.Fatal("chunks differ after loading")
		}
		w.entry(7200 * second)
	})
}

// FuzzLoad gives any bytes as a chunk after a head: an error or a state that can be written again.
func FuzzLoad(f *testing.F) {
	chunks := chunksOf(inhabited(f).m.State())
	for _, c := range chunks {
		f.Add(c)
	}
	f.Fuzz(func(t *testing.T, chunk []byte) {
		m := New()
		if m.Load(chunks[0]) != nil {
			t.Fatal("the head is refused")
		}
		if m.Load(chunk) == nil && m.Load(chunks[1]) == nil && m.Load(chunks[2]) == nil {
			_ = m.Loaded()
		}
		chunksOf(m.State())
		_ = New().Load(chunk)
	})
}

// FuzzQuery gives any bytes as a question: always an answer that can be read.
func FuzzQuery(f *testing.F) {
	w := inhabited(f)
	span := Cursor{startNs, "f"}
	for _, q := range []Query{
		WhoQuery{Sector: "A", FromNs: startNs, ToNs: startNs + 3600*second, After: span, Limit: 10},
		VolumeQuery{Volume: square(deg(46), deg(6), deg(48), deg(8), 300, 400), Cells: []uint64{1 << 60}, FromNs: startNs, ToNs: startNs + 3600*second, Limit: 10},
		FlightQuery{ID: "f"}, SectorQuery{ID: "A"}, ZoneQuery{ID: "Y"},
		ConflictsQuery{Sector: "A", Flight: "f", Volume: new(square(deg(46), deg(6), deg(48), deg(8), 300, 400)), FromNs: startNs, ToNs: startNs + 3600*second, Limit: 10},
		LoadQuery{Sector: "A", FromNs: startNs, ToNs: startNs + 3600*second, BucketNs: DefaultBucketNs},
		BreachQuery{Zone: "Y", Flight: "f", FromNs: startNs, ToNs: startNs + 3600*second, After: BreachCursor{"Y", startNs, "e"}, Limit: 10},
	} {
		f.Add(EncodeQuery(q))
		f.Add(EncodeQueryAsOf(q, Known{Index: 3}))
	}
	s := w.m.State()
	f.Fuzz(func(t *testing.T, op []byte) {
		q, known, err := DecodeQuery(op)
		if err == nil && !bytes.Equal(EncodeQueryAsOf(q, known), op) {
			t.Fatalf("%x decodes to %+v, which encodes as %x", op, q, EncodeQueryAsOf(q, known))
		}
		a, err := DecodeAnswer(s.Query(op))
		if err != nil || known == (Known{}) && a.ServiceNs != s.ServiceNs() || a.Index > s.Index() {
			t.Fatalf("answer %+v, %v", a, err)
		}
	})
}

// FuzzDecode gives any bytes to the readers of what the machine says.
func FuzzDecode(f *testing.F) {
	w := inhabited(f)
	for _, e := range w.events {
		f.Add(e)
	}
	f.Add(w.m.State().Query(EncodeQuery(FlightQuery{ID: "f"})))
	f.Add(encodeResult(&Result{Version: Version{1, 2}, Current: &Version{3, 4}}))
	f.Add(encodeResult(&Result{Version: Version{1, 2}, Parts: []Result{{Version: Version{1, 2}, Rewindowed: 7}}}))
	f.Fuzz(func(t *testing.T, b []byte) {
		if e, err := DecodeEvent(b); err == nil && !bytes.Equal(encodeEvent(&e), b) {
			t.Fatalf("event %+v encodes as %x, not %x", e, encodeEvent(&e), b)
		}
		if r, err := DecodeResult(b); err == nil && !bytes.Equal(encodeResult(&r), b) {
			t.Fatalf("result %+v encodes as %x, not %x", r, encodeResult(&r), b)
		}
		if a, err := DecodeAnswer(b); err == nil && !bytes.Equal(encodeAnswer(&a), b) {
			t.Fatalf("answer %+v encodes as %x, not %x", a, encodeAnswer(&a), b)
		}
	})
}
