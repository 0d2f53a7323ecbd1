package airspace

import (
	"bytes"
	"fmt"
	"reflect"
	"slices"
	"testing"

	"pgregory.net/rapid"

	"onevoice/geo"
	"onevoice/machine"
)

// TestAgainstNaive gives random commands to a machine, to one that is stored and loaded at random times, and to the naive
// model. Results, events, answers and chunks must agree at every step.
func TestAgainstNaive(t *testing.T) { rapid.Check(t, againstNaive) }

func againstNaive(t *rapid.T) {
	pair := newPair(t)
	model := newNaive(startNs)
	model.archive.sizes = pair.a.steps == DefaultSteps()
	model.archive.take(model, pair.index)
	draw := &drawer{t: t, model: model}
	follow, breached := newFollower(), breachFollower{}
	for range rapid.IntRange(1, 25).Draw(t, "entries") {
		pair.logNs += rapid.SampledFrom([]int64{0, 1, second, 300 * second, 3600 * second}).Draw(t, "after")
		modelEntry(pair, draw, rapid.IntRange(0, 4).Draw(t, "commands"))
		follow.take(t, pair.events)
		breached.take(t, pair.events)
		for pair.a.checks.Len() > 0 {
			modelEntry(pair, draw, 0)
			follow.take(t, pair.events)
			breached.take(t, pair.events)
		}
		breached.compare(t, pair.a.State())
		compareZoned(t, pair.a.State(), model)
		follow.compare(t, pair.a.State())
		compareState(t, pair.a.State(), model)
		compareConflicts(t, pair.a.State(), model)
		compareLevels(t, pair.a.State(), model)
		draw.ask(pair.a.State())
		draw.askPast(pair.a.State(), pair.index)
		if rapid.IntRange(0, 4).Draw(t, "reload") == 0 {
			pair.reload()
			compareState(t, pair.b.State(), model)
			draw.askPast(pair.b.State(), pair.index)
		}
	}
	finish(t, pair, draw, follow)
}

// modelEntry gives an entry of random commands to the pair and to the model. The model is told when something is staged, and when it is
// switched to; it knows by itself what must hold then.
func modelEntry(p *pair, draw *drawer, commands int) {
	p.begin()
	expired := draw.model.advance(p.logNs)
	compareExpiries(p.t, p.events, expired)
	draw.model.follow(p.t, p.events)
	for sub := range commands {
		cmd := draw.command()
		got := p.apply(uint32(sub), cmd)
		want := draw.model.apply(Version{p.index, uint32(sub)}, cmd, got)
		compareResults(p.t, cmd, got, want)
	}
	p.end()
	if len(p.events) > 0 {
		draw.model.archive.take(draw.model, p.index)
	}
}

// pair is two machines that get the same.
type pair struct {
	t       *rapid.T
	a, b    *Machine
	index   uint64
	logNs   int64
	events  [][]byte
	eventsB [][]byte
}

func newPair(t *rapid.T) *pair {
	p := &pair{t: t, logNs: startNs}
	steps := DefaultSteps()
	if rapid.IntRange(0, 3).Draw(t, "small steps") > 0 {
		steps.Flights = rapid.IntRange(1, 3).Draw(t, "step")
		steps.Work = rapid.SampledFrom([]int{1, 60, steps.Work}).Draw(t, "work")
	}
	p.a, p.b = NewStepped(steps), NewStepped(steps)
	if rapid.Bool().Draw(t, "check in steps") {
		p.a.sizes = checkSize{near: rapid.IntRange(0, 2).Draw(t, "near"), flights: rapid.IntRange(1, 3).Draw(t, "passed"), found: 2, work: MaxWork / 4}
		p.b.sizes = p.a.sizes
	}
	p.a.finder.most = rapid.SampledFrom([]int{MaxConflictSteps, MaxConflictSteps, 1, 20}).Draw(t, "steps")
	p.b.finder.most = p.a.finder.most
	p.begin()
	p.end()
	return p
}

func (p *pair) reload() {
	steps := p.b.steps
	p.b = reload(p.t, chunksOf(p.b.State()))
	p.b.steps, p.b.finder.most, p.b.sizes = steps, p.a.finder.most, p.a.sizes
}

