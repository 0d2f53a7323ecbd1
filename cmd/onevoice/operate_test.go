package main

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"regexp"
	"strings"
	"testing"

	"onevoice/internal/procs"
	"onevoice/web/api"
)

// saying is typed with what the command says beside its output.
func saying(t *testing.T, args ...string) (out, says string, err error) {
	t.Helper()
	var stdout, stderr bytes.Buffer
	cmd := root()
	cmd.SetArgs(args)
	cmd.SetOut(&stdout)
	cmd.SetErr(&stderr)
	ctx, cancel := context.WithTimeout(t.Context(), patience)
	defer cancel()
	err = cmd.ExecuteContext(ctx)
	return stdout.String(), stderr.String(), err
}

// allUp waits until the view calls three servers up, and gives it.
func allUp(t *testing.T, c *procs.Cluster) api.View {
	t.Helper()
	var v api.View
	eventually(t, c, func() error {
		out, err := typed(t, "", "view", "-o", "json", "-e", endpoints(c))
		if err != nil {
			return err
		}
		v = api.View{}
		if err := json.Unmarshal([]byte(out), &v); err != nil {
			return err
		}
		up := 0
		for _, p := range v.Processes {
			if p.Standing == "up" {
				up++
			}
		}
		if up != 3 {
			return fmt.Errorf("up are %d: %s", up, out)
		}
		return nil
	})
	return v
}

// TestOperatorsView is what an operator types about who is up, on three real servers: the view, a fence with its reason and the next incarnation,
// each view as it comes, and a lead handed over. A loaded machine may have more verdicts than those; none of them is counted.
func TestOperatorsView(t *testing.T) {
	c, _ := servers(t, "")
	at := endpoints(c)
	first := allUp(t, c)

	ctx, stop := context.WithCancel(t.Context())
	in, out := io.Pipe()
	watching := make(chan error, 1)
	go func() {
		a := asking{endpoints: at, timeout: patience}
		watching <- watchViews(ctx, &a, out)
		out.Close()
	}()
	lines := bufio.NewScanner(in)
	if !lines.Scan() || !strings.HasPrefix(lines.Text(), fmt.Sprint(first.Number)) && !strings.Contains(lines.Text(), " leads airspace") {
		t.Errorf("the watch begins with %q", lines.Text())
	}

	var view string
	eventually(t, c, func() error {
		allUp(t, c)
		said, before, err := saying(t, "members", "fence", "n2", "-e", at, "--timeout", "30s")
		if err != nil {
			return err
		}
		if !strings.HasPrefix(before, "3 voters now: any 1 may fail. After this: 3 voters, 1 of them down: none may fail.") {
			return fmt.Errorf("before it acts it says %q", before)
		}
		found := regexp.MustCompile(`^n2, incarnation \d+, is down since view (\d+) \(killed\)\nit is back: incarnation \d+, start \d+, is up since view \d+, \d+ ms later\n$`).FindStringSubmatch(said)
		if found == nil {
			return fmt.Errorf("fence says %q", said)
		}
		view = found[1]
		return nil
	})
	if said := mustType(t, "", "view", "--explain", view, "-e", at); !strings.Contains(said, "is down: an operator has taken it down") || !strings.Contains(said, "\nWHO SAYS ") || !strings.Contains(said, "\nn3 ") {
		t.Errorf("view %s is explained by %q", view, said)
	}
	for lines.Scan() && !strings.HasPrefix(lines.Text(), view+" ") {
	}
	if !strings.Contains(lines.Text(), "n2 down (killed)") {
		t.Errorf("the watch shows %q", lines.Text())
	}
	go func() { _, _ = io.Copy(io.Discard, in) }()
	stop()
	if err := <-watching; err != nil {
		t.Errorf("the watch ends with %v", err)
	}

	for _, group := range []string{"airspace", "members"} {
		eventually(t, c, func() error {
			said, before, err := saying(t, "leader", "transfer", "--group", group, "-e", at)
			if err == nil && !regexp.MustCompile(`^n[123] leads `+group+`; it took \d+ ms from n[123], as seen from here\n$`).MatchString(said) {
				err = fmt.Errorf("transfer says %q", said)
			}
			if err == nil && !strings.Contains(before, "After this: ") {
				err = fmt.Errorf("before it acts it says %q", before)
			}
			return err
		})
	}
	said := mustType(t, "", "members", "-e", at)
	if !regexp.MustCompile(`(?m)^2 +n2 +voter +(up|joining) +\d+ .*\d+/\d+ +[0-9.]+ ms `).MatchString(said) || !strings.Contains(said, " leads, epoch ") {
		t.Errorf("members prints\n%s", said)
	}
}

func TestWrongWordsOfTheOperator(t *testing.T) {
	for says, args := range map[string][]string{
		"--explain is 0, allowed: the number of a view":      {"view", "--explain", "0"},
		"--explain and --watch do not go together":           {"view", "--explain", "1", "--watch"},
		`--group is "all", allowed: airspace, members`:       {"leader", "transfer", "--group", "all"},
		`unknown command "move"; see onevoice leader --help`: {"leader", "move"},
	} {
		if _, err := typed(t, "", args...); exitCode(err) != exitUsage || !strings.Contains(err.Error(), says) {
			t.Errorf("%q: %v", args, err)
		}
	}
}
