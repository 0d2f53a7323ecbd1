package web

import (
	"net/http"
	"strings"
	"testing"

	"onevoice/web/api"
)

// sectorWith is the body of a sector with another polygon, floor or ceiling.
func sectorWith(coordinates, floor, ceiling string) string {
	if coordinates == "" {
		coordinates = `[[[8,47],[9,47],[9,48],[8,48],[8,47]]]`
	}
	if floor == "" {
		floor = `{"value":0,"unit":"ft","ref":"AMSL"}`
	}
	if ceiling == "" {
		ceiling = `{"value":5000,"unit":"ft","ref":"AMSL"}`
	}
	return `{"volumes":[{"polygon":{"type":"Polygon","coordinates":` + coordinates + `},"floor":` + floor + `,"ceiling":` + ceiling + `}]}`
}

// flightWith is the body of a flight with other points; point makes one.
func flightWith(points ...string) string {
	return `{"uncertainty":{"lateral":{"value":0,"unit":"m"},"vertical":{"value":0,"unit":"m"},"time":{"value":0,"unit":"s"}},"path":[` +
		strings.Join(points, ",") + `]}`
}

func point(position, altitude, at string) string {
	return `{"position":` + position + `,"altitude":` + altitude + `,"time":"` + at + `"}`
}

const (
	level = `{"value":200,"unit":"FL","ref":"STD"}`
	five  = "2018-08-01T05:10:00Z"
	six   = "2018-08-01T06:10:00Z"
)

// bad is a request that has to be refused, naming field, value and what is allowed.
type bad struct {
	name, method, path, body string
	header                   []string
	status                   int
	field, value, allowed    string // each a part of what the problem has to say
}