func (p *pair) emitA(e []byte) { p.events = append(p.events, e) }
func (p *pair) emitB(e []byte) { p.eventsB = append(p.eventsB, e) }

func (p *pair) begin() {
	p.index++
	p.events, p.eventsB = nil, nil
	busy := len(p.a.State().Stagings()) > 0 || p.a.State().conflicts.computing() || p.a.watches(p.logNs) || p.forgets()
	if due := p.a.DueNs(); due != p.b.DueNs() || due != 0 && (due <= p.logNs) != (p.expires() || busy) {
		p.t.Fatalf("due at %d and %d, log time %d, expires: %v, busy: %v", due, p.b.DueNs(), p.logNs, p.expires(), busy)
	}
	at := machine.At{Index: p.index, LogTimeNs: p.logNs}
	p.a.Advance(at, p.emitA)
	p.b.Advance(at, p.emitB)
}

func (p *pair) apply(sub uint32, cmd Command) Result {
	at := machine.At{Index: p.index, Sub: sub, LogTimeNs: p.logNs}
	a, b := p.a.Apply(at, Encode(cmd), p.emitA), p.b.Apply(at, Encode(cmd), p.emitB)
	if !bytes.Equal(a, b) {
		p.t.Fatalf("%T: results differ: %x and %x", cmd, a, b)
	}
	res, err := DecodeResult(a)
	if err != nil {
		p.t.Fatal(err)
	}
	return res
}

func (p *pair) end() {
	if !slices.EqualFunc(p.events, p.eventsB, bytes.Equal) {
		p.t.Fatalf("events differ")
	}
	if !slices.EqualFunc(chunksOf(p.a.State()), chunksOf(p.b.State()), bytes.Equal) {
		p.t.Fatalf("chunks differ")
	}
}

// expires reports whether Advance at the pair's log time would remove a flight or a zone, or go on with one.
func (p *pair) expires() bool {
	s := p.a.State()
	now := serviceAt(s, p.logNs)
	if p.a.checks.Len() > 0 || slices.ContainsFunc(zonesIn(s), func(z *ZoneRecord) bool { return z.EndNs()+s.Settings().RetainNs < now }) {
		return true
	}
	return slices.ContainsFunc(s.Flights("", MaxPage), func(f *FlightRecord) bool { return f.EndNs()+s.Settings().RetainNs < now })
}

// forgets reports whether the horizon, or what is beyond it, is due.
func (p *pair) forgets() bool {
	s := p.a.State()
	if s.forgettable(0) {
		return true
	}
	return s.marks.Len() > 1 && s.marks.At(1).atNs+s.settings.History.SpanNs+forgetDelayNs <= serviceAt(s, p.logNs)
}

func compareResults(t *rapid.T, cmd Command, got, want Result) {
	if got.Problem != nil && want.Problem != nil && got.Problem.Kind == want.Problem.Kind {
		got.Problem, want.Problem = nil, nil
	}
	got.ServiceNs = 0
	if fmt.Sprintf("%+v", deref(got)) != fmt.Sprintf("%+v", deref(want)) {
		t.Fatalf("%+v:\ngot  %+v\nwant %+v", cmd, deref(got), deref(want))
	}
}

func deref(r Result) any {
	current := "nothing"
	if r.Current != nil {
		current = r.Current.String()
	}
	r.Current = nil
	return struct {
		Result
		now string
	}{r, current}
}

func compareExpiries(t *rapid.T, events [][]byte, want []string) {
	var got []string
	for _, b := range events {
		e, err := DecodeEvent(b)
		if err != nil {
			t.Fatal(err)
		}
		if e.Kind == FlightExpired {
			got = append(got, e.ID)
		}
	}
	if !slices.Equal(got, want) {
		t.Fatalf("expired %v, want %v", got, want)
	}
}

