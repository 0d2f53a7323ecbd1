package web

import (
	"encoding/json"
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"
	"testing"

	"onevoice/web/api"
)

// plainYAML reads the part of YAML that openapi.yaml keeps to: block mappings and lists, plain and quoted texts, literal
// blocks, and values in JSON that may run over lines.
type plainYAML struct {
	lines []string
	at    int
}

func indentOf(line string) int { return len(line) - len(strings.TrimLeft(line, " ")) }

// value reads the block at the current line, whose lines are indented by at least indent.
func (y *plainYAML) value(t *testing.T, indent int) any {
	if y.at >= len(y.lines) || indentOf(y.lines[y.at]) < indent {
		return nil
	}
	indent = indentOf(y.lines[y.at])
	if strings.HasPrefix(y.lines[y.at][indent:], "- ") {
		var list []any
		for y.at < len(y.lines) && indentOf(y.lines[y.at]) == indent && strings.HasPrefix(y.lines[y.at][indent:], "- ") {
			y.lines[y.at] = y.lines[y.at][:indent] + "  " + y.lines[y.at][indent+2:]
			list = append(list, y.value(t, indent+2))
		}
		return list
	}
	block := map[string]any{}
	for y.at < len(y.lines) && indentOf(y.lines[y.at]) == indent {
		line := y.lines[y.at][indent:]
		key, rest, ok := strings.Cut(line, ": ")
		if !ok {
			key, ok = strings.CutSuffix(line, ":")
		}
		if !ok {
			t.Fatalf("line %d: %q", y.at+1, line)
		}
		key = strings.Trim(key, `"`)
		if _, twice := block[key]; twice {
			t.Fatalf("line %d: %s twice", y.at+1, key)
		}
		y.at++
		block[key] = y.scalar(t, strings.TrimSpace(rest), indent)
	}
	return block
}

func (y *plainYAML) scalar(t *testing.T, text string, indent int) any {
	switch {
	case text == "":
		return y.value(t, indent+1)
	case text == "|":
		var b strings.Builder
		for y.at < len(y.lines) && (y.lines[y.at] == "" || indentOf(y.lines[y.at]) > indent) {
			b.WriteString(strings.TrimSpace(y.lines[y.at]) + "\n")
			y.at++
		}
		return b.String()
	case text[0] == '[' && !strings.ContainsAny(text, `"{`):
		var list []any
		for word := range strings.SplitSeq(strings.Trim(text, "[]"), ",") {
			list = append(list, strings.TrimSpace(word))
		}
		return list
	case text[0] == '{' || text[0] == '[' || text[0] == '"':
		first := y.at
		for !json.Valid([]byte(text)) {
			if y.at >= len(y.lines) || y.at > first+20 {
				t.Fatalf("line %d: no JSON: %s", first, text)
			}
			text += strings.TrimSpace(y.lines[y.at])
			y.at++
		}
		var v any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Fatal(err)
		}
		return v
	}
	if strings.Contains(text, ": ") || strings.Contains(text, " #") {
		t.Fatalf("line %d: quote %q", y.at, text)
	}
	return text
}

func readDescription(t *testing.T) map[string]any {
	t.Helper()
	y := &plainYAML{lines: strings.Split(strings.TrimSuffix(string(description), "\n"), "\n")}
	doc, ok := y.value(t, 0).(map[string]any)
	if !ok || y.at != len(y.lines) {
		t.Fatalf("read up to line %d of %d", y.at, len(y.lines))
	}
	return doc
}

