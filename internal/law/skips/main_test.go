package main

import (
	"strings"
	"testing"
)

const passing = `{"Action":"start","Package":"p"}
{"Action":"run","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Test":"TestA","Output":"chatter\n"}
{"Action":"pass","Package":"p","Test":"TestA"}
{"Action":"output","Package":"p","Output":"PASS\n"}
{"Action":"output","Package":"p","Output":"ok  \tp\t0.1s\n"}
{"Action":"pass","Package":"p"}
`

const skipping = `{"Action":"start","Package":"q"}
{"Action":"output","Package":"q","Test":"TestB/part","Output":"    b_test.go:7: no browser\n"}
{"Action":"skip","Package":"q","Test":"TestB/part"}
{"Action":"pass","Package":"q","Test":"TestB"}
{"Action":"pass","Package":"q"}
`

const failing = `{"Action":"start","Package":"q"}
{"Action":"output","Package":"q","Test":"TestB","Output":"    b_test.go:7: wrong\n"}
{"Action":"fail","Package":"q","Test":"TestB"}
{"Action":"output","Package":"q","Output":"FAIL\tq\t0.1s\n"}
{"Action":"fail","Package":"q"}
`

const panicking = `{"Action":"start","Package":"q"}
{"Action":"output","Package":"q","Test":"TestB","Output":"panic: deep\n"}
{"Action":"output","Package":"q","Output":"FAIL\tq\t0.1s\n"}
{"Action":"fail","Package":"q"}
`

const unbuilt = `{"ImportPath":"q","Action":"build-output","Output":"q.go:3: undefined: x\n"}
{"ImportPath":"q","Action":"build-fail"}
{"Action":"start","Package":"q"}
{"Action":"output","Package":"q","Output":"FAIL\tq [build failed]\n"}
{"Action":"fail","Package":"q","FailedBuild":"q"}
`

const untested = `{"Action":"start","Package":"q"}
{"Action":"output","Package":"q","Output":"?   \tq\t[no test files]\n"}
{"Action":"skip","Package":"q"}
`

func TestRun(t *testing.T) {
	for _, tc := range []struct {
		name, in, want, fails string
	}{
		{"pass", passing, "ok  \tp\t0.1s\ntests: 1 passed, 0 failed, 0 skipped\n", ""},
		{"package without tests", passing + untested, "[no test files]", ""},
		{"skip", passing + skipping, "skipped: q TestB/part\n    b_test.go:7: no browser\n", "1 tests were skipped"},
		{"fail", passing + failing, "failed: q TestB\n    b_test.go:7: wrong\nFAIL\tq\t0.1s\n", "1 tests and 1 packages failed"},
		{"panic", passing + panicking, "panic: deep\n", "0 tests and 1 packages failed"},
		{"build", passing + unbuilt, "undefined: x\nFAIL\tq [build failed]\n", "0 tests and 1 packages failed"},
		{"go command", "go: cannot find main module\n", "go: cannot find main module\n", "no test ran"},
		{"cut short", passing + `{"Action":"start","Package":"q"}`, "tests: 1 passed", "ends before 1 packages"},
		{"empty", "", "", "no test ran"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			var out strings.Builder
			err := run(strings.NewReader(tc.in), &out)
			if !strings.Contains(out.String(), tc.want) || strings.Contains(out.String(), "chatter") {
				t.Errorf("printed:\n%s\nwant in it:\n%s", out.String(), tc.want)
			}
			if (err == nil) != (tc.fails == "") || err != nil && !strings.Contains(err.Error(), tc.fails) {
				t.Errorf("error %v, want %q", err, tc.fails)
			}
		})
	}
}