func compareState(t *rapid.T, s *State, model *naive) {
	if s.ServiceNs() != model.nowNs {
		t.Fatalf("service time %d, want %d", s.ServiceNs(), model.nowNs)
	}
	if got := s.Settings(); !reflect.DeepEqual(got, model.settings) {
		t.Fatalf("settings %+v, want %+v", got, model.settings)
	}
	flights, sectors := s.Flights("", MaxPage), s.Sectors("", MaxPage)
	if len(flights) != len(model.flights) || len(sectors) != len(model.sectors) {
		t.Fatalf("%d flights, %d sectors, want %d, %d", len(flights), len(sectors), len(model.flights), len(model.sectors))
	}
	for _, n := range sectors {
		if want := model.sectors[n.ID]; n.Version != want.Version || !reflect.DeepEqual(n.Volumes, want.Volumes) {
			t.Fatalf("sector %+v, want %+v", n, want)
		}
	}
	for _, f := range flights {
		want := model.flights[f.ID]
		if !slices.Equal(f.Windows, want.Windows) || f.Version != want.Version || !reflect.DeepEqual(f.Flight, want.Flight) || !sameProgress(f.Progress, want.Progress) {
			t.Fatalf("flight %+v, want %+v", f, want)
		}
	}
}

func sameProgress(a, b *Progress) bool {
	if a == nil || b == nil {
		return a == b
	}
	return a.Mark == b.Mark && slices.Equal(a.Filed, b.Filed)
}

// drawer makes random commands and questions around places where flights and sectors meet.
type drawer struct {
	t     *rapid.T
	model *naive
}

func (d *drawer) command() Command {
	switch kind := rapid.SampledFrom([]string{"atomic", "zone", "zone", "zone", "no zone", "flight", "flight", "flight", "flight", "progress", "progress", "cancel", "sector", "sector", "remove", "service", "rules", "history"}).Draw(d.t, "command"); kind {
	case "atomic":
		return d.atomic()
	case "service", "rules", "history":
		return d.setting(kind)
	default:
		return d.change(kind)
	}
}

// atomic is a few changes as one, sometimes of one thing or with a setting among them, which is wrong.
func (d *drawer) atomic() Command {
	var cmd Atomic
	for range rapid.IntRange(0, 4).Draw(d.t, "parts") {
		kind := rapid.SampledFrom([]string{"flight", "flight", "flight", "progress", "cancel", "sector", "remove", "zone", "no zone"}).Draw(d.t, "part")
		if rapid.IntRange(0, 40).Draw(d.t, "wrong") == 0 {
			cmd.Commands = append(cmd.Commands, d.setting("rules"))
		}
		cmd.Commands = append(cmd.Commands, d.change(kind))
	}
	return cmd
}

func (d *drawer) change(kind string) Command {
	switch kind {
	case "zone":
		z := d.zone()
		return PutZone{Zone: z, If: d.when(d.model.zones[z.ID].Version, true)}
	case "no zone":
		id := d.id("z")
		return RemoveZone{ID: id, If: d.when(d.model.zones[id].Version, false)}
	case "flight":
		f := d.flight()
		return PutFlight{Flight: f, If: d.when(d.model.flights[f.ID].Version, true)}
	case "progress":
		return d.progress()
	case "cancel":
		id := d.id("f")
		return CancelFlight{ID: id, If: d.when(d.model.flights[id].Version, false)}
	case "sector":
		s := d.sector()
		return PutSector{Sector: s, If: d.when(d.model.sectors[s.ID].Version, true)}
	}
	id := d.id("s")
	return RemoveSector{ID: id, If: d.when(d.model.sectors[id].Version, false)}
}

func (d *drawer) setting(kind string) Command {
	if kind == "history" {
		return d.history()
	}
	if kind == "service" {
		anchor := rapid.SampledFrom([]int64{0, d.model.nowNs - 1, d.model.nowNs, d.model.nowNs + 100*second, MaxServiceNs}).Draw(d.t, "anchor")
		if anchor == MaxServiceNs && rapid.IntRange(0, 9).Draw(d.t, "end of time") > 0 {
			anchor = 0
		}
		return SetService{AnchorNs: anchor, RateMilli: rapid.SampledFrom([]int64{0, 1, 333, 1000, 1_000_000}).Draw(d.t, "rate"), If: d.when(d.model.settings.Version, false)}
	}
	return SetRules{
		CrossRefCm: rapid.SampledFrom([]int32{0, DefaultCrossRefCm}).Draw(d.t, "cross"),
		RetainNs:   rapid.SampledFrom([]int64{0, DefaultRetainNs}).Draw(d.t, "retain"),
		Separation: d.separation(DefaultSeparation()),
		If:         d.when(d.model.settings.Version, false),
	}
}

