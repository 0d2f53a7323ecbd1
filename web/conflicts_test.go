package web

import (
	"strings"
	"testing"

	"onevoice/web/api"
)

// against is the way of through, the other way round.
var against = strings.NewReplacer("[7,47.5]", "[10,47.5]", "[10,47.5]", "[7,47.5]", "SWR1", "EZY22").Replace(through)

func TestConflicts(t *testing.T) {
	_, s := newTest(t)
	limited := strings.Replace(box, "{", `{"separation":{"lateral":{"value":3,"unit":"NM"},"vertical":{"value":1000,"unit":"ft"}},"capacity":{"occupancy_warn":2,"occupancy_alert":3},`, 1)
	must(t, s, 200, nil, "PUT", "/api/v1/sectors/BOX", limited)
	var sector api.Sector
	must(t, s, 200, &sector, "GET", "/api/v1/sectors/BOX", "")
	if sector.Separation == nil || int64(sector.Separation.Lateral) != 3*185_200 || sector.Capacity == nil || *sector.Capacity != (api.Capacity{OccupancyWarn: 2, OccupancyAlert: 3}) {
		t.Fatalf("sector %+v", sector)
	}
	for id, body := range map[string]string{"SWR1": through, "EZY22": against, "SWR3": strings.ReplaceAll(through, "SWR1", "SWR3")} {
		must(t, s, 200, nil, "PUT", "/api/v1/flights/"+id, body)
	}
	at := "?from=2018-08-01T05:00:00Z&to=2018-08-01T06:00:00Z"
	var page api.Conflicts
	must(t, s, 200, &page, "GET", "/api/v1/conflicts"+at, "")
	if len(page.Conflicts) != 3 || page.Computing || page.Crowded || page.Next != "" {
		t.Fatalf("page %+v", page)
	}
	var head api.Conflict
	for _, c := range page.Conflicts {
		if c.A.Flight == "EZY22" && c.B.Flight == "SWR1" {
			head = c
		}
	}
	if head.A.Callsign != "EZY22" || head.Closest.Time.String() != "2018-08-01T05:25:00Z" || head.Closest.Lateral != 0 || strings.Join(head.Sectors, ",") != "BOX" {
		t.Errorf("head-on: %+v", head)
	}
	for query, n := range map[string]int{"&sector=BOX": 3, "&flight=SWR3": 2, "&flight=SWR3&sector=BOX&limit=1": 1, "&limit=2": 2} {
		page = api.Conflicts{}
		must(t, s, 200, &page, "GET", "/api/v1/conflicts"+at+query, "")
		if len(page.Conflicts) != n {
			t.Errorf("%s: %d conflicts, want %d", query, len(page.Conflicts), n)
		}
	}
	must(t, s, 200, &page, "GET", "/api/v1/conflicts"+at+"&limit=2", "")
	next := page.Next
	page = api.Conflicts{}
	must(t, s, 200, &page, "GET", "/api/v1/conflicts"+at+"&limit=2&after="+strings.ReplaceAll(next, "+", "%2B"), "")
	if len(page.Conflicts) != 1 || page.Next != "" {
		t.Errorf("after %s: %+v", next, page)
	}
	around := `{"volume":{"circle":{"center":[8.5,47.5],"radius":{"value":10,"unit":"km"}},"floor":{"value":100,"unit":"FL","ref":"STD"},"ceiling":"unlimited"},"from":"2018-08-01T05:00:00Z"}`
	must(t, s, 200, &page, "POST", "/api/v1/conflicts:query", around)
	if len(page.Conflicts) != 2 {
		t.Errorf("in a circle: %+v", page)
	}
	must(t, s, 400, nil, "GET", "/api/v1/conflicts?after=x", "")
	must(t, s, 404, nil, "GET", "/api/v1/conflicts?sector=NONE", "")
	must(t, s, 400, nil, "GET", "/api/v1/conflicts"+"?from=2018-08-01T06:00:00Z&to=2018-08-01T05:00:00Z", "")
}

func TestLoad(t *testing.T) {
	_, s := newTest(t)
	must(t, s, 200, nil, "PUT", "/api/v1/sectors/BOX", strings.Replace(box, "{", `{"capacity":{"occupancy_warn":1},`, 1))
	must(t, s, 200, nil, "PUT", "/api/v1/flights/SWR1", through)
	var l api.Load
	must(t, s, 200, &l, "GET", "/api/v1/sectors/BOX/load?from=2018-08-01T05:00:00Z&to=2018-08-01T06:00:00Z&bucket=20m", "")
	if len(l.Buckets) != 3 || l.Buckets[0].Level != "ok" || l.Buckets[0].HourEntries != 1 || l.Buckets[1] != (api.Bucket{From: l.From + api.Time(1200e9), Entries: 1, HourEntries: 1, Peak: 1, SurePeak: 1, Level: "warn"}) {
		t.Errorf("load %+v", l)
	}
	for _, bad := range []string{"bucket=20", "bucket=0m", "bucket=1441m", "from=2018-08-01T05:00:00Z&to=2018-08-01T05:00:00Z", "from=2018-08-01T05:00:00Z&to=2019-08-01T05:00:00Z"} {
		must(t, s, 400, nil, "GET", "/api/v1/sectors/BOX/load?"+bad, "")
	}
	must(t, s, 404, nil, "GET", "/api/v1/sectors/NONE/load", "")
	var levels api.Levels
	must(t, s, 200, &levels, "GET", "/api/v1/capacity", "")
	if len(levels.Levels) == 0 || levels.Levels[0].Sector != "BOX" || levels.Levels[0].Bucket.Level != "warn" || levels.Levels[0].Capacity.OccupancyWarn != 1 {
		t.Errorf("levels %+v", levels)
	}
	n, after := len(levels.Levels), ""
	for range n {
		levels = api.Levels{}
		must(t, s, 200, &levels, "GET", "/api/v1/capacity?limit=1"+after, "")
		if len(levels.Levels) != 1 {
			t.Fatalf("page %+v", levels)
		}
		after = "&after=" + levels.Next
	}
	if levels.Next != "" {
		t.Errorf("more after %d: %+v", n, levels)
	}
	must(t, s, 400, nil, "GET", "/api/v1/capacity?after=x", "")
}
