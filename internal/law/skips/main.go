// Command skips reads the output of go test -json, prints what people need of it, and fails when a test was skipped.
// It is laboratory: .ci/run pipes each test step through it.
//
// Of packages that pass it prints go test's closing line, of tests that fail or are skipped all they said. A stream that
// ends early, or in which no test ran, is a failure too: silence is not a pass.
package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"maps"
	"os"
	"slices"
	"strings"
)

func main() {
	if err := run(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, "skips:", err)
		os.Exit(1)
	}
}

// event is one line of go test -json; see go doc test2json.
type event struct {
	Action, Package, Test, Output string
}

// report is what has been heard so far.
type report struct {
	out                     io.Writer
	said                    map[event]*strings.Builder // by package and test, until they end
	open                    map[string]bool            // packages begun and not ended
	passed, failed, skipped int
	broken                  int // packages that failed, with or without a failing test
}

func run(in io.Reader, out io.Writer) error {
	r := report{out: out, said: map[event]*strings.Builder{}, open: map[string]bool{}}
	lines := bufio.NewReader(in)
	for {
		line, err := lines.ReadString('\n')
		if line != "" {
			r.line(line)
		}
		if errors.Is(err, io.EOF) {
			return r.verdict()
		} else if err != nil {
			return err
		}
	}
}

func (r *report) line(line string) {
	var e event
	if json.Unmarshal([]byte(line), &e) != nil {
		fmt.Fprint(r.out, line) // the go command itself speaks
		return
	}
	key := event{Package: e.Package, Test: e.Test}
	switch e.Action {
	case "start":
		r.open[e.Package] = true
	case "build-output":
		fmt.Fprint(r.out, e.Output)
	case "output":
		if r.said[key] == nil {
			r.said[key] = &strings.Builder{}
		}
		r.said[key].WriteString(e.Output)
	case "pass", "fail", "skip":
		if e.Test == "" {
			r.endPackage(e, r.take(key))
		} else {
			r.endTest(e, r.take(key))
		}
	}
}

func (r *report) take(key event) string {
	b := r.said[key]
	delete(r.said, key)
	if b == nil {
		return ""
	}
	return b.String()
}

func (r *report) endTest(e event, said string) {
	switch e.Action {
	case "pass":
		r.passed++
	case "fail":
		r.failed++
		fmt.Fprintf(r.out, "failed: %s %s\n%s", e.Package, e.Test, said)
	case "skip":
		r.skipped++
		fmt.Fprintf(r.out, "skipped: %s %s\n%s", e.Package, e.Test, said)
	}
}

// endPackage prints the closing line, and of a package that failed all it said: that is where a panic stands. A package
// without tests ends as skipped; that is no skipped test.
func (r *report) endPackage(e event, said string) {
	delete(r.open, e.Package)
	if e.Action == "fail" {
		r.broken++
		fmt.Fprint(r.out, said)
		return
	}
	for line := range strings.Lines(said) {
		if strings.HasPrefix(line, "ok ") || strings.HasPrefix(line, "? ") {
			fmt.Fprint(r.out, line)
		}
	}
}

func (r *report) verdict() error {
	for _, key := range slices.SortedFunc(maps.Keys(r.said), func(a, b event) int {
		return strings.Compare(a.Package+" "+a.Test, b.Package+" "+b.Test)
	}) {
		fmt.Fprintf(r.out, "unfinished: %s %s\n%s", key.Package, key.Test, r.said[key])
	}
	fmt.Fprintf(r.out, "tests: %d passed, %d failed, %d skipped\n", r.passed, r.failed, r.skipped)
	switch {
	case r.failed > 0 || r.broken > 0:
		return fmt.Errorf("%d tests and %d packages failed", r.failed, r.broken)
	case r.skipped > 0:
		return fmt.Errorf("%d tests were skipped; every test runs here: give it what it lacks", r.skipped)
	case len(r.open) > 0:
		return fmt.Errorf("the output ends before %d packages did", len(r.open))
	case r.passed == 0:
		return errors.New("no test ran")
	}
	return nil
}
