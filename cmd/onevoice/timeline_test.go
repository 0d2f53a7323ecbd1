package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"onevoice/web/api"
	"onevoice/web/ask"
)

func TestPrintedHistory(t *testing.T) {
	d := fixture[api.Diff](t, `{"from":{"index":"12","time":"2018-08-01T05:50:00Z"},"to":{"index":"40","time":"2018-08-01T06:00:00Z"},"differences":[
		{"sector":"LSAZM5","change":"changed","what":["volumes","capacity"],"before":"3.2","after":"20.0"},
		{"flight":"SWR1-4b1-1","callsign":"SWR1","change":"changed","what":["plan","windows"],"before":"7.0","after":"31.0",
			"windows_before":[{"sector":"LSAZM5",`+sureVisit+`}],"windows_after":[{"sector":"LSAZM6",`+sureVisit+`},{"sector":"LSAZM7",`+sureVisit+`}]},
		{"flight":"b","change":"removed","before":"8.0"},{"flight":"c","callsign":"EZY3","change":"added","after":"9.0"}]}`)
	golden(t, "diff.txt", func(w io.Writer) error { return printDiff(w, d) })
	golden(t, "diff_none.txt", func(w io.Writer) error { return printDiff(w, &api.Diff{From: d.From, To: d.To}) })

	const plan = `"flight":{"id":"SWR1-4b1-1","callsign":"SWR1","from":"LSZH","to":"LSGG","version":"7.0","path":[
		{"position":[8.5,47.4],"altitude":{"value":300,"unit":"FL","ref":"STD"},"time":"2018-08-01T10:55:00Z"},
		{"position":[6.1,46.2],"altitude":{"value":300,"unit":"FL","ref":"STD"},"time":"2018-08-01T11:25:00Z"}],"windows":[{"sector":"LSAZM5",` + sureVisit + `}]}`
	v := fixture[api.Versions](t, `{"flight":"SWR1-4b1-1","horizon":{"index":"9","time":"2018-08-01T05:10:00Z"},"next":"15","versions":[
		{"since":{"index":"7"},"until":{"index":"15","time":"2018-08-01T06:00:00Z"},"change":"put",`+plan+`},
		{"since":{"index":"15","time":"2018-08-01T06:00:00Z"},"change":"rewindowed",`+plan+`}]}`)
	golden(t, "timeline.txt", func(w io.Writer) error { return printVersions(w, v) })

	who := fixture[api.Presences](t, `{"sector":"LSAZM5","at":"2018-08-01T11:00:00Z","from":"2018-08-01T11:00:00Z","to":"2018-08-01T12:00:00Z","flights":[
		{"flight":"SWR1-4b1-1","callsign":"SWR1",`+sureVisit+`},
		{"flight":"NOCALL-4b2-1-with-a-long-name","enters_earliest":"2018-08-01T10:50:00Z","enters_latest":"2018-08-01T11:20:00Z","leaves_earliest":"2018-08-01T11:10:00Z","leaves_latest":"2018-08-01T12:30:00Z","sure":false}],
		"next":"1533121210000000000_NOCALL-4b2-1"}`)
	golden(t, "timeline_sector.txt", func(w io.Writer) error { return drawPresences(w, who, "1021") })

	h := fixture[api.HistorySettings](t, `{"span":{"value":6,"unit":"h"},"records":"200000","bytes":"536870912","version":"3.0","horizon":{"index":"9","time":"2018-08-01T05:10:00Z"}}`)
	golden(t, "history_settings.txt", func(w io.Writer) error { return printHistorySettings(w, h) })
}

// TestThePastByHand is what an investigator types: what was believed, and what has become of it.
func TestThePastByHand(t *testing.T) {
	c, at := theSky(t)
	client := demoClient(c.Genesis)
	proof, err := client.Do(t.Context(), ask.Request{Path: "/flights/F"}, nil)
	if err != nil {
		t.Fatal(err)
	}
	later := strings.ReplaceAll(skyFlight, ":10:00Z", ":15:00Z")
	if _, err := client.Do(t.Context(), ask.Request{Method: http.MethodPut, Path: "/flights/F", Body: []byte(later), Header: jsonHeader()}, nil); err != nil {
		t.Fatal(err)
	}
	mustType(t, "", "sectors", "remove", "EAST", "-e", at)
	said := mustType(t, "", "diff", proof.Index, "-e", at)
	if !strings.Contains(said, ": 2 differences\n") || !strings.Contains(said, "removed  sector  EAST") || !strings.Contains(said, "changed  flight  F     SWR1      plan,windows") {
		t.Errorf("diff says\n%s", said)
	}
	if said := mustType(t, "", "diff", proof.Index, proof.Index, "-e", at); !strings.HasSuffix(said, ": 0 differences\n") {
		t.Errorf("diff of one time says\n%s", said)
	}
	if said := mustType(t, "", "diff", proof.Index, "--sector", "WEST", "-e", at); !strings.Contains(said, ": 1 differences\n") {
		t.Errorf("diff of one sector says\n%s", said)
	}
	said = mustType(t, "", "timeline", "F", "-e", at)
	if lines := strings.Split(strings.TrimSpace(said), "\n"); len(lines) != 5 || !strings.HasPrefix(lines[0], "F SWR1, as it was believed, page of 3; held from index ") || !strings.Contains(lines[4], "rewindowed") {
		t.Errorf("timeline says\n%s", said)
	}
	said = mustType(t, "", "timeline", "--sector", "WEST", "--known-at", proof.Index, "--from", "2030-08-01T05:00:00Z", "-e", at)
	if !strings.Contains(said, "SWR1         |") || !strings.Contains(said, "=| 05:16-05:22\n") && !strings.Contains(said, "| 05:16-05:22\n") {
		t.Errorf("timeline of a sector says\n%s", said)
	}
	mustType(t, "", "history", "set", "--span", "1h", "-e", at)
	if said := mustType(t, "", "history", "show", "-e", at); !strings.Contains(said, "span     1h0m0s") {
		t.Errorf("history show says\n%s", said)
	}
	for _, args := range [][]string{{"diff"}, {"diff", "never"}, {"timeline"}, {"timeline", "F", "--sector", "WEST"}, {"timeline", "F", "--known-at", "3"}, {"history", "set"}, {"history", "set", "--span", "9999h"}} {
		if _, err := typed(t, "", append(args, "-e", at)...); exitCode(err) != exitUsage {
			t.Errorf("%v: %v", args, err)
		}
	}
	if _, err := typed(t, "", "timeline", "NOBODY", "-e", at); err == nil || exitCode(err) != exitError {
		t.Errorf("timeline of nobody: %v", err)
	}
}