func (d *drawer) when(now Version, absent bool) Precondition {
	switch rapid.IntRange(0, 9).Draw(d.t, "when") {
	case 0:
		return Precondition{Match: &now}
	case 1:
		return Precondition{Match: &Version{1, 1}}
	case 2:
		return Precondition{Absent: absent}
	}
	return Precondition{}
}

func (d *drawer) id(prefix string) string {
	return prefix + string(rune('a'+rapid.IntRange(0, 5).Draw(d.t, "id")))
}

// position is on a coarse grid, so that edges and corners are met exactly, around one place or across the antimeridian.
func (d *drawer) position(lonBase int64) geo.LatLon {
	lat := rapid.Int32Range(-6, 6).Draw(d.t, "lat")
	lon := lonBase + 5_000_000*rapid.Int64Range(-6, 6).Draw(d.t, "lon")
	if lon >= 1_800_000_000 {
		lon -= 3_600_000_000
	}
	return geo.LatLon{LatE7: 470_000_000 + 5_000_000*lat, LonE7: int32(lon)}
}

func (d *drawer) lonBase() int64 {
	return rapid.SampledFrom([]int64{80_000_000, 1_795_000_000}).Draw(d.t, "where")
}

func (d *drawer) altitude() int32 {
	return 300_000*rapid.Int32Range(0, 4).Draw(d.t, "altitude") + rapid.SampledFrom([]int32{0, 0, 0, -1, 1}).Draw(d.t, "off")
}

func (d *drawer) ref() geo.Ref {
	return rapid.SampledFrom([]geo.Ref{geo.RefSTD, geo.RefAMSL}).Draw(d.t, "ref")
}

func (d *drawer) flight() Flight {
	f := Flight{ID: d.id("f"), Callsign: "C", From: "LSZH", To: "LSGG"}
	at := startNs + rapid.Int64Range(-10, 1000).Draw(d.t, "begin")*60*second
	if rapid.IntRange(0, 2).Draw(d.t, "volumes") == 0 {
		f.Volumes = d.volumes(at)
		return f
	}
	base, ref := d.lonBase(), d.ref()
	for range rapid.IntRange(2, 6).Draw(d.t, "points") {
		f.Path = append(f.Path, geo.Point4D{Pos: d.position(base), Alt: geo.Altitude{Cm: d.altitude(), Ref: ref}, AtNs: at})
		at += rapid.SampledFrom([]int64{1, 60 * second, 600 * second, 36_000 * second}).Draw(d.t, "leg")
	}
	f.Uncertainty = geo.Uncertainty{
		LateralCm:  rapid.SampledFrom([]int32{0, 0, 100_000, 6_000_000}).Draw(d.t, "lateral"),
		VerticalCm: rapid.SampledFrom([]int32{0, 10_000}).Draw(d.t, "vertical"),
		TimeNs:     rapid.SampledFrom([]int64{0, 0, 60 * second}).Draw(d.t, "late"),
	}
	return f
}

func (d *drawer) progress() Command {
	id := d.id("f")
	now := d.model.flights[id]
	cmd := ReportProgress{ID: id, If: d.when(now.Version, false)}
	cmd.State = ProgressState(rapid.IntRange(1, 4).Draw(d.t, "state"))
	cmd.LastReportNs = startNs + rapid.Int64Range(0, 1000).Draw(d.t, "report")*60*second
	cmd.SinceNs = cmd.LastReportNs - second
	cmd.SpreadNs = rapid.SampledFrom([]int64{0, 30 * second, -1}).Draw(d.t, "spread")
	if rapid.Bool().Draw(d.t, "amends") {
		cmd.Path = d.flight().Path
		if len(now.Path) > 0 && rapid.IntRange(0, 5).Draw(d.t, "same reference") > 0 {
			for i := range cmd.Path {
				cmd.Path[i].Alt.Ref = now.Path[0].Alt.Ref
			}
		}
	}
	return cmd
}

