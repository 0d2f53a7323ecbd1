package web

import (
	"context"
	"strings"
	"testing"

	"onevoice/members"
	"onevoice/problem"
	"onevoice/web/api"
	"onevoice/wire"
)

// fakeMembership notes what it is asked, and refuses what its rules say.
type fakeMembership struct {
	changes []members.Command
	invites []api.Invite
	joins   []api.Join
	refuses *problem.Error
	fakeViews
}

func (f *fakeMembership) Members(context.Context) (api.Members, error) {
	return api.Members{Node: "n1", Change: 3, Settled: true, Members: []api.Member{{Number: 1, Name: "n1", Wish: "voter"}}, Groups: []api.Group{}, Invitations: []api.OpenInvitation{}}, nil
}

func (f *fakeMembership) Invite(_ context.Context, i api.Invite) (api.Invitation, error) {
	f.invites = append(f.invites, i)
	return api.Invitation{Invitation: 7, Token: "word"}, nil
}

func (f *fakeMembership) Join(_ context.Context, j api.Join) (api.Joined, error) {
	f.joins = append(f.joins, j)
	return api.Joined{Number: 4}, nil
}

func (f *fakeMembership) Change(_ context.Context, c members.Command, key *wire.Key) (api.MembersChanged, error) {
	f.changes = append(f.changes, c)
	if f.refuses != nil {
		return api.MembersChanged{}, f.refuses
	}
	return api.MembersChanged{Number: 4, Change: 5}, nil
}

func (f *fakeMembership) Transfer(api.Transfer) error { return nil }

func TestMembersOverHTTP(t *testing.T) {
	_, s := newTest(t)
	f := &fakeMembership{}
	f.make(3)
	s.membership = f
	for _, c := range []struct {
		status       int
		method, path string
		body, want   string
	}{
		{200, "GET", "/api/v1/members", "", `"change":"3"`},
		{200, "POST", "/api/v1/members/invitations", `{"name":"n4","ttl_s":60}`, `"token":"word"`},
		{200, "POST", "/api/v1/members/join", `{"invitation":"7","secret":"ab","store":"cd","name":"n4","http":"h:1","peer":"h:2"}`, `"number":"4"`},
		{200, "POST", "/api/v1/members/4/promote", "", `"change":"5"`},
		{200, "POST", "/api/v1/members/4/remove", "", `"change":"5"`},
		{200, "POST", "/api/v1/members/3/replace", `{"new":"4"}`, `"change":"5"`},
		{200, "PUT", "/api/v1/members/4/addresses", `{"http":"h:1","peer":"h:2"}`, `"change":"5"`},
		{200, "DELETE", "/api/v1/members/invitations/7", "", `"change":"5"`},
		{200, "POST", "/api/v1/members/2/fence", `{"incarnation":"65536"}`, `"number":"3"`},
		{400, "POST", "/api/v1/members/0/fence", `{"incarnation":"65536"}`, "a number from 1"},
		{400, "POST", "/api/v1/members/2/fence", `{"incarnation":"0"}`, "as in the newest view"},
		{400, "POST", "/api/v1/members/2/fence", `{}`, "incarnation"},
		{400, "POST", "/api/v1/members/2/fence", ``, "body"},
		{200, "POST", "/api/v1/members/transfer", `{"group":1,"to":"0"}`, `"group":1`},
		{400, "GET", "/api/v1/members?x=1", "", "only"},
		{400, "POST", "/api/v1/members/zero/promote", "", "a number from 1"},
		{400, "POST", "/api/v1/members/0/remove", "", "a number from 1"},
		{400, "POST", "/api/v1/members/-1/remove", "", "a number from 1"},
		{400, "POST", "/api/v1/members/3/replace", `{"new":4}`, "body"},
		{400, "POST", "/api/v1/members/3/replace", ``, "body"},
		{400, "POST", "/api/v1/members/invitations", `{"ttl_s":60,"secret":"mine"}`, "unknown field"},
		{400, "POST", "/api/v1/members/invitations", `{"ttl_s":60}{}`, "more than one value"},
		{413, "POST", "/api/v1/members/join", `{"name":"` + strings.Repeat("x", maxMembersBody) + `"}`, "bytes"},
	} {
		w := ask(s, c.method, c.path, c.body)
		if w.Code != c.status || !strings.Contains(w.Body.String(), c.want) {
			t.Errorf("%s %s %.60s: %d %s", c.method, c.path, c.body, w.Code, w.Body)
		}
		if c.status == 200 && w.Header().Get("Cache-Control") != "no-store" {
			t.Errorf("%s %s may be kept by others", c.method, c.path)
		}
	}
	if want := (fencing{2, 65536}); len(f.fenced) != 1 || f.fenced[0] != want {
		t.Errorf("fenced %v, want %v", f.fenced, want)
	}
	want := []members.Command{members.Promote{Server: 4}, members.Remove{Server: 4}, members.Replace{Old: 3, New: 4},
		members.SetAddress{Server: 4, HTTP: "h:1", Peer: "h:2"}, members.Withdraw{Invitation: 7}}
	if len(f.changes) != len(want) {
		t.Fatalf("%d changes, want %d", len(f.changes), len(want))
	}
	for i := range want {
		if f.changes[i] != want[i] {
			t.Errorf("change %d is %+v, want %+v", i, f.changes[i], want[i])
		}
	}
	f.refuses = &problem.Error{Kind: problem.Refused, Op: "remove", Detail: "server 1 is the only voter"}
	if w := ask(s, "POST", "/api/v1/members/1/remove", ""); w.Code != 409 || !strings.Contains(w.Body.String(), "only voter") {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}

func TestNoMembership(t *testing.T) {
	_, s := newTest(t)
	if w := ask(s, "GET", "/api/v1/members", ""); w.Code != 404 {
		t.Errorf("%d %s", w.Code, w.Body)
	}
}
