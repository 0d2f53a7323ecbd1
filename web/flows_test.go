package web

import (
	"net/http"
	"net/url"
	"testing"

	"onevoice/airspace"
	"onevoice/web/api"
)

func TestFlowsAndRoutes(t *testing.T) {
	f := newFake(t)
	s := New(Options{Service: f, Node: "n1", Listen: "127.0.0.1:7480"})
	must(t, s, 200, nil, "PUT", "/api/v1/sectors/BOX", box)
	must(t, s, 200, nil, "PUT", "/api/v1/flights/SWR1", through)
	flight, _ := f.latest.State.Flight("SWR1")
	window := flight.Windows[0]
	query := "?from=" + api.Time(window.EnterMinNs).String() + "&to=" + api.Time(window.LeaveMaxNs+120e9).String()
	var flows api.Flows
	must(t, s, 200, &flows, "GET", "/api/v1/flows"+query, "")
	if len(flows.Flows) != 2 || flows.Flows[0].To != "BOX" || flows.Flows[0].From != "" || flows.Flows[1].From != "BOX" || flows.Flows[0].Count != 1 || flows.Flows[0].Late != nil {
		t.Fatalf("%+v", flows)
	}
	// Page by page, and once a feed has reported.
	path := flight.Path
	for i := range path {
		path[i].AtNs += 60e9
	}
	f.must(t, airspace.ReportProgress{ID: "SWR1", Mark: airspace.Mark{State: airspace.OnPlan, SinceNs: epochNs, LastReportNs: epochNs}, Path: path})
	after := ""
	for range 2 {
		var page api.Flows
		must(t, s, 200, &page, "GET", "/api/v1/flows"+query+"&sector=BOX&limit=1"+after, "")
		if len(page.Flows) != 1 || page.Flows[0].Late == nil || page.Flows[0].Late.MeanMs != 60_000 || page.Flows[0].Late.Known != 1 {
			t.Fatalf("%+v", page)
		}
		after = "&after=" + url.QueryEscape(page.Next)
	}
	var routes api.Routes
	must(t, s, 200, &routes, "GET", "/api/v1/routes"+query, "")
	if len(routes.Routes) != 1 || routes.Routes[0].Count != 1 || len(routes.Routes[0].Paths) != 1 || routes.Routes[0].Paths[0].Sectors[0] != "BOX" {
		t.Errorf("%+v", routes)
	}
	for path, code := range map[string]int{
		"/flows?sector=NONE": 404, "/flows?after=x": 400, "/flows?after=BOX,in,BOX,": 400, "/flows?limit=0": 400, "/routes?sector=NONE": 404, "/routes?after=%25": 400,
		"/flows?to=2000-01-01T00:00:00Z": 400, "/routes?from=2018-08-01T05:00:00Z&to=2018-08-01T05:00:00Z": 400, "/flows?at=x": 400, "/routes?after=LSZH,": 200,
	} {
		if w := ask(s, "GET", "/api/v1"+path, ""); w.Code != code {
			t.Errorf("%s: %d %s", path, w.Code, w.Body)
		}
	}
	f.set(func() { f.silent = true })
	if w := ask(s, "GET", "/api/v1/flows", ""); w.Code != http.StatusServiceUnavailable {
		t.Errorf("a server that is cut off tells flows: %d", w.Code)
	}
}
