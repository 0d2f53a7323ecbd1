package main

import (
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"onevoice/internal/procs"
	"onevoice/web/api"
	"onevoice/web/ask"
)

// skySquare is a sector over a square degree.
func skySquare(west int) string {
	return fmt.Sprintf(`{"name":"","volumes":[{"polygon":{"type":"Polygon","coordinates":[[[%d,47],[%d,47],[%d,48],[%d,48],[%d,47]]]},"floor":{"value":100,"unit":"FL","ref":"STD"},"ceiling":"unlimited"}]}`,
		west, west+1, west+1, west, west)
}

const skyFlight = `{"callsign":"SWR1","from":"LSZH","to":"LSGG","uncertainty":{"lateral":{"value":0,"unit":"NM"},"vertical":{"value":0,"unit":"ft"},"time":{"value":0,"unit":"s"}},"path":[
	{"position":[6,47.5],"altitude":{"value":200,"unit":"FL","ref":"STD"},"time":"2030-08-01T05:10:00Z"},{"position":[11,47.5],"altitude":{"value":200,"unit":"FL","ref":"STD"},"time":"2030-08-01T05:40:00Z"}]}`

// theSky starts three servers with two sectors and a flight through both.
func theSky(t *testing.T) (c *procs.Cluster, at string) {
	t.Helper()
	c, client := servers(t, "2030-08-01T05:00:00Z")
	at = endpoints(c)
	for i, name := range []string{"WEST", "EAST"} {
		file := filepath.Join(t.TempDir(), name+".json")
		if err := os.WriteFile(file, []byte(skySquare(7+i)), 0o600); err != nil {
			t.Fatal(err)
		}
		if said := mustType(t, "", "sectors", "put", name, file, "-e", at); !strings.HasPrefix(said, name+" put, version ") {
			t.Fatalf("put says %q", said)
		}
	}
	if _, err := client.Do(t.Context(), ask.Request{Method: http.MethodPut, Path: "/flights/F", Body: []byte(skyFlight), Header: jsonHeader()}, nil); err != nil {
		t.Fatal(err)
	}
	return c, at
}

// TestCombiningByHand is what a supervisor types to combine two sectors for the night, and to split them.
func TestCombiningByHand(t *testing.T) {
	_, at := theSky(t)
	in := func() string {
		var found []string
		for line := range strings.Lines(mustType(t, "", "flights", "F", "-e", at)) {
			if name := strings.Fields(line)[0]; name == strings.ToUpper(name) && name != "F" && name != "SECTOR" {
				found = append(found, name)
			}
		}
		return strings.Join(found, " ")
	}
	if got := in(); got != "WEST EAST" {
		t.Fatalf("the flight is in %q", got)
	}
	said := mustType(t, "", "sectors", "combine", "BOTH", "WEST", "EAST", "--to", "2030-08-01T08:00:00Z", "-e", at)
	if !strings.HasPrefix(said, "WEST and EAST combined into BOTH, version ") || !strings.HasSuffix(said, ", the windows of 1 flights changed\n") || in() != "BOTH" {
		t.Errorf("combine says %q, and the flight is in %q", said, in())
	}
	if said := mustType(t, "", "sectors", "EAST", "-e", at); !strings.Contains(said, "closed until 2030-08-01T08:00:00Z, combined into BOTH\n") {
		t.Errorf("a part is shown as %q", said)
	}
	if _, err := typed(t, "", "sectors", "remove", "NOPE", "-e", at); err == nil || exitCode(err) != exitError {
		t.Errorf("remove of what is not there: %v", err)
	}
	mustType(t, "", "sectors", "split", "BOTH", "-e", at)
	if got := in(); got != "WEST EAST" {
		t.Errorf("after the split the flight is in %q", got)
	}
}

// TestRulesByHand changes one rule and leaves the others.
func TestRulesByHand(t *testing.T) {
	_, at := theSky(t)
	if said := mustType(t, "", "rules", "-e", at); !strings.Contains(said, "5.0 NM or 1000 ft") {
		t.Errorf("rules says %q", said)
	}
	mustType(t, "", "rules", "set", "--lateral-nm", "3", "-e", at)
	if said := mustType(t, "", "rules", "-e", at); !strings.Contains(said, "3.0 NM or 1000 ft") || !strings.Contains(said, "984 ft") {
		t.Errorf("after the change rules says %q", said)
	}
	for _, args := range [][]string{{}, {"--lateral-nm", "5000"}, {"--vertical-ft", "0"}} {
		if _, err := typed(t, "", append([]string{"rules", "set", "-e", at}, args...)...); exitCode(err) != exitUsage {
			t.Errorf("rules set %v: %v", args, err)
		}
	}
}