// volumes are those of a flight, not always valid and in no order.
func (d *drawer) volumes(at int64) []Volume4D {
	var list []Volume4D
	for range rapid.IntRange(1, 3).Draw(d.t, "pieces") {
		from := at + rapid.Int64Range(0, 3).Draw(d.t, "piece")*600*second
		v := Volume4D{Area: d.valid(), FromNs: from, ToNs: from + rapid.SampledFrom([]int64{1, 600 * second, 36_000 * second}).Draw(d.t, "lasts")}
		if len(list) > 0 {
			v.Area.Band.Floor.Ref, v.Area.Band.Ceiling.Ref = list[0].Area.Band.Floor.Ref, list[0].Area.Band.Floor.Ref
		}
		list = append(list, v)
	}
	return list
}

// valid is a volume that mostly is one.
func (d *drawer) valid() geo.Polygon {
	v := d.volume()
	for try := 0; v.Validate() != nil && try < 5; try++ {
		v = d.volume()
	}
	return v
}

// volume is a triangle or quadrangle, not always a valid one.
func (d *drawer) volume() geo.Polygon {
	base, floor, ref := d.lonBase(), d.altitude(), d.ref()
	var ring geo.Ring
	for range rapid.IntRange(3, 4).Draw(d.t, "vertices") {
		ring = append(ring, d.position(base))
	}
	ceiling := floor + 300_000*rapid.Int32Range(0, 3).Draw(d.t, "high")
	return geo.Polygon{Rings: []geo.Ring{ring}, Band: geo.Band{Floor: geo.Altitude{Cm: floor, Ref: ref}, Ceiling: geo.Altitude{Cm: ceiling, Ref: ref}}}
}

func (d *drawer) sector() Sector {
	s := Sector{ID: d.id("s"), Name: "Süd", Separation: d.separation(geo.Separation{}), Capacity: d.capacity()}
	for range rapid.IntRange(1, 3).Draw(d.t, "volumes") {
		s.Volumes = append(s.Volumes, d.valid())
	}
	s.Hours = d.hours()
	if rapid.IntRange(0, 3).Draw(d.t, "dated") == 0 {
		for range s.Volumes {
			s.Effective = append(s.Effective, d.span())
		}
	}
	return s
}

// ask compares answers, page by page.
func (d *drawer) ask(s *State) {
	d.askLoad(s)
	if s.present() {
		d.askConflicts(s)
	}
	from := startNs + rapid.Int64Range(-10, 1000).Draw(d.t, "from")*60*second
	to := from + rapid.SampledFrom([]int64{1, 60 * second, 36_000 * second}).Draw(d.t, "span")
	limit := rapid.SampledFrom([]int{1, 2, 1000}).Draw(d.t, "limit")
	sector := d.id("s")
	d.pages("who", func(after Cursor) ([]Occupant, error) { return s.Who(sector, from, to, after, limit) },
		func(after Cursor) ([]Occupant, bool) {
			_, ok := d.model.sectors[sector]
			return d.model.who(sector, from, to, after, limit), ok
		}, limit)
	v := d.volume()
	d.pages("in volume", func(after Cursor) ([]Occupant, error) { return s.InVolume(v, nil, from, to, after, limit) },
		func(after Cursor) ([]Occupant, bool) {
			if v.Validate() != nil {
				return nil, false
			}
			return d.model.inVolume(v, from, to, after, limit), true
		}, limit)
}

func (d *drawer) pages(what string, ask func(Cursor) ([]Occupant, error), expect func(Cursor) ([]Occupant, bool), limit int) {
	var after Cursor
	for {
		got, err := ask(after)
		want, ok := expect(after)
		if (err == nil) != ok {
			d.t.Fatalf("%s: error %v, want an answer: %v", what, err, ok)
		}
		same := slices.EqualFunc(got, want, func(a, b Occupant) bool { return a.Flight.ID == b.Flight.ID && a.Window == b.Window })
		if !same {
			d.t.Fatalf("%s after %v: got %v, want %v", what, after, got, want)
		}
		if len(got) < limit {
			return
		}
		last := got[len(got)-1]
		after = Cursor{last.Window.EnterMinNs, last.Flight.ID}
	}
}
