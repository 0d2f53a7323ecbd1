package main

import (
	"encoding/json"
	"errors"
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

// TestFeedOutlivesItsLeader feeds beside three servers while the one that leads is killed: positions go on, what is predicted later is agreed
// too, and no proposal is refused, which one made twice would be, for its plan has changed.
func TestFeedOutlivesItsLeader(t *testing.T) {
	c, client := servers(t, "2018-08-01T10:00:00Z")
	sectors, flights := slowStart(t, t.TempDir())
	if stdout, stderr, code := run(t, "import", "-e", endpoints(c), "--sectors", sectors); code != exitOK {
		t.Fatalf("import: exit %d\n%s%s", code, stdout, stderr)
	}
	var total feedTotal
	done := make(chan error, 1)
	go func() {
		stdout, stderr, code := run(t, "feed", "-e", endpoints(c), "--flights", flights, "--file", "--speed", "60", "--output", "json")
		err := json.Unmarshal([]byte(stdout), &total)
		if err != nil || code != exitOK {
			err = fmt.Errorf("exit %d, %w\n%s%s", code, err, stdout, stderr)
		}
		done <- err
	}()
	flight := func() (f api.Flight, err error) {
		_, err = client.Do(t.Context(), ask.Request{Path: "/flights/SWR1-4b1805-20180801T110000"}, &f)
		return f, err
	}
	newest := func() (at api.Time, err error) {
		var list api.Tracks
		_, err = client.Do(t.Context(), ask.Request{Path: "/tracks"}, &list)
		for _, one := range list.Positions {
			at = max(at, one.Time)
		}
		return at, err
	}
	var before api.Flight
	eventually(t, c, func() (err error) {
		select {
		case err := <-done:
			t.Fatalf("the feed has ended: %v", err)
		default:
		}
		if before, err = flight(); err == nil && before.Progress == nil {
			err = errors.New("nothing is agreed of it")
		}
		return err
	})
	seen, err := newest()
	if err != nil || seen == 0 {
		t.Fatalf("positions until %v, %v", seen, err)
	}
	if err := c.Kill(leading(t, c)); err != nil {
		t.Fatal(err)
	}
	eventually(t, c, func() error {
		if at, err := newest(); err != nil || at <= seen+api.Time(time.Minute) {
			return fmt.Errorf("positions until %v, %w", at, err)
		}
		return nil
	})
	if err := <-done; err != nil {
		t.Fatal(err)
	}
	after, err := flight()
	if err != nil || after.Version == before.Version || after.Progress == nil || len(after.Windows) != 1 {
		t.Fatalf("%+v, %v", after, err)
	}
	// It is at 8 degrees east, where the sector begins, 700 s after its beginning.
	entry := time.Date(2018, 8, 1, 11, 11, 40, 0, time.UTC)
	if off := time.Unix(0, int64(after.Windows[0].EntersEarliest)).Sub(entry).Abs(); off > 20*time.Second {
		t.Errorf("it enters %s from when it did", off)
	}
	if total.Rows != 121 || total.Reports != 121 || total.Refused != 0 || total.Agreed < 2 || total.Proposed != total.Agreed+total.Open {
		t.Errorf("%+v", total)
	}
	t.Logf("%s", total)
}
