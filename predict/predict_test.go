package predict

import (
	"math"
	"testing"

	"onevoice/airspace"
	"onevoice/geo"
)

const (
	beginNs = int64(1533099600e9)
	second  = int64(1e9)
)

// eastward is a plan along 47 degrees north from 7 to 9 degrees east in 20 minutes, at level 350: about 245 kt.
func eastward(id string) airspace.Flight {
	return airspace.Flight{ID: id, Callsign: id, Path: []geo.Point4D{
		{Pos: geo.LatLon{LatE7: 470_000_000, LonE7: 70_000_000}, Alt: geo.FlightLevel(350), AtNs: beginNs},
		{Pos: geo.LatLon{LatE7: 470_000_000, LonE7: 90_000_000}, Alt: geo.FlightLevel(350), AtNs: beginNs + 1200*second},
	}}
}

// box is a sector from 8 to 8.5 degrees east.
func box() []airspace.Sector {
	return []airspace.Sector{{ID: "BOX", Volumes: []geo.Polygon{{
		Rings: []geo.Ring{{{LatE7: 460_000_000, LonE7: 80_000_000}, {LatE7: 460_000_000, LonE7: 85_000_000}, {LatE7: 480_000_000, LonE7: 85_000_000}, {LatE7: 480_000_000, LonE7: 80_000_000}}},
		Band:  geo.Band{Floor: geo.FlightLevel(300), Ceiling: geo.FlightLevel(400)},
	}}}}
}

func reportAt(id string, lat, lon float64, level int, atNs int64) Report {
	nan := math.NaN()
	return Report{Aircraft: "a" + id, Callsign: id, AtNs: atNs, ReceivedNs: atNs, Pos: geo.LatLon{LatE7: int32(lat * 1e7), LonE7: int32(lon * 1e7)}, Alt: geo.FlightLevel(level), GroundSpeedKt: nan, TrackDeg: nan, VerticalRateFpm: nan}
}

// fly reports every 10 s from the beginning of the plan, lateS late against it and aside of it.
func fly(p *Predictor, id string, forS, lateS int64, aside float64) (nowNs int64) {
	for s := int64(0); s <= forS; s += 10 {
		if s < lateS {
			continue
		}
		nowNs = beginNs + s*second
		p.Take(reportAt(id, 47+aside, 7+float64(s-lateS)/600, 350, nowNs))
	}
	return nowNs
}

func following(o Options) *Predictor {
	p := New(o)
	p.SetSectors(box(), 0)
	p.Put(eastward("F"), airspace.Mark{})
	return p
}

func TestOnlyWhatMovedIsProposed(t *testing.T) {
	for _, c := range []struct {
		lateS int64
		moved int
	}{{0, 0}, {10, 0}, {30, 1}} {
		p := following(Defaults())
		now := fly(p, "F", 300, c.lateS, 0)
		list := p.Step(now)
		if len(list) != 1 || list[0].Moved != c.moved || (list[0].Path != nil) != (c.moved > 0) || list[0].Mark != (airspace.Mark{State: airspace.OnPlan, SinceNs: beginNs + c.lateS*second, LastReportNs: now}) {
			t.Fatalf("%d s late: %+v", c.lateS, list)
		}
		if c.moved == 0 {
			continue
		}
		if got, want := list[0].Windows[0].EnterMinNs, beginNs+(600+c.lateS)*second; apart(got, want) > second {
			t.Errorf("enters %d ns from where it should", got-want)
		}
		p.Agreed(&list[0])
		if again := p.Step(now + 31*second); len(again) != 0 {
			t.Errorf("proposed again: %+v", again)
		}
	}
}

func TestProposalsAreBounded(t *testing.T) {
	o := Defaults()
	o.MaxProposals = 2
	p := following(o)
	ids := []string{"F", "G", "H"}
	var now int64
	for _, id := range ids {
		p.Put(eastward(id), airspace.Mark{})
		now = fly(p, id, 300, 60, 0)
	}
	first := p.Step(now)
	if len(first) != 2 || first[0].Flight != "F" || first[1].Flight != "G" {
		t.Fatalf("first %+v", first)
	}
	if second := p.Step(now); len(second) != 1 || second[0].Flight != "H" {
		t.Fatalf("then %+v", second)
	}
	if third := p.Step(now + 10e9); len(third) != 0 {
		t.Errorf("too soon: %+v", third)
	}
	if fourth := p.Step(now + o.EveryNs); len(fourth) != 2 || fourth[0].Flight != "F" {
		t.Errorf("what nobody agreed comes again: %+v", fourth)
	}
}

