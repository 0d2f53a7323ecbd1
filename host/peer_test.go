package host

import "testing"

func TestSourceFor(t *testing.T) {
	for _, c := range []struct{ listen, peer, want string }{
		{"127.0.1.1:7481", "127.0.1.2:7481", "127.0.1.1"},
		{"10.0.0.1:1", "10.0.0.2:1", "10.0.0.1"},
		{"[fd00::1]:1", "[fd00::2]:1", "fd00::1"},
		{"0.0.0.0:1", "10.0.0.2:1", ""},
		{"127.0.0.1:1", "10.0.0.2:1", ""},
		{"10.0.0.1:1", "127.0.0.1:1", ""},
		{"10.0.0.1:1", "[fd00::2]:1", ""},
		{"localhost:1", "127.0.0.1:1", ""},
		{"10.0.0.1:1", "n2.example:1", ""},
		{"10.0.0.1", "10.0.0.2:1", ""},
	} {
		if got := SourceFor(c.listen, c.peer); got != c.want {
			t.Errorf("a server at %s dials %s from %q, want %q", c.listen, c.peer, got, c.want)
		}
	}
}