func badShapes() []bad {
	put := func(name, body, field, value, allowed string) bad {
		return bad{name, "PUT", "/api/v1/sectors/S", body, nil, 400, field, value, allowed}
	}
	ring := "volumes[0].polygon.coordinates[0]"
	return []bad{
		put("polygon not closed", sectorWith(`[[[8,47],[9,47],[9,48],[8,48]]]`, "", ""), ring, "not closed: it begins at [8,47] and ends at [8,48]", "closed ring"),
		put("self-crossing", sectorWith(`[[[8,47],[9,48],[9,47],[8,48],[8,47]]]`, "", ""), ring+"[", "crossed or overlaid", "do not cross"),
		put("too few positions", sectorWith(`[[[8,47],[9,47],[8,47]]]`, "", ""), ring, "3 positions", "at least 4"),
		put("collapsed", sectorWith(`[[[8,47],[8,47],[8,47],[8,47]]]`, "", ""), ring, "1 vertices", "at least 3"),
		put("no ring", sectorWith(`[]`, "", ""), "volumes[0].polygon.coordinates", "missing", "a value"),
		put("round a pole", sectorWith(`[[[0,80],[90,80],[180,80],[-90,80],[0,80]]]`, "", ""), ring, "pole", "does not go round a pole"),
		put("hole outside", sectorWith(`[[[8,47],[9,47],[9,48],[8,48],[8,47]],[[18,47],[19,47],[19,48],[18,47]]]`, "", ""), "volumes[0].polygon.coordinates[1]", "", "inside the outer ring"),
		put("latitude over 90", sectorWith(`[[[8,91],[9,47],[9,48],[8,91]]]`, "", ""), ring+"[0][1]", "91", "-90 to 90"),
		put("longitude over 180", sectorWith(`[[[181,47],[9,47],[9,48],[181,47]]]`, "", ""), ring+"[0][0]", "181", "-180 to 180"),
		put("altitude in a position", sectorWith(`[[[8,47,100],[9,47],[9,48],[8,47]]]`, "", ""), ring+"[0][2]", "100", "[longitude, latitude]"),
		put("one number", sectorWith(`[[[8],[9,47],[9,48],[8]]]`, "", ""), ring+"[0]", "1 numbers", "[longitude, latitude]"),
		put("NaN", sectorWith(`[[[NaN,47],[9,47],[9,48],[8,47]]]`, "", ""), ring+"[0][0]", "NaN", "-180 to 180"),
		put("Infinity", sectorWith(`[[[8,-Infinity],[9,47],[9,48],[8,47]]]`, "", ""), ring+"[0][1]", "-Infinity", "-90 to 90"),
		put("overflow", sectorWith(`[[[1e400,47],[9,47],[9,48],[8,47]]]`, "", ""), ring+"[0][0]", "1e400", "-180 to 180"),
		put("number as a string", sectorWith(`[[["8",47],[9,47],[9,48],[8,47]]]`, "", ""), ring+"[0][0]", `"8"`, "-180 to 180"),
		put("another geometry", `{"volumes":[{"polygon":{"type":"Point","coordinates":[[[8,47]]]}}]}`, "volumes[0].polygon.type", "Point", "Polygon"),
		put("floor above ceiling", sectorWith("", `{"value":6000,"unit":"ft","ref":"AMSL"}`, ""), "volumes[0].ceiling", "5000 ft AMSL", "above the floor, 6000 ft AMSL"),
		put("floor at ceiling", sectorWith("", `{"value":50,"unit":"FL","ref":"STD"}`, `{"value":5000,"unit":"ft","ref":"STD"}`), "volumes[0].ceiling", "FL050", "above the floor, FL050"),
		put("two references", sectorWith("", `{"value":0,"unit":"ft","ref":"STD"}`, ""), "volumes[0].ceiling", "5000 ft AMSL", "the floor's reference, STD"),
		put("unlimited floor", sectorWith("", `"unlimited"`, ""), "volumes[0].floor", "unlimited", "value, unit and ref"),
		put("unknown unit", sectorWith("", `{"value":1,"unit":"km","ref":"AMSL"}`, ""), "volumes[0].floor.unit", "km", "ft, m, FL"),
		put("no unit", sectorWith("", `{"value":1,"ref":"AMSL"}`, ""), "volumes[0].floor.unit", "missing", "a value"),
		put("no reference", sectorWith("", `{"value":1,"unit":"m"}`, ""), "volumes[0].floor.ref", "missing", "a value"),
		put("unknown reference", sectorWith("", `{"value":1,"unit":"m","ref":"AGL"}`, ""), "volumes[0].floor.ref", "AGL", "STD, AMSL, WGS84"),
		put("level above the sea", sectorWith("", `{"value":100,"unit":"FL","ref":"AMSL"}`, ""), "volumes[0].floor.ref", "AMSL", "STD"),
		put("altitude out of range", sectorWith("", "", `{"value":100001,"unit":"m","ref":"AMSL"}`), "volumes[0].ceiling.value", "100001 m", "100000 m"),
		put("bare altitude", sectorWith("", "1000", ""), "volumes[0].floor", "1000", "an object"),
		put("unknown edges", strings.Replace(sectorWith("", "", ""), `"floor"`, `"edges":"rhumb","floor"`, 1), "volumes[0].edges", "rhumb", "straight, great-circle"),
		put("no floor", `{"volumes":[{"polygon":{"type":"Polygon","coordinates":[[[8,47],[9,47],[9,48],[8,47]]]},"ceiling":"unlimited"}]}`, "volumes[0].floor", "missing", "a value"),
		put("no volumes", `{"name":"S"}`, "volumes", "missing", "a value"),
		put("empty volumes", `{"volumes":[]}`, "volumes", "", ""),
		put("long name", `{"name":"`+strings.Repeat("x", 129)+`","volumes":[]}`, "name", "129 bytes", "at most 128"),
		put("other id", `{"id":"T","volumes":[]}`, "id", "T", "S, as in the path"),
	}
}