// TestHandingOverByHand has two consoles hand a flight over on three servers, while the leader is killed between offer and acceptance: one
// position controls it at every moment, and who has no lease may not act.
func TestHandingOverByHand(t *testing.T) {
	c, at := theSky(t)
	as := func(position string, args ...string) []string {
		return append(args, "--as", position, "--holder", "at-"+position, "--timeout", "30s", "-e", at)
	}
	for _, p := range []string{"P1", "P2"} {
		mustType(t, "", "position", "sign-on", p, "--for", "5m", "--holder", "at-"+p, "-e", at)
	}
	if said := mustType(t, "", as("P1", "control", "assume", "F")...); !strings.Contains(said, "F   controlled  P1 ") {
		t.Fatalf("assume says %q", said)
	}
	if _, err := typed(t, "", as("P2", "control", "assume", "F")...); exitCode(err) != exitRefused {
		t.Errorf("a second one assumes it: %v", err)
	}
	mustType(t, "", as("P1", "handoff", "propose", "F", "--to", "P2")...)
	if err := c.Kill(leading(t, c)); err != nil {
		t.Fatal(err)
	}
	var shown api.Control
	eventually(t, c, func() error {
		_, err := demoClient(c.Genesis).Do(t.Context(), ask.Request{Path: "/flights/F/control"}, &shown)
		return err
	})
	if shown.State != "handoff" || shown.Position != "P1" || shown.To == nil || shown.To.Position != "P2" {
		t.Errorf("after the leader is gone: %+v", shown)
	}
	if said := mustType(t, "", as("P2", "handoff", "accept", "F")...); !strings.Contains(said, "F   controlled  P2 ") {
		t.Errorf("accept says %q", said)
	}
	if _, err := typed(t, "", as("P1", "control", "release", "F")...); exitCode(err) != exitRefused {
		t.Errorf("who has handed it over releases it: %v", err)
	}
	if _, err := typed(t, "", "control", "release", "F", "--as", "P2", "--holder", "somebody-else", "-e", at); exitCode(err) != exitRefused {
		t.Errorf("a console without the lease acts: %v", err)
	}
	mustType(t, "", "position", "sign-off", "P2", "--leave", "--holder", "at-P2", "-e", at)
	if said := mustType(t, "", "control", "show", "F", "-e", at); !strings.Contains(said, "P2 (unattended)") {
		t.Errorf("of a position that left: %q", said)
	}
	if said := mustType(t, "", as("P1", "control", "take", "F")...); !strings.Contains(said, "F   controlled  P1 ") {
		t.Errorf("take says %q", said)
	}
}

// TestMapsByHand writes sectors, flights, zones and conflicts as GeoJSON, page by page, and reads sectors and zones of such files.
func TestMapsByHand(t *testing.T) {
	_, at := theSky(t)
	dir := t.TempDir()
	file := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	features := func(args ...string) []string {
		var c struct {
			Type     string
			Features []struct{ ID string }
		}
		said := mustType(t, "", append(args, "-o", "geojson", "-e", at)...)
		if err := json.Unmarshal([]byte(said), &c); err != nil || c.Type != "FeatureCollection" {
			t.Fatalf("%v says %q: %v", args, said, err)
		}
		var ids []string
		for _, f := range c.Features {
			ids = append(ids, f.ID)
		}
		return ids
	}
	all := mustType(t, "", "sectors", "--limit", "1", "-o", "geojson", "-e", at)
	if ids := features("sectors", "--limit", "1"); !slices.Equal(ids, []string{"EAST/1", "WEST/1"}) {
		t.Errorf("sectors, a page each: %q", ids)
	}
	if ids := features("flights", "F"); !slices.Equal(ids, []string{"F"}) {
		t.Errorf("one flight: %q", ids)
	}
	if ids := features("conflicts", "--from", "2030-08-01T05:00:00Z"); len(ids) != 0 {
		t.Errorf("conflicts of one flight: %q", ids)
	}
	if said := mustType(t, "", "import", "--sectors", file("sectors.geojson", all), "-e", at); !strings.Contains(said, "2 rows read, 0 of them wrong; 2 sectors made, 2 put, 0 refused") {
		t.Errorf("import of the map says %q", said)
	}
	const zone = `{"type":"Feature","geometry":{"type":"Polygon","coordinates":[[[8,47],[9,47],[9,48],[8,47]]]},"properties":{"zone":"%s","kind":"closed","fl_min":0,"fl_max":660,"from":"2030-08-01T05:00:00Z","to":"2030-08-01T08:00:00Z"}}`
	zones := file("zones.geojson", `{"type":"FeatureCollection","features":[`+fmt.Sprintf(zone, "R1")+","+fmt.Sprintf(zone, "R2")+","+fmt.Sprintf(zone, "R1")+`]}`)
	if said := mustType(t, "", "zones", "import", zones, "-e", at); !strings.HasPrefix(said, "R1 put, version ") || !strings.Contains(said, "\nR2 put, version ") {
		t.Errorf("import of zones says %q", said)
	}
	if ids := features("zones", "--limit", "1"); !slices.Equal(ids, []string{"R1/1", "R1/2", "R2/1"}) {
		t.Errorf("zones: %q", ids)
	}
	if _, err := typed(t, "", "zones", "import", file("bad.geojson", `{"type":"Feature"}`), "-e", at); exitCode(err) != exitUsage {
		t.Errorf("import of what is no collection: %v", err)
	}
}
