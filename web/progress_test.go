package web

import (
	"testing"

	"onevoice/web/api"
)

// A report moves the windows and stands in the flight, until the plan is put again.
func TestProgress(t *testing.T) {
	_, s := newTest(t)
	const path = "/api/v1/flights/F1"
	must(t, s, 200, nil, "PUT", "/api/v1/sectors/BOX", box)
	var put, reported api.Written
	must(t, s, 200, &put, "PUT", path, through)
	late := `{"state":"deviating","since":"2018-08-01T05:10:00Z","last_report":"2018-08-01T05:11:00Z","path":[` +
		`{"position":[7,47.5],"altitude":{"value":200,"unit":"FL","ref":"STD"},"time":"2018-08-01T05:11:00Z"},` +
		`{"position":[10,47.5],"altitude":{"value":20000,"unit":"ft","ref":"STD"},"time":"2018-08-01T05:41:00Z"}]}`
	must(t, s, 200, &reported, "PUT", path+"/progress", late, "If-Match", `"`+put.Version+`"`)
	must(t, s, 412, nil, "PUT", path+"/progress", late, "If-Match", `"`+put.Version+`"`)
	var f api.Flight
	must(t, s, 200, &f, "GET", path, "")
	if f.Version != reported.Version || f.Progress == nil || f.Progress.State != "deviating" || len(f.Path) != 3 || len(f.Progress.Filed) != 1 || f.Progress.Filed[0] != put.Windows[0] {
		t.Errorf("flight %+v with %+v", f, f.Progress)
	}
	if after := reported.Windows[0].EntersEarliest - put.Windows[0].EntersEarliest; after <= 0 || after > 60e9 {
		t.Errorf("enters %d ns later", after)
	}
	var p api.Problem
	must(t, s, 400, &p, "PUT", path+"/progress", `{"state":"lost","since":"2018-08-01T05:10:00Z","last_report":"2018-08-01T05:11:00Z"}`)
	if p.Field != "state" {
		t.Errorf("refused for %+v", p)
	}
	must(t, s, 404, nil, "PUT", "/api/v1/flights/F2/progress", late)
	must(t, s, 200, nil, "PUT", path, through)
	f = api.Flight{}
	if must(t, s, 200, &f, "GET", path, ""); f.Progress != nil {
		t.Errorf("the plan was put again, and there is still %+v", f.Progress)
	}
}