func badFlights() []bad {
	put := func(name, body, field, value, allowed string) bad {
		return bad{name, "PUT", "/api/v1/flights/F", body, nil, 400, field, value, allowed}
	}
	return []bad{
		put("times reversed", flightWith(point("[8,47]", level, six), point("[9,47]", level, five)), "path[1].time", five, "after the point before it, "+six),
		put("equal times", flightWith(point("[8,47]", level, five), point("[9,47]", level, five)), "path[1].time", five, "after"),
		put("one point", flightWith(point("[8,47]", level, five)), "path", "1 points", "2 to 10000"),
		put("half round the world", flightWith(point("[-90,47]", level, five), point("[90,47]", level, six)), "path[1]", "90", "less than 180"),
		put("two references", flightWith(point("[8,47]", level, five), point("[9,47]", `{"value":1,"unit":"m","ref":"AMSL"}`, six)), "path[1].altitude.ref", "AMSL", "STD"),
		put("local time", flightWith(point("[8,47]", level, "2018-08-01T05:10:00+02:00"), point("[9,47]", level, six)), "path[0].time", "+02:00", "RFC 3339 in UTC"),
		put("no time zone", flightWith(point("[8,47]", level, "2018-08-01T05:10:00"), point("[9,47]", level, six)), "path[0].time", "2018", "RFC 3339 in UTC"),
		put("30 February", flightWith(point("[8,47]", level, "2018-02-30T05:10:00Z"), point("[9,47]", level, six)), "path[0].time", "02-30", "RFC 3339 in UTC"),
		put("year 3000", flightWith(point("[8,47]", level, "3000-01-01T00:00:00Z"), point("[9,47]", level, six)), "path[0].time", "3000", "1970 to 2200"),
		put("unlimited altitude", flightWith(point("[8,47]", `"unlimited"`, five), point("[9,47]", level, six)), "path[0].altitude", "unlimited", "value, unit and ref"),
		put("no altitude", flightWith(`{"position":[8,47],"time":"`+five+`"}`, point("[9,47]", level, six)), "path[0].altitude", "missing", "a value"),
		put("no uncertainty", `{"path":[`+point("[8,47]", level, five)+","+point("[9,47]", level, six)+`]}`, "uncertainty", "missing", "a value"),
		put("negative uncertainty", strings.Replace(through, `"lateral":{"value":0`, `"lateral":{"value":-1`, 1), "uncertainty.lateral.value", "-1 NM", "0 m to 100000 m"),
		put("uncertainty in feet of time", strings.Replace(through, `"unit":"s"`, `"unit":"ft"`, 1), "uncertainty.time.unit", "ft", "s, min, h"),
		put("callsign", strings.Replace(through, `SWR1`, `SWÄ1`, 1), "callsign", "SWÄ1", "printable ASCII"),
		put("unknown field", strings.Replace(through, `"callsign"`, `"call_sign"`, 1), "call_sign", `"SWR1"`, "only known fields"),
		put("field twice", `{"from":"LSZH","from":"LSGG"}`, "from", "twice", "once"),
		put("not JSON", `callsign: SWR1`, "body", "callsign", "an object"),
		put("empty body", ``, "body", "the end of the body", "an object"),
		put("half a body", `{"callsign":"SWR1"`, "body", "the end of the body", "a comma or }"),
		put("two bodies", through+through, "body", "{", "nothing after"),
		put("trailing comma", `{"callsign":"SWR1",}`, "body", "}", "a value after the comma"),
		put("null", `null`, "body", "null", "an object"),
		put("deep", strings.Repeat("[", 100_000), "body", "[", "an object"),
		put("deep path", `{"path":`+strings.Repeat("[", 100_000), "path[0]", "[", "an object"),
		put("a zero byte", "{\x00}", "body", "zero byte", "JSON"),
		put("not UTF-8", "{\"callsign\":\"\xff\"}", "callsign", "UTF-8", "UTF-8"),
		put("lone surrogate", `{"callsign":"\ud800"}`, "callsign", "escape", "JSON string"),
		put("too many points", flightWith(strings.TrimSuffix(strings.Repeat(`{},`, 10001), ",")), "path[0].position", "missing", "a value"),
	}
}

