package main

import (
	"fmt"
	"io"
	"strings"
	"testing"

	"onevoice/web/api"
)

// builtOf is what three servers say, of which one may be missing.
func builtOf(t *testing.T, missing bool, ranges, versions [3]uint32) []built {
	t.Helper()
	var all []built
	for i := range 3 {
		b := built{Endpoint: fmt.Sprintf("http://127.0.0.1:748%d", i)}
		if missing && i == 2 {
			b.Error = "connection failed"
		} else {
			b.Upgrade = fixture[api.Upgrade](t, fmt.Sprintf(`{"node":"n%d","server":"%d","build":"v1.%d.0","min":1,"max":%d,"others":[],
				"groups":[{"group":1,"version":%d,"role":"leader","leader":"1"},{"group":2,"version":%d,"role":"follower","leader":"2"}]}`,
				i+1, i+1, ranges[i], ranges[i], versions[i], versions[i]))
		}
		all = append(all, b)
	}
	return all
}

func TestPrintedUpgrade(t *testing.T) {
	for name, all := range map[string][]built{
		"upgrade_rolling.txt":  builtOf(t, false, [3]uint32{2, 1, 2}, [3]uint32{1, 1, 1}),
		"upgrade_ready.txt":    builtOf(t, false, [3]uint32{2, 2, 2}, [3]uint32{1, 1, 1}),
		"upgrade_finished.txt": builtOf(t, false, [3]uint32{2, 2, 2}, [3]uint32{2, 2, 2}),
		"upgrade_missing.txt":  builtOf(t, true, [3]uint32{2, 2, 2}, [3]uint32{1, 1, 1}),
	} {
		golden(t, name, func(w io.Writer) error { return printUpgrade(w, &asking{}, all) })
	}
	for want, all := range map[string][]built{
		"":                                     builtOf(t, false, [3]uint32{2, 2, 2}, [3]uint32{2, 2, 2}),
		"n3 has group 1 at version 1, to be 2": builtOf(t, false, [3]uint32{2, 2, 2}, [3]uint32{2, 2, 1}),
		"127.0.0.1:7482 does not answer":       builtOf(t, true, [3]uint32{2, 2, 2}, [3]uint32{2, 2, 2}),
	} {
		if got := behindIn(all); !strings.Contains(got, want) || want == "" && got != "" {
			t.Errorf("behind is %q, want %q", got, want)
		}
	}
}

// TestUpgradeCommands asks servers that have nothing to raise.
func TestUpgradeCommands(t *testing.T) {
	c, _ := servers(t, "")
	var endpoints []string
	for _, s := range c.Genesis.Servers {
		endpoints = append(endpoints, s.HTTP)
	}
	at := strings.Join(endpoints, ",")
	stdout, stderr, code := run(t, "upgrade", "status", "-e", at)
	if code != exitOK || !strings.Contains(stdout, "version 1 is in force, the highest of these builds") || strings.Count(stdout, "1 to 1") != 3 {
		t.Errorf("status: exit %d, %q, %q", code, stdout, stderr)
	}
	stdout, stderr, code = run(t, "upgrade", "finish", "-e", at, "-o", "json")
	if code != exitOK || strings.Count(stdout, `"version":1`) != 6 {
		t.Errorf("finish: exit %d, %q, %q", code, stdout, stderr)
	}
	if err := c.Kill("n2"); err != nil {
		t.Fatal(err)
	}
	stdout, stderr, code = run(t, "upgrade", "finish", "-e", at, "--timeout", "1s")
	if code != exitNoVoice || !strings.Contains(stderr, "does not answer") {
		t.Errorf("finish without n2: exit %d, %q, %q", code, stdout, stderr)
	}
}
