package main

import (
	"compress/gzip"
	"net/url"
	"os"
	"strings"
	"testing"
	"time"

	"onevoice/feed"
	"onevoice/geo"
	"onevoice/lab/intervals"
	"onevoice/web/api"
	"onevoice/web/ask"
)

// TestMainJob is the main job on real traffic: eleven hours of it over Switzerland, filed as plans through three servers,
// and the answers held against intervals that other software computed from the same recording.
func TestMainJob(t *testing.T) {
	sectorFile := sharedFile(t, "airspace_ch/ch_sectors_airac462.geojson")
	flightFile := sharedFile(t, "flights_ch/ch_20180801_0500_1600.csv.gz")
	expected := readExpected(t, sharedFile(t, "flights_ch/expected_sector_intervals_0500_1600.csv.gz"))
	c, client := servers(t, "2018-08-01T05:00:00Z")
	stdout, stderr, code := run(t, "import", "-e", endpoints(c), "--sectors", sectorFile, "--flights", flightFile)
	if code != exitOK {
		t.Fatalf("import: exit %d\n%s%s", code, stdout, stderr)
	}
	t.Log(strings.TrimSpace(stdout))
	samples, report, err := readRecordingFile(flightFile)
	if err != nil {
		t.Fatal(err)
	}
	plans := feed.Plans(samples, feed.DefaultPlanOptions(), &report)
	if report.Good != 97_873 || report.Bad != 0 {
		t.Errorf("%d rows good, %d bad", report.Good, report.Bad)
	}
	outcome := intervals.Compare(expected, askWindows(t, client, plans), sampleTimes(samples), samples[len(samples)-1].AtNs)
	t.Log(outcome)
	for _, f := range outcome.Failures {
		t.Error(f)
	}
	for _, l := range outcome.Listed {
		t.Log(l)
	}
	if outcome.Expected != 1351 || outcome.LongFound < 1000 {
		t.Errorf("compared %d intervals, found %d long ones", outcome.Expected, outcome.LongFound)
	}
	stdout, stderr, code = run(t, "who", "LSAZM5", "-e", endpoints(c), "--from", "2018-08-01T11:00:00Z")
	if code != exitOK || !strings.Contains(stdout, "LSAZM5 from 2018-08-01T11:00:00Z to 2018-08-01T12:00:00Z") || !strings.Contains(stderr, "one voice: view ") {
		t.Errorf("who: exit %d\n%s%s", code, stdout, stderr)
	}
}

func readExpected(t *testing.T, path string) map[intervals.Visit][]intervals.Interval {
	t.Helper()
	f, err := os.Open(path)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	z, err := gzip.NewReader(f)
	if err != nil {
		t.Fatal(err)
	}
	expected, err := intervals.Read(z)
	if err != nil {
		t.Fatal(err)
	}
	return expected
}

func sampleTimes(samples []feed.Sample) map[intervals.Visit][]int64 {
	times := map[intervals.Visit][]int64{}
	for _, s := range samples {
		v := intervals.Visit{ICAO24: s.ICAO24, Callsign: s.Callsign}
		times[v] = append(times[v], s.AtNs)
	}
	return times
}

// askWindows asks the question of the whole system for every sector and the whole day.
func askWindows(t *testing.T, client *ask.Client, plans []feed.Plan) map[intervals.Visit][]geo.Window {
	t.Helper()
	aircraft := map[string]string{}
	for _, p := range plans {
		aircraft[p.Flight.ID] = p.ICAO24
	}
	var sectors api.Sectors
	if _, err := client.Do(t.Context(), ask.Request{Path: "/sectors?limit=1000"}, &sectors); err != nil {
		t.Fatal(err)
	}
	if len(sectors.Sectors) != 32 {
		t.Fatalf("%d sectors", len(sectors.Sectors))
	}
	windows := map[intervals.Visit][]geo.Window{}
	for _, s := range sectors.Sectors {
		for after := ""; ; {
			q := url.Values{"from": {"2018-08-01T00:00:00Z"}, "to": {"2018-08-02T00:00:00Z"}, "limit": {"100"}}
			if after != "" {
				q.Set("after", after)
			}
			var page api.Presences
			if _, err := client.Do(t.Context(), ask.Request{Path: "/sectors/" + s.ID + "/flights?" + q.Encode()}, &page); err != nil {
				t.Fatal(err)
			}
			for _, f := range page.Flights {
				v := intervals.Visit{ICAO24: aircraft[f.Flight], Callsign: f.Callsign, Sector: s.ID}
				windows[v] = append(windows[v], geo.Window{
					EnterMinNs: int64(f.EntersEarliest), EnterMaxNs: int64(f.EntersLatest),
					LeaveMinNs: int64(f.LeavesEarliest), LeaveMaxNs: int64(f.LeavesLatest),
				})
			}
			if after = page.Next; after == "" {
				break
			}
		}
	}
	return windows
}

// TestDemoFirstAnswer is the newcomer's first minute: the demo answers, a killed server stays down until it is restarted, and
// nothing is left behind.
func TestDemoFirstAnswer(t *testing.T) {
	ports := freePorts(t, 1)
	d := startDemoProcess(t, ports[0])
	d.waitFor("first agreed answer after")
	d.waitFor("Ctrl-C stops everything")
	where := "127.0.0.1:" + d.port(1) + ",127.0.0.1:" + d.port(2)
	stdout, stderr, code := run(t, "who", "RHINE-H", "-e", where)
	if code != exitOK || !strings.Contains(stdout, "CALLSIGN") || !strings.Contains(stderr, "one voice") {
		t.Errorf("who: exit %d\n%s%s", code, stdout, stderr)
	}
	d.kill("n1")
	d.waitFor("n1 is gone")
	if _, stderr, code := run(t, "who", "RHINE-H", "-e", where); code != exitOK {
		t.Errorf("who after a kill: exit %d\n%s", code, stderr)
	}
	stdout, stderr, code = run(t, "demo", "restart", "n1", "--port", d.port(0))
	if code != exitOK || !strings.Contains(stdout, "n1 is running again") {
		t.Errorf("restart: exit %d\n%s%s", code, stdout, stderr)
	}
	one := &ask.Client{Endpoints: []string{"http://127.0.0.1:" + d.port(0)}, Timeout: time.Second}
	d.until(func() bool {
		_, err := one.Do(t.Context(), ask.Request{Path: "/sectors/RHINE-H/flights"}, nil)
		return err == nil
	})
	d.interrupt()
	d.waitFor("nothing is left behind")
}