func badRequests() []bad {
	get := func(name, path, field, value, allowed string) bad {
		return bad{name, "GET", path, "", nil, 400, field, value, allowed}
	}
	put := func(name string, status int, field, value, allowed string, header ...string) bad {
		return bad{name, "PUT", "/api/v1/flights/F", through, header, status, field, value, allowed}
	}
	return []bad{
		{"5 MB body", "PUT", "/api/v1/flights/F", strings.Repeat(" ", 5_000_000), nil, 413, "body", "5000000 bytes", "4194304"},
		put("another media type", 415, "Content-Type", "text/plain", "application/json", "Content-Type", "text/plain"),
		put("stale version", 412, "", "", "", "If-Match", `"1.0"`),
		put("already there", 409, "", "", "", "If-None-Match", "*"),
		put("version without quotes", 400, "If-Match", "1.0", "in quotes", "If-Match", "1.0"),
		put("weak version", 400, "If-Match", "W/", "in quotes", "If-Match", `W/"1.0"`),
		put("two versions", 400, "If-Match", "1.0", "one version", "If-Match", `"1.0", "2.0"`),
		put("both preconditions", 400, "If-None-Match", "*", "not together", "If-Match", `"1.0"`, "If-None-Match", "*"),
		put("another If-None-Match", 400, "If-None-Match", "1.0", "*", "If-None-Match", `"1.0"`),
		put("empty key", 400, "Idempotency-Key", `""`, "1 to 64", "Idempotency-Key", ""),
		put("long key", 400, "Idempotency-Key", "kkk", "1 to 64", "Idempotency-Key", strings.Repeat("k", 65)),
		put("unprintable key", 400, "Idempotency-Key", "é", "printable", "Idempotency-Key", "é"),
		{"body of a DELETE", "DELETE", "/api/v1/flights/F", "{}", nil, 400, "body", "not empty", "no body"},
		{"id of 65", "PUT", "/api/v1/flights/" + strings.Repeat("f", 65), through, nil, 400, "id", "fff", "1 to 64"},
		{"id with a slash", "PUT", "/api/v1/flights/a%2Fb", through, nil, 400, "id", "a/b", "A-Z"},
		get("id with a space", "/api/v1/sectors/a%20b/flights", "id", "a b", "A-Z"),
		get("unknown parameter", "/api/v1/sectors/BOX/flights?form=x", "form", "x", "only from, to"),
		get("parameter twice", "/api/v1/sectors/BOX/flights?limit=1&limit=2", "limit", "1 and 2", "one value"),
		get("broken query", "/api/v1/sectors/BOX/flights?from=%zz", "query", "%zz", "percent-encoded"),
		get("time", "/api/v1/sectors/BOX/flights?from=yesterday", "from", "yesterday", "RFC 3339"),
		get("question reversed", "/api/v1/sectors/BOX/flights?from="+six+"&to="+five, "to", five, "after from, "+six),
		get("end before now", "/api/v1/sectors/BOX/flights?to=2018-08-01T04:00:00Z", "to", "04:00", "after from"),
		get("at and from", "/api/v1/sectors/BOX/flights?from="+five+"&at="+five, "at", five, "not together"),
		get("limit 0", "/api/v1/sectors/BOX/flights?limit=0", "limit", "0", "1 to 1000"),
		get("limit 1001", "/api/v1/flights?limit=1001", "limit", "1001", "1 to 1000"),
		get("cursor", "/api/v1/sectors/BOX/flights?after=x", "after", "x", "next"),
		get("the past", "/api/v1/sectors/BOX/flights?known_at=yesterday", "known_at", "yesterday", "an index from 1 up, or RFC 3339"),
		get("index", "/api/v1/hash?index=-1", "index", "-1", "a number"),
		get("no index", "/api/v1/hash", "index", "", "a number"),
		get("event position", "/api/v1/events?after=x", "after", "x", "index.i"),
		get("event of the future", "/api/v1/events?after=999999", "after", "999999", "at most"),
		get("stream=2", "/api/v1/tracks?stream=2", "stream", "2", "1"),
		{"rate 0", "PUT", "/api/v1/settings/service-time", `{"rate":0}`, nil, 400, "rate", "0", "0.001 to 1000"},
		{"no rate", "PUT", "/api/v1/settings/service-time", `{"service_time":"` + six + `"}`, nil, 400, "rate", "missing", "a value"},
		{"two shapes", "POST", "/api/v1/volumes:query", `{"volume":{"polygon":{"type":"Polygon","coordinates":[[[8,47],[9,47],[9,48],[8,47]]]},"circle":{"center":[8,47],"radius":{"value":1,"unit":"km"}},"floor":` + level + `,"ceiling":"unlimited"}}`, nil, 400, "volume", "both", "a polygon or a circle"},
		{"no shape", "POST", "/api/v1/volumes:query", `{"volume":{"floor":` + level + `,"ceiling":"unlimited"}}`, nil, 400, "volume", "neither", "a polygon or a circle"},
		{"radius 0", "POST", "/api/v1/volumes:query", `{"volume":{"circle":{"center":[8,47],"radius":{"value":0,"unit":"km"}},"floor":` + level + `,"ceiling":"unlimited"}}`, nil, 400, "volume.circle.radius.value", "0 km", "1 m to"},
		{"radius 501 km", "POST", "/api/v1/volumes:query", `{"volume":{"circle":{"center":[8,47],"radius":{"value":501,"unit":"km"}},"floor":` + level + `,"ceiling":"unlimited"}}`, nil, 400, "volume.circle.radius.value", "501 km", "500000 m"},
		{"volume reversed", "POST", "/api/v1/volumes:query", `{"volume":{"circle":{"center":[8,47],"radius":{"value":1,"unit":"km"}},"floor":` + level + `,"ceiling":"unlimited"},"from":"` + six + `","to":"` + five + `"}`, nil, 400, "to", five, "after from"},
		{"track of 361", "POST", "/api/v1/tracks", `{"positions":[{"id":"a","position":[8,47],"time":"` + five + `","track_deg":361}]}`, nil, 400, "positions[0].track_deg", "361", "0 to 360"},
		{"unnamed position", "POST", "/api/v1/tracks", `{"positions":[{"position":[8,47],"time":"` + five + `"}]}`, nil, 400, "positions[0].id", "missing", "a value"},
		{"method", "PATCH", "/api/v1/flights/F", "", nil, 405, "method", "PATCH", "GET, PUT, DELETE"},
	}
}

