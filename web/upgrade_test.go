package web

import (
	"strings"
	"testing"

	"onevoice/problem"
	"onevoice/web/api"
)

// fakeUpgrader has one group to raise.
type fakeUpgrader struct {
	version uint32
	refuses *problem.Error
}

func (f *fakeUpgrader) Upgrade() api.Upgrade {
	return api.Upgrade{Node: "n1", Server: 1, Build: "v2", Min: 1, Max: 2, Groups: []api.GroupVersion{{Group: 1, Version: f.version, Role: "leader", Leader: 1}}, Others: []api.Program{}}
}

func (f *fakeUpgrader) Raise() (int, error) {
	if f.refuses != nil {
		return 0, f.refuses
	}
	if f.version == 2 {
		return 0, nil
	}
	f.version = 2
	return 1, nil
}

func TestUpgradeOverHTTP(t *testing.T) {
	_, s := newTest(t)
	must(t, s, 404, nil, "GET", "/api/v1/upgrade", "")
	f := &fakeUpgrader{version: 1}
	s.upgrader = f
	for _, c := range []struct {
		status       int
		method, path string
		body, want   string
	}{
		{200, "GET", "/api/v1/upgrade", "", `"version":1`},
		{400, "GET", "/api/v1/upgrade?to=2", "", `to`},
		{400, "POST", "/api/v1/upgrade", `{"to":9}`, `no body`},
		{200, "POST", "/api/v1/upgrade", "", `"proposed":1`},
		{200, "POST", "/api/v1/upgrade", "", `"version":2`},
		{405, "DELETE", "/api/v1/upgrade", "", `GET, POST`},
	} {
		if got := must(t, s, c.status, nil, c.method, c.path, c.body).Body.String(); !strings.Contains(got, c.want) {
			t.Errorf("%s %s %s answered %s", c.method, c.path, c.body, got)
		}
	}
	f.refuses = &problem.Error{Kind: problem.Refused, Op: "upgrade", Detail: "server 2 runs an old build"}
	if got := must(t, s, 409, nil, "POST", "/api/v1/upgrade", "").Body.String(); !strings.Contains(got, "server 2") {
		t.Errorf("refused: %s", got)
	}
}
