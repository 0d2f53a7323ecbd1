package airspace

import (
	"slices"
	"testing"

	"onevoice/geo"
	"onevoice/problem"
)

// A report moves the windows, keeps those that were filed and what was flown, and is taken back by a new plan.
func TestProgress(t *testing.T) {
	w := newWorld()
	w.must(t, PutSector{Sector: sectorOf("A", square(deg(46), deg(7), deg(48), deg(9), 0, 400))})
	plan := Flight{ID: "f", Path: []geo.Point4D{
		{Pos: geo.LatLon{LatE7: deg(47), LonE7: deg(5)}, Alt: geo.FlightLevel(350), AtNs: startNs},
		{Pos: geo.LatLon{LatE7: deg(47), LonE7: deg(9)}, Alt: geo.FlightLevel(350), AtNs: startNs + 4000*second},
	}}
	put := w.must(t, PutFlight{Flight: plan})
	filed := slices.Clone(put.Windows)
	rest := []geo.Point4D{
		{Pos: geo.LatLon{LatE7: deg(47), LonE7: deg(6)}, Alt: geo.FlightLevel(350), AtNs: startNs + 1100*second},
		{Pos: geo.LatLon{LatE7: deg(47), LonE7: deg(9)}, Alt: geo.FlightLevel(350), AtNs: startNs + 4100*second},
	}
	report := ReportProgress{ID: "f", Mark: Mark{State: OnPlan, SinceNs: startNs, LastReportNs: startNs + 1100*second, SpreadNs: 5 * second}, Path: rest}
	late := w.must(t, report)
	if late.Windows[0].EnterMinNs != filed[0].EnterMinNs+95*second || late.Windows[0].EnterMaxNs != filed[0].EnterMaxNs+105*second {
		t.Errorf("windows %+v, filed %+v", late.Windows, filed)
	}
	f, _ := w.m.State().Flight("f")
	if !slices.Equal(f.FiledWindows(), filed) || len(f.Path) != 3 || f.Path[0] != plan.Path[0] {
		t.Errorf("record %+v with %+v", f, f.Progress)
	}
	older := report
	older.LastReportNs--
	w.refuse(t, older, problem.Refused)
	stale := report
	stale.If.Match = &put.Version
	w.refuse(t, stale, problem.PreconditionFailed)
	wrong := report
	wrong.Path = slices.Clone(rest)
	for i := range wrong.Path {
		wrong.Path[i].Alt.Ref = geo.RefAMSL
	}
	w.refuse(t, wrong, problem.Invalid)
	report.Mark, report.Path = Mark{State: Silent, SinceNs: startNs + 1200*second, LastReportNs: startNs + 1100*second}, nil
	if res := w.must(t, report); res.Windows[0].EnterMinNs != filed[0].EnterMinNs+100*second {
		t.Errorf("the spread stays: %+v", res.Windows)
	}
	if res := w.must(t, PutFlight{Flight: plan}); !slices.Equal(res.Windows, filed) {
		t.Errorf("windows %+v of the plan put again", res.Windows)
	}
	if f, _ := w.m.State().Flight("f"); f.Progress != nil {
		t.Errorf("progress %+v after the plan was put again", f.Progress)
	}
}
