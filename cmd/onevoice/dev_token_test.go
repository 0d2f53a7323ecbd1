package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"onevoice/token"
)

func TestDevTokens(t *testing.T) {
	key := filepath.Join(t.TempDir(), "dev.pem")
	var raw [2]string
	for i := range raw {
		out, errs, code := run(t, "dev-token", "--key", key, "--audience", "sky", "--sub", "uss1", "--scope", "utm.strategic_coordination onevoice.read")
		if code != exitOK || !strings.Contains(errs, "development only") {
			t.Fatalf("exit %d, %s", code, errs)
		}
		raw[i] = strings.TrimSpace(out)
	}
	k, err := token.Open(token.Options{Files: []string{key + ".pub"}, Audiences: []string{"sky"}})
	if err != nil {
		t.Fatal(err)
	}
	for _, one := range raw {
		if who, p := k.Subject(one); p != nil || who.Name != "uss1" || who.Rights.String() != "read" {
			t.Errorf("%+v, %v", who, p)
		}
	}
	if info, err := os.Stat(key); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	for want, args := range map[string][]string{
		"--key is missing":   {},
		"a loopback address": {"--key", key, "--listen", "0.0.0.0:0"},
		"sub or audience":    {"--key", key},
		"a life of 48h":      {"--key", key, "--audience", "a", "--sub", "b", "--valid", "48h"},
	} {
		if _, errs, code := run(t, append([]string{"dev-token"}, args...)...); code != exitUsage || !strings.Contains(errs, want) {
			t.Errorf("exit %d, %s: want %q", code, errs, want)
		}
	}
}