func TestEveryRouteIsDescribed(t *testing.T) {
	doc := readDescription(t)
	described := map[string]bool{}
	rights := map[string]any{}
	ids := map[any]bool{}
	for path, item := range doc["paths"].(map[string]any) {
		for method, op := range item.(map[string]any) {
			if method == "parameters" {
				continue
			}
			described[strings.ToUpper(method)+" "+path] = true
			rights[strings.ToUpper(method)+" "+path] = op.(map[string]any)["x-right"]
			id := op.(map[string]any)["operationId"]
			if id == nil || ids[id] {
				t.Errorf("%s %s: operationId %v is missing or there twice", method, path, id)
			}
			ids[id] = true
			checkParameters(t, path, item.(map[string]any), op.(map[string]any))
		}
	}
	_, s := newTest(t)
	for _, r := range s.routes() {
		name := r.method + " " + strings.Replace(r.path, "{$}", "", 1)
		if !described[name] {
			t.Errorf("%s is not described", name)
		}
		if want := r.right.String(); rights[name] != want { // "none" for what is open to anyone
			t.Errorf("%s: x-right is %v, the route needs %s", name, rights[name], want)
		}
		delete(described, name)
	}
	for name := range described {
		t.Errorf("%s is described, and no route", name)
	}
}

// checkParameters checks that the variables of a path are described.
func checkParameters(t *testing.T, path string, item, op map[string]any) {
	both := fmt.Sprint(item["parameters"], op["parameters"])
	for part := range strings.SplitSeq(path, "/") {
		if name := strings.Trim(part, "{}"); name != part && !strings.Contains(both, "parameters/"+name) && !strings.Contains(both, "name:"+name) {
			t.Errorf("%s: %s is not described", path, name)
		}
	}
}

func TestReferencesOfTheDescription(t *testing.T) {
	doc := readDescription(t)
	used := map[string]bool{}
	var walk func(v any)
	walk = func(v any) {
		switch v := v.(type) {
		case map[string]any:
			if ref, ok := v["$ref"].(string); ok {
				used[ref] = true
				var at any = doc
				for part := range strings.SplitSeq(strings.TrimPrefix(ref, "#/"), "/") {
					at = at.(map[string]any)[part]
					if at == nil {
						t.Fatalf("%s leads nowhere", ref)
					}
				}
			}
			for _, k := range slices.Sorted(maps.Keys(v)) {
				walk(v[k])
			}
		case []any:
			for _, item := range v {
				walk(item)
			}
		}
	}
	walk(doc)
	for kind, all := range doc["components"].(map[string]any) {
		for name := range all.(map[string]any) {
			if ref := "#/components/" + kind + "/" + name; !used[ref] {
				t.Errorf("nothing uses %s", ref)
			}
		}
	}
}

// TestFieldsOfTheDescription holds the schemas against the Go types.
func TestFieldsOfTheDescription(t *testing.T) {
	schemas := readDescription(t)["components"].(map[string]any)["schemas"].(map[string]any)
	for name, v := range map[string]any{
		"Sectors": api.Sectors{}, "Flights": api.Flights{}, "Presences": api.Presences{}, "Written": api.Written{}, "ServiceTime": api.ServiceTime{}, "Rules": api.Rules{}, "HistorySettings": api.HistorySettings{}, "Known": api.Known{}, "Versions": api.Versions{}, "KnownVersion": api.KnownVersion{}, "Diff": api.Diff{}, "Difference": api.Difference{},
		"Hash": api.Hash{}, "Event": api.Event{}, "Status": api.Status{}, "Server": api.Server{}, "Track": api.Track{}, "Tracks": api.Tracks{},
		"TracksTaken": api.TracksTaken{}, "Problem": api.Problem{}, "Window": api.Window{}, "Point": api.Point{}, "Uncertainty": api.Uncertainty{}, "Volume": api.Volume{}, "Volume4D": api.Volume4D{},
		"Members": api.Members{}, "Member": api.Member{}, "Group": api.Group{}, "GroupMember": api.GroupMember{}, "OpenInvitation": api.OpenInvitation{},
		"Invite": api.Invite{}, "Invitation": api.Invitation{}, "Join": api.Join{}, "Joined": api.Joined{}, "Replace": api.Replace{},
		"Locks": api.Locks{}, "Lock": api.Lock{}, "LockGrant": api.LockGrant{}, "LockHolder": api.LockHolder{}, "LockRevoke": api.LockRevoke{},
		"Upgrade": api.Upgrade{}, "GroupVersion": api.GroupVersion{}, "Program": api.Program{}, "Addresses": api.Addresses{}, "Transfer": api.Transfer{}, "MembersChanged": api.MembersChanged{},
		"Zone": api.Zone{}, "ZoneLimit": api.ZoneLimit{}, "Zones": api.Zones{}, "ZoneMention": api.ZoneMention{}, "ZoneBreach": api.ZoneBreach{}, "Breach": api.Breach{}, "Breaches": api.Breaches{},
		"Command": api.Command{}, "Commands": api.Commands{}, "Outcome": api.Outcome{}, "Applied": api.Applied{},
		"View": api.View{}, "Process": api.Process{}, "Lead": api.Lead{}, "Observer": api.Observer{}, "Seen": api.Seen{}, "Fence": api.Fence{},
		"Control": api.Control{}, "ControlAct": api.ControlAct{}, "Supervision": api.Supervision{}, "Target": api.Target{}, "ControlChange": api.ControlChange{}, "ControlList": api.ControlList{},
		"WorkingPosition": api.WorkingPosition{}, "WorkingPositions": api.WorkingPositions{}, "SignOn": api.SignOn{}, "PositionHolder": api.PositionHolder{},
	} {
		want := map[string]bool{}
		for _, field := range reflect.VisibleFields(reflect.TypeOf(v)) {
			if key, _, _ := strings.Cut(field.Tag.Get("json"), ","); !field.Anonymous {
				want[key] = true
			}
		}
		got := schemas[name].(map[string]any)["properties"].(map[string]any)
		for key := range got {
			if !want[key] {
				t.Errorf("%s.%s is described, and no field", name, key)
			}
			delete(want, key)
		}
		for key := range want {
			t.Errorf("%s.%s is not described", name, key)
		}
	}
}

