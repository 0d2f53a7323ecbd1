package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"flag"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"onevoice/problem"
	"onevoice/web/api"
)

var rewrite = flag.Bool("rewrite", false, "write the golden files anew")

// golden holds printed output against testdata/name.
func golden(t *testing.T, name string, print func(io.Writer) error) {
	t.Helper()
	var got bytes.Buffer
	if err := print(&got); err != nil {
		t.Fatal(err)
	}
	path := filepath.Join("testdata", name)
	if *rewrite {
		if err := os.WriteFile(path, got.Bytes(), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if got.String() != string(want) {
		t.Errorf("%s:\n%s\nwant:\n%s", name, got.String(), want)
	}
}

// fixture reads an answer of the service.
func fixture[T any](t *testing.T, text string) *T {
	t.Helper()
	into := new(T)
	if err := json.Unmarshal([]byte(text), into); err != nil {
		t.Fatal(err)
	}
	return into
}

const sureVisit = `"enters_earliest":"2018-08-01T11:00:10Z","enters_latest":"2018-08-01T11:00:10.4Z","leaves_earliest":"2018-08-01T11:10:00Z","leaves_latest":"2018-08-01T11:12:00Z","sure":true`

func TestPrintedColumns(t *testing.T) {
	who := fixture[api.Presences](t, `{"sector":"LSAZM5","at":"2018-08-01T11:00:00Z","from":"2018-08-01T11:00:00Z","to":"2018-08-01T12:00:00Z","flights":[
		{"flight":"SWR1-4b1-1","callsign":"SWR1","from":"LSZH","to":"LSGG","version":"7.0","control":"controlled","position":"ZRH-R1","attended":true,`+sureVisit+`},
		{"flight":"NOCALL-4b2-1","callsign":"","from":"","to":"","version":"7.1","control":"handoff","position":"ZRH-R2","attended":false,`+sureVisit+`}],"next":"1533121210000000000_NOCALL-4b2-1"}`)
	golden(t, "who.txt", func(w io.Writer) error { return printPresences(w, who, "") })
	golden(t, "who_then.txt", func(w io.Writer) error { return printPresences(w, who, "1021") })

	sectors := fixture[api.Sectors](t, `{"sectors":[{"id":"LSAZM5","name":"Zurich upper 5","version":"3.2","volumes":[
		{"polygon":{"type":"Polygon","coordinates":[[[8,46],[9,46],[9,47],[8,46]]]},"floor":{"value":355,"unit":"FL","ref":"STD"},"ceiling":{"value":365,"unit":"FL","ref":"STD"}},
		{"polygon":{"type":"Polygon","coordinates":[[[8,46],[9,46],[9,47],[8,46]]]},"floor":{"value":345,"unit":"FL","ref":"STD"},"ceiling":"unlimited"}]}]}`)
	golden(t, "sectors.txt", func(w io.Writer) error { return printSectors(w, sectors.Sectors) })
	golden(t, "sectors_next.txt", func(w io.Writer) error {
		return errors.Join(printNext(w, "LSAZM5", ""), printNext(w, "LSAZM5", "2018-08-01T05:50:00Z"), printNext(w, "", "7"))
	})
	one := sectors.Sectors[0]
	golden(t, "sector.txt", func(w io.Writer) error { return printSector(w, &one) })
	from, to := api.Time(1533121200e9), api.Time(1533128400e9)
	one.Volumes[0].From, one.Volumes[1].To = &from, &to
	one.Separation, one.Capacity = &api.Separation{Lateral: 555_600, Vertical: 30_480}, &api.Capacity{OccupancyWarn: 8, EntriesAlert: 40}
	one.Hours = &api.Hours{Weekly: []api.Shift{{Days: "mon tue", From: "05:30", To: "21:00"}}, Periods: []api.Period{{From: &from, To: &to, Into: "LSAZM567"}, {From: &to, Opens: true}}}
	one.Staged = &api.Staged{Version: "9.0", Since: from, Phase: "prepares", Done: 2000, Of: 9000}
	golden(t, "sector_hours.txt", func(w io.Writer) error { return printSector(w, &one) })
	one.Hours = &api.Hours{Shut: true, Periods: []api.Period{{From: &from, Opens: true}}}
	golden(t, "sector_shut.txt", func(w io.Writer) error { return printSector(w, &one) })
	golden(t, "sector_changed.txt", func(w io.Writer) error {
		return errors.Join(printSectorChange(w, "A and B combined into C", &api.Written{Version: "9.0", Rewindowed: 12}), printSectorChange(w, "A put", &api.Written{Version: "9.0", Staged: true}))
	})
	golden(t, "rules.txt", func(w io.Writer) error {
		return printRules(w, &api.Rules{CrossReference: 30_000, Retain: 6e11, Separation: api.Separation{Lateral: 926_000, Vertical: 30_480}, Version: "3.0"})
	})

	flight := fixture[api.Flight](t, `{"id":"SWR1-4b1-1","callsign":"SWR1","from":"LSZH","to":"LSGG","version":"7.0",
		"uncertainty":{"lateral":{"value":0,"unit":"m"},"vertical":{"value":0,"unit":"ft"},"time":{"value":0,"unit":"s"}},
		"path":[{"position":[8.5,47.4],"altitude":{"value":300,"unit":"FL","ref":"STD"},"time":"2018-08-01T10:55:00Z"},
			{"position":[6.1,46.2],"altitude":{"value":300,"unit":"FL","ref":"STD"},"time":"2018-08-01T11:25:00Z"}],
		"windows":[{"sector":"LSAZM5",`+sureVisit+`}]}`)
	golden(t, "flight.txt", func(w io.Writer) error { return printFlight(w, flight) })
	followed := *flight
	followed.Progress = &api.Progress{State: "silent", Since: 1533121260e9, LastReport: 1533121200e9}
	golden(t, "flight_followed.txt", func(w io.Writer) error { return printFlight(w, &followed) })
	golden(t, "flights.txt", func(w io.Writer) error { return printFlights(w, []api.Flight{*flight}) })

	status := fixture[api.Status](t, `{"node":"n1","server":"1","cluster":"00","build":"test","voice":"one-voice","agreed_age_ms":12,"clock_offset_ms":-0.25,"clock_error_ms":0.5,"clock_state":"good","role":"leader","leader":"n1",
		"view":"3","term":"5","index":"1234","hash":"0123456789abcdef0123456789abcdef0123456789abcdef0123456789abcdef","commit":"1234",
		"service_time":"2018-08-01T11:00:00Z","log_time":"2026-11-22T11:00:00Z","servers":[],"sectors":32,"flights":881,"first_hash":"1","last_hash":"1234"}`)
	golden(t, "status.txt", func(w io.Writer) error {
		return printStandings(w, []standing{{Endpoint: "http://127.0.0.1:7480", Status: status}, {Endpoint: "http://127.0.0.1:7481", Error: "gone"}})
	})
	golden(t, "event.txt", func(w io.Writer) error {
		return printEvent(w, "", "7.0", []byte(`{"kind":"flight-put","id":"SWR1-4b1-1","version":"7.0","callsign":"SWR1","service_time":"2018-08-01T10:50:00Z","windows":[{"sector":"LSAZM5",`+sureVisit+`}]}`))
	})
}

func TestExitCodes(t *testing.T) {
	for want, err := range map[int]error{
		exitOK: nil, exitError: errors.New("any"), exitUsage: usageError{errors.New("flag")},
		exitStale: &problem.Error{Kind: problem.Stale}, exitNoVoice: &problem.Error{Kind: problem.NoVoice},
		exitRefused: &problem.Error{Kind: problem.PreconditionFailed}, exitTwoVoices: &problem.Error{Kind: problem.TwoVoices},
	} {
		if got := exitCode(err); got != want {
			t.Errorf("%v gives exit code %d, want %d", err, got, want)
		}
	}
}

// TestUsage is what a wrong command line says: exit code 2, the wrong value, and what is allowed.
func TestUsage(t *testing.T) {
	empty := t.TempDir()
	for name, c := range map[string]struct {
		args []string
		says string
	}{
		"no such command":      {[]string{"fly"}, `unknown command "fly"`},
		"no such flag":         {[]string{"who", "--sector", "A"}, "unknown flag: --sector"},
		"no sector":            {[]string{"who"}, "accepts 1 arg(s), received 0"},
		"output":               {[]string{"who", "A", "-o", "yaml"}, `--output is "yaml", allowed: json`},
		"speed":                {[]string{"demo", "--speed", "0"}, "--speed is 0, allowed: 0.001 to 1000"},
		"flights, no sectors":  {[]string{"demo", "--flights", "x.csv"}, "--flights needs --sectors"},
		"port":                 {[]string{"demo", "--port", "80"}, "--port is 80, allowed: 1024 to 65530"},
		"servers":              {[]string{"init", "--servers", "n1"}, `"n1" is not name=host:port`},
		"nothing to import":    {[]string{"import"}, "nothing to import"},
		"seeds":                {[]string{"lab", "sim", "--seeds", "9-1"}, `seeds is "9-1"`},
		"clients":              {[]string{"bench", "--clients", "0"}, `--clients holds "0", allowed: 1 to 4096`},
		"an empty directory":   {[]string{"serve", "--dir", empty}, "never a new cluster by itself"},
		"a restart of nothing": {[]string{"demo", "restart"}, "accepts 1 arg(s), received 0"},
	} {
		stdout, stderr, code := run(t, c.args...)
		if code != exitUsage || stdout != "" || !strings.Contains(stderr, c.says) {
			t.Errorf("%s: exit %d, %q, stdout %q; want 2 and %q", name, code, stderr, stdout, c.says)
		}
	}
}

// TestNoServer is what a question says when nothing listens: no voice, and whom it asked.
func TestNoServer(t *testing.T) {
	stdout, stderr, code := run(t, "who", "A", "-e", "127.0.0.1:1")
	if code != exitNoVoice || stdout != "" || !strings.Contains(stderr, "http://127.0.0.1:1 (nothing listens there)") {
		t.Errorf("exit %d\n%s%s", code, stdout, stderr)
	}
}
