package cluster

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func three(t *testing.T) Genesis {
	t.Helper()
	servers, err := ParseServers("n1=127.0.0.1:7480,n2=127.0.0.1:7481,n3=127.0.0.1:7482")
	if err != nil {
		t.Fatal(err)
	}
	g, err := New(servers, "2018-08-01T05:00:00Z", 10_000)
	if err != nil {
		t.Fatal(err)
	}
	return g
}

func TestParseServersGivesPeersTheNextPorts(t *testing.T) {
	g := three(t)
	for i, want := range []Server{
		{"n1", 1, "127.0.0.1:7480", "127.0.0.1:7483", false},
		{"n2", 2, "127.0.0.1:7481", "127.0.0.1:7484", false},
		{"n3", 3, "127.0.0.1:7482", "127.0.0.1:7485", false},
	} {
		if g.Servers[i] != want {
			t.Errorf("server %d is %+v, want %+v", i+1, g.Servers[i], want)
		}
	}
	named, err := ParseServers("a=127.0.0.1:80/9000")
	if err != nil || named[0].Peer != "127.0.0.1:9000" {
		t.Errorf("named peer port: %+v, %v", named, err)
	}
}

func TestParseServersRefuses(t *testing.T) {
	for _, bad := range []string{"", "n1", "n1=127.0.0.1", "n1=127.0.0.1:0", "n1=127.0.0.1:99999", "n1=127.0.0.1:80/x", "n1=127.0.0.1:65535", "=127.0.0.1:80"} {
		if got, err := ParseServers(bad); err == nil {
			t.Errorf("%q: got %+v, want an error", bad, got)
		}
	}
}

func TestFileRoundTrip(t *testing.T) {
	g := three(t)
	path := filepath.Join(t.TempDir(), "cluster.json")
	if err := Write(path, g); err != nil {
		t.Fatal(err)
	}
	back, err := Read(path)
	if err != nil {
		t.Fatal(err)
	}
	if back.ID() != g.ID() || back.ServiceNs() != 1533099600e9 || back.RateMilli != 10_000 {
		t.Errorf("read back %+v", back)
	}
	if err := Write(path, g); err == nil {
		t.Error("an existing file was overwritten")
	}
}

func TestAnEditedFileIsRefused(t *testing.T) {
	g := three(t)
	path := filepath.Join(t.TempDir(), "cluster.json")
	if err := Write(path, g); err != nil {
		t.Fatal(err)
	}
	content, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	edited := strings.Replace(string(content), "10000", "20000", 1)
	if err := os.WriteFile(path, []byte(edited), 0o644); err != nil {
		t.Fatal(err)
	}
	if _, err := Read(path); err == nil || !strings.Contains(err.Error(), "identity") {
		t.Errorf("edited file: %v", err)
	}
}

func TestValidateNamesTheField(t *testing.T) {
	for want, change := range map[string]func(*Genesis){
		"format":      func(g *Genesis) { g.Format = 2 },
		"servers":     func(g *Genesis) { g.Servers = nil },
		"rateMilli":   func(g *Genesis) { g.RateMilli = 0 },
		"serviceTime": func(g *Genesis) { g.ServiceTime = "yesterday" },
		"number":      func(g *Genesis) { g.Servers[1].Number = 7 },
		"no http":     func(g *Genesis) { g.Servers[1].HTTP = "" },
		"also used":   func(g *Genesis) { g.Servers[1].Peer = g.Servers[0].HTTP },
		"identity":    func(g *Genesis) { g.Cluster = "00" },
	} {
		g := three(t)
		change(&g)
		if err := g.Validate(); err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("want an error with %q, got %v", want, err)
		}
	}
}
