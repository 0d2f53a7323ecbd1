package web

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"

	"onevoice/lease"
	"onevoice/machine"
	"onevoice/problem"
	"onevoice/view"
	"onevoice/web/api"
	"onevoice/wire"
)

// fakeLocks is a machine of locks; keys are noted and not used.
type fakeLocks struct {
	m    *lease.Machine
	at   machine.At
	keys []wire.Key
	lost error
}

func newFakeLocks() *fakeLocks {
	return &fakeLocks{m: lease.New(), at: machine.At{LogTimeNs: epochNs, Epoch: view.Epoch{View: 3, Term: 7}}}
}

func (f *fakeLocks) pass(ns int64) {
	f.at.LogTimeNs += ns
	f.m.Advance(f.at, func([]byte) {})
}

func (f *fakeLocks) Locks(context.Context) (*lease.State, error) { return f.m.State(), f.lost }

func (f *fakeLocks) Lock(_ context.Context, c lease.Command, key *wire.Key) (lease.Result, error) {
	if f.lost != nil {
		return lease.Result{}, f.lost
	}
	if key != nil {
		f.keys = append(f.keys, *key)
	}
	f.pass(0)
	return lease.DecodeResult(f.m.Apply(f.at, lease.Encode(c), func([]byte) {}))
}

func TestLocksOverHTTP(t *testing.T) {
	_, s := newTest(t)
	f := newFakeLocks()
	s.locks = f
	one, two := strings.Repeat("1", 32), strings.Repeat("2", 32)
	grant := func(holder string) string {
		return fmt.Sprintf(`{"holder":%q,"ttl_ms":10000,"delay_ms":5000,"owner":"me"}`, holder)
	}
	const path = "/api/v1/locks/import%2Fflights"
	const held = `{"name":"import/flights","is":"held","owner":"me","token":"3/7/1/11111111111111111111111111111111","ttl_ms":10000,"delay_ms":5000,"ends":"2018-08-01T05:00:10Z","ends_in_ms":10000}`
	for i, c := range []struct {
		status             int
		method, path, body string
		want               string
	}{
		{404, "GET", path, "", "nobody holds it"},
		{200, "POST", path, grant(one), held},
		{200, "GET", path, "", held},
		{200, "GET", "/api/v1/locks", "", `"now":"2018-08-01T05:00:00Z","locks":[` + held + `]}`},
		{409, "POST", path, grant(two), `me (holder 11111111) holds it; the lease ends at 2018-08-01T05:00:10.000Z`},
		{410, "POST", path + "/keep", `{"holder":"` + two + `"}`, "was granted to me"},
		{200, "POST", path + "/keep", `{"holder":"` + one + `"}`, held},
		{409, "POST", path + "/revoke", `{"token":"3/7/2/` + one + `"}`, "grant 2 was meant"},
		{200, "POST", path + "/revoke", `{"token":"3/7/1/` + one + `"}`, `"is":"revoked"`},
		{410, "POST", path + "/keep", `{"holder":"` + one + `"}`, "revoked"},
		{200, "POST", path + "/release", `{"holder":"` + one + `"}`, `"is":"revoked"`},
		{200, "POST", path, grant(two), `"token":"3/7/2/` + two},
		{200, "POST", "/api/v1/locks/b", grant(two), `"name":"b"`},
		{200, "GET", "/api/v1/locks?limit=1", "", `"name":"b"`},
		{200, "GET", "/api/v1/locks?limit=1", "", `"next":"b"}`},
		{200, "GET", "/api/v1/locks?limit=1&after=b", "", `"name":"import/flights"`},
		{200, "GET", "/api/v1/locks?after=x", "", `"locks":[]}`},
		{400, "GET", "/api/v1/locks?limit=0", "", "limit"},
		{400, "GET", "/api/v1/locks?name=b", "", "only after, limit"},
		{400, "GET", path + "?x=1", "", "only"},
		{400, "POST", path + "?x=1", grant(one), "only"},
		{400, "POST", path, grant("11"), `holder is \"11\"`},
		{400, "POST", path + "/keep", `{"holder":""}`, "32 hexadecimal digits"},
		{400, "POST", path + "/release", `{"holder":"` + one + `","seq":1}`, "unknown field"},
		{400, "POST", path + "/revoke", `{"token":"1"}`, "view/term/seq/holder"},
		{400, "POST", "/api/v1/locks/a%20b", grant(one), `"field":"name"`},
		{400, "POST", path, `{"holder":"` + one + `","ttl_ms":5,"delay_ms":0,"owner":""}`, `"allowed":"1000 to 600000 ms"`},
		{405, "PUT", path, grant(one), "GET, POST"},
	} {
		w := ask(s, c.method, c.path, c.body, "Content-Type", "application/json", "Idempotency-Key", fmt.Sprint(i))
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s %s %s: %d %s, want %d %s", c.method, c.path, c.body, w.Code, w.Body, c.status, c.want)
		}
	}
	if len(f.keys) == 0 || f.keys[0].Body == f.keys[1].Body {
		t.Errorf("%d keys came through, or they do not tell bodies apart", len(f.keys))
	}
	var p api.Problem
	f.lost = &problem.Error{Kind: problem.NoVoice, Op: "ask"}
	must(t, s, 503, &p, "POST", path+"/keep", `{"holder":"`+one+`"}`, "Content-Type", "application/json")
	if !strings.Contains(p.Detail, "the outcome is UNKNOWN") {
		t.Errorf("%+v", p)
	}
	must(t, s, 503, &p, "GET", path, "")
	f.lost = errors.New("broken")
	must(t, s, 500, &p, "GET", "/api/v1/locks", "")
	s.locks = nil
	for _, r := range []string{"GET /api/v1/locks", "GET " + path, "POST " + path} {
		method, path, _ := strings.Cut(r, " ")
		must(t, s, 404, &p, method, path, "")
	}
}

// TestTheLongestPageOfLocks: who asks for as many as there may be on a page is told that there are more.
func TestTheLongestPageOfLocks(t *testing.T) {
	_, s := newTest(t)
	f := newFakeLocks()
	s.locks = f
	for i := range lease.MaxPage + 1 {
		if _, err := f.Lock(t.Context(), lease.Grant{Name: fmt.Sprintf("n%04d", i), Holder: [16]byte{1}, TTLMs: 1000}, nil); err != nil {
			t.Fatal(err)
		}
	}
	var page api.Locks
	must(t, s, 200, &page, "GET", fmt.Sprintf("/api/v1/locks?limit=%d", lease.MaxPage), "")
	if len(page.Locks) != lease.MaxPage || page.Next != "n0999" {
		t.Errorf("%d locks, next %q", len(page.Locks), page.Next)
	}
}