func TestBadInputIsNamedAndChangesNothing(t *testing.T) {
	f, s := newTest(t)
	must(t, s, 200, nil, "PUT", "/api/v1/sectors/BOX", box)
	must(t, s, 200, nil, "PUT", "/api/v1/flights/F", through)
	before := f.Latest().State
	for _, b := range append(append(badShapes(), badFlights()...), badRequests()...) {
		t.Run(b.name, func(t *testing.T) {
			w := ask(s, b.method, b.path, b.body, b.header...)
			var p api.Problem
			decode(t, w.Body.Bytes(), &p)
			if w.Code != b.status || p.Status != b.status || w.Header().Get("Content-Type") != "application/problem+json" {
				t.Fatalf("status %d, want %d: %s", w.Code, b.status, w.Body)
			}
			whole := strings.HasSuffix(b.field, "[")
			if p.Field != b.field && (!whole || !strings.HasPrefix(p.Field, b.field)) && !strings.HasPrefix(p.Field, b.field+"[") {
				t.Errorf("field %q, want %q", p.Field, b.field)
			}
			if !strings.Contains(p.Value, b.value) || len(p.Value) > 80 {
				t.Errorf("value %q, want %q in it", p.Value, b.value)
			}
			if !strings.Contains(p.Allowed, b.allowed) || b.status == 400 && p.Allowed == "" {
				t.Errorf("allowed %q, want %q in it", p.Allowed, b.allowed)
			}
			if p.Title == "" || p.Op == "" || !strings.HasPrefix(p.Type, api.URN) || w.Header().Get("Onevoice-Node") != "n1" {
				t.Errorf("problem %+v", p)
			}
		})
	}
	after := f.Latest().State
	if a, b := after.FlightCount()+after.SectorCount(), before.FlightCount()+before.SectorCount(); a != b {
		t.Errorf("%d things held, want %d", a, b)
	}
	var flight api.Flight
	w := must(t, s, 200, &flight, "GET", "/api/v1/flights/F", "")
	if was, _ := before.Flight("F"); flight.Version != was.Version.String() || w.Header().Get("ETag") != `"`+flight.Version+`"` {
		t.Errorf("flight is now version %s", flight.Version)
	}
}

func TestAntimeridian(t *testing.T) {
	_, s := newTest(t)
	for _, ring := range []string{
		`[[[179,-17],[-179,-17],[-179,-16],[179,-16],[179,-17]]]`,
		`[[[179,-17],[180,-17],[-179,-17],[-179,-16],[-180,-16],[179,-16],[179,-17]]]`,
	} {
		must(t, s, 200, nil, "PUT", "/api/v1/sectors/FIJI", sectorWith(ring, "", ""))
		must(t, s, 200, nil, "PUT", "/api/v1/flights/FJI1", flightWith(
			point("[178,-16.5]", `{"value":1000,"unit":"ft","ref":"AMSL"}`, five), point("[-178,-16.5]", `{"value":1000,"unit":"ft","ref":"AMSL"}`, six)))
		var page api.Presences
		must(t, s, 200, &page, "GET", "/api/v1/sectors/FIJI/flights?at="+five, "")
		if len(page.Flights) != 1 || page.Flights[0].EntersEarliest.String() != "2018-08-01T05:25:00Z" || page.Flights[0].LeavesLatest.String() != "2018-08-01T05:55:00Z" {
			t.Errorf("%s: %+v", ring, page.Flights)
		}
		var sector api.Sector
		must(t, s, http.StatusOK, &sector, "GET", "/api/v1/sectors/FIJI", "")
		if got := sector.Volumes[0].Polygon[0]; got[0] != got[len(got)-1] {
			t.Errorf("the ring that comes back is not closed: %v", got)
		}
	}
}