func TestMarks(t *testing.T) {
	p := following(Defaults())
	now := fly(p, "F", 300, 0, 0.1) // 6 NM to the north
	list := p.Step(now)
	if len(list) != 1 || list[0].Mark.State != airspace.Deviating || list[0].Mark.SinceNs != beginNs {
		t.Fatalf("aside: %+v", list)
	}
	p.Agreed(&list[0])
	last := now
	now += Defaults().SilentNs + second
	list = p.Step(now)
	if len(list) != 1 || list[0].Mark.State != airspace.Silent || list[0].Mark.SinceNs != now-second || list[0].Mark.LastReportNs != last {
		t.Fatalf("silent: %+v", list)
	}
	p.Agreed(&list[0])
	p.Take(reportAt("F", 47.02, 7.7, 350, now))
	now += 30 * second
	if list = p.Step(now); len(list) != 1 || list[0].Mark.State != airspace.OnPlan || list[0].Mark.SinceNs != now-30*second {
		t.Fatalf("back: %+v", list)
	}
	p.Take(reportAt("F", 47, 7.71, 346, now))
	if list = p.Step(now + 30*second); len(list) != 1 || list[0].Mark.State != airspace.Deviating {
		t.Fatalf("400 ft low: %+v", list)
	}
}

// A flight that turns in a holding is not taken to leave it straight on, and how long it stays is uncertain.
func TestHolding(t *testing.T) {
	o := Defaults()
	p := following(o)
	var now int64
	for s := int64(0); s <= 600; s += 10 { // a lap in four minutes
		now = beginNs + s*second
		north, east := math.Sincos(float64(s) / 240 * 2 * math.Pi)
		p.Take(reportAt("F", 47+0.05*north, 7.5+0.07*east, 150, now))
	}
	next, ok := p.Predict("F")
	if !ok || next.SpreadNs < 60*second || next.Path[1].AtNs-now < 120*second {
		t.Fatalf("prediction %+v, %v", next, ok)
	}
	if middle := (place{47, 7.5}); placeOf(next.Path[1].Pos).distance(middle) > 2000 {
		t.Errorf("it leaves from %v", next.Path[1].Pos)
	}
	p.o.Holding = false
	if straight, ok := p.Predict("F"); !ok || straight.SpreadNs != 0 {
		t.Errorf("without holding: %+v, %v", straight, ok)
	}
}

// What others flew before, to the same end, is what is predicted, with the speed of the aircraft itself.
func TestRoutesAreLearned(t *testing.T) {
	p := following(Defaults())
	for _, id := range []string{"A", "B", "C"} { // by 47.2 north, where the plan goes straight
		for s := int64(0); s <= 1200; s += 10 {
			up := 0.2 * (1 - math.Abs(float64(s)-600)/600)
			r := reportAt(id, 47+up, 7+float64(s)/600, 350, beginNs-2000*second+s*second)
			p.Take(r)
		}
	}
	fly(p, "F", 20, 0, 0)
	next, ok := p.Predict("F")
	if !ok {
		t.Fatal("no prediction")
	}
	north := 0.0
	for _, q := range next.Path {
		north = max(north, float64(q.Pos.LatE7)*1e-7)
	}
	if north < 47.15 || north > 47.25 {
		t.Errorf("it goes by %.3f north: %+v", north, next.Path)
	}
}

// Nothing that a sensor may say breaks a prediction.
func FuzzReports(f *testing.F) {
	f.Add(int32(0), int32(0), int32(0), int64(0), 0.0, 0.0, 0.0)
	f.Add(int32(900_000_000), int32(-1_800_000_000), int32(10_000_000), int64(600), math.NaN(), math.Inf(1), 1e300)
	f.Fuzz(func(t *testing.T, lat, lon, cm int32, atS int64, speed, track, rate float64) {
		r := Report{Aircraft: "aF", Callsign: "F", AtNs: beginNs + atS%1_000_000*second, Pos: geo.LatLon{LatE7: lat, LonE7: lon}, Alt: geo.Altitude{Cm: cm, Ref: geo.RefSTD}, GroundSpeedKt: speed, TrackDeg: track, VerticalRateFpm: rate}
		r.ReceivedNs = r.AtNs
		p := following(Defaults())
		now := fly(p, "F", 100, 0, 0)
		p.Take(r)
		if next, ok := p.Predict("F"); ok && geo.ValidatePath(next.Path) != nil {
			t.Fatalf("predicted %+v", next)
		}
		for _, one := range p.Step(max(now, r.AtNs)) {
			if bad := airspace.Validate(one.Command()); bad != nil {
				t.Fatalf("proposed %+v: %v", one, bad)
			}
		}
	})
}