func TestExamplesOfTheDescription(t *testing.T) {
	doc := readDescription(t)
	n := 0
	for path, item := range doc["paths"].(map[string]any) {
		for method, op := range item.(map[string]any) {
			if method == "parameters" {
				continue
			}
			if example := exampleOf(op.(map[string]any)["requestBody"]); example != nil {
				n++
				checkRequest(t, strings.ToUpper(method), path, example)
			}
			for status, r := range op.(map[string]any)["responses"].(map[string]any) {
				if example := exampleOf(r); example != nil {
					n++
					checkAnswer(t, method+" "+path+" "+status, example)
				}
			}
		}
	}
	for name, r := range doc["components"].(map[string]any)["responses"].(map[string]any) {
		if example := exampleOf(r); example != nil && name != "Written" {
			n++
			var p api.Problem
			decode(t, example, &p)
			if responses(p.Kind()).status != p.Status || responses(p.Kind()).title != p.Title {
				t.Errorf("example of %s: %+v", name, p)
			}
		}
	}
	if n < 15 {
		t.Errorf("%d examples", n)
	}
}

// exampleOf finds the example of a request or response, as JSON.
func exampleOf(v any) []byte {
	body, _ := v.(map[string]any)
	content, _ := body["content"].(map[string]any)
	for _, media := range content {
		if example := media.(map[string]any)["example"]; example != nil {
			b, _ := json.Marshal(example)
			return b
		}
	}
	return nil
}

// checkRequest sends the example of a request, which has to be good.
func checkRequest(t *testing.T, method, path string, example []byte) {
	t.Helper()
	_, s := newTest(t)
	must(t, s, 200, nil, "PUT", "/api/v1/flights/X", through)
	must(t, s, 200, nil, method, strings.Replace(path, "{id}", "X", 1), string(example))
}

func checkAnswer(t *testing.T, what string, example []byte) {
	t.Helper()
	into := map[string]any{
		"get /api/v1/sectors/{id} 200": &api.Sector{}, "get /api/v1/sectors/{id}/flights 200": &api.Presences{},
		"get /api/v1/sectors/{id}/load 200": &api.Load{}, "get /api/v1/conflicts 200": &api.Conflicts{},
		"get /api/v1/settings/service-time 200": &api.ServiceTime{}, "get /api/v1/settings/rules 200": &api.Rules{}, "get /api/v1/settings/history 200": &api.HistorySettings{},
	}[what]
	if into == nil {
		t.Fatalf("no type for the example of %s", what)
	}
	decode(t, example, into)
}
