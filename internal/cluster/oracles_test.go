package cluster

import (
	"slices"
	"strings"
	"testing"
)

func TestOraclesStandBesideTheServers(t *testing.T) {
	servers, err := ParseServers("n1=10.0.0.1:7480,n2=10.0.0.2:7480")
	if err != nil {
		t.Fatal(err)
	}
	for text, want := range map[string][]Server{
		"0": nil,
		"3": {
			{"o1", 3, "10.0.0.1:7483", "10.0.0.1:7486", true}, {"o2", 4, "10.0.0.2:7484", "10.0.0.2:7487", true},
			{"o3", 5, "10.0.0.1:7485", "10.0.0.1:7488", true},
		},
		"x=10.0.0.9:7480/7490": {{"x", 3, "10.0.0.9:7480", "10.0.0.9:7490", true}},
	} {
		all, err := WithOracles(servers, text)
		if err != nil {
			t.Fatal(err)
		}
		g, err := New(all, "", 1000)
		if err != nil || !slices.Equal(g.Oracles(), want) || !slices.Equal(g.Full(), servers) {
			t.Errorf("%s: %+v, %v", text, g.Oracles(), err)
		}
	}
	for _, bad := range []string{"", "-1", "10", "o1", "n1=10.0.0.1:7480/0"} {
		if all, err := WithOracles(servers, bad); err == nil || !strings.Contains(err.Error(), "oracles") {
			t.Errorf("%q: %+v, %v", bad, all, err)
		}
	}
	last, err := ParseServers("n1=10.0.0.1:65530/65535")
	if err != nil {
		t.Fatal(err)
	}
	if all, err := WithOracles(last, "1"); err == nil {
		t.Errorf("above the last port: %+v", all)
	}
}

// TestOraclesAreValidated: not too many, none of the airspace's servers' names, and never oracles alone. A build that did not know the
// role would give the file another identity.
func TestOraclesAreValidated(t *testing.T) {
	servers := three(t).Servers
	same, err := WithOracles(servers, "n1=127.0.0.1:9000")
	if err != nil {
		t.Fatal(err)
	}
	alone := slices.Clone(servers)
	for i := range alone {
		alone[i].Oracle = true
	}
	for want, list := range map[string][]Server{"also used": same, "servers holds 0": alone} {
		if _, err := New(list, "", 1000); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%v, want %q", err, want)
		}
	}
	g := three(t)
	g.Servers[2].Oracle = true
	if err := g.Validate(); err == nil || !strings.Contains(err.Error(), "identity") {
		t.Errorf("a changed role: %v", err)
	}
}
