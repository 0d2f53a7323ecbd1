package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"onevoice/web/api"
	"onevoice/web/ask"
)

// slowStart is a recording of a flight from 7 to 9 degrees east in 20 minutes that loses two minutes in the first ten and makes them
// good in the rest, with one row every ten seconds.
func slowStart(t *testing.T, dir string) (sectors, flights string) {
	t.Helper()
	rows := []string{"time,icao24,callsign,lat,lon,altitude_ft"}
	begin := time.Date(2018, 8, 1, 11, 0, 0, 0, time.UTC)
	for s := 0; s <= 1200; s += 10 {
		lon := 7 + float64(s)/600*0.8
		if s > 600 {
			lon = 7.8 + float64(s-600)/600*1.2
		}
		rows = append(rows, fmt.Sprintf("%s,4b1805,SWR1,47.0,%.6f,35000", begin.Add(time.Duration(s)*time.Second).Format(time.RFC3339), lon))
	}
	sectors, flights = filepath.Join(dir, "sectors.geojson"), filepath.Join(dir, "flights.csv")
	const box = `{"type":"FeatureCollection","features":[{"type":"Feature","properties":{"sector":"BOX","fl_min":300,"fl_max":400},
		"geometry":{"type":"Polygon","coordinates":[[[8,46],[8.5,46],[8.5,48],[8,48],[8,46]]]}}]}`
	for name, content := range map[string]string{sectors: box, flights: strings.Join(rows, "\n") + "\n"} {
		if err := os.WriteFile(name, []byte(content), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return sectors, flights
}

// TestPredictedDemo replays a flight that is late against its plan, while a server is killed: what is predicted becomes agreed.
func TestPredictedDemo(t *testing.T) {
	if testing.Short() {
		t.Skip("it runs a demo")
	}
	ports := freePorts(t, 1)
	sectors, flights := slowStart(t, t.TempDir())
	d := startDemoProcess(t, ports[0], "--sectors", sectors, "--flights", flights, "--predict", "--speed", "120")
	d.waitFor("Ctrl-C stops")
	d.kill("n1")
	client := &ask.Client{Timeout: patience}
	for i := range 3 {
		client.Endpoints = append(client.Endpoints, "http://127.0.0.1:"+d.port(i))
	}
	var f api.Flight
	d.until(func() bool {
		f = api.Flight{}
		_, err := client.Do(t.Context(), ask.Request{Path: "/flights/SWR1-4b1805-20180801T110000"}, &f)
		return err == nil && f.Progress != nil && len(f.Windows) > 0 && f.Windows[0].EntersEarliest-f.Progress.Filed[0].EntersEarliest > api.Time(time.Minute)
	})
	if f.Progress.State != "on-plan" || len(f.Path) < 3 {
		t.Errorf("flight %+v with %+v", f, f.Progress)
	}
	d.waitFor("the recording is over: 121 rows")
	if strings.Contains(d.printed(), "agreed (0 windows") {
		t.Errorf("printed:\n%s", d.printed())
	}
}
