package main

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"testing"

	"onevoice/problem"
	"onevoice/web/api"
)

// madeAt is a moment of a view.
const madeAt = api.Time(1_533_099_600_000_000_000)

func process(server uint64, start uint64, standing string, since uint64, why string) api.Process {
	return api.Process{Server: server, Name: fmt.Sprintf("n%d", server), Incarnation: start << 24, Start: start, Standing: standing, Since: since, Why: why}
}

// observer says what a voter says of three servers: of itself nothing.
func observer(server uint64, seen ...string) api.Observer {
	o := api.Observer{Server: server, Name: fmt.Sprintf("n%d", server), Start: 1, Votes: true, Last: "none"}
	for i, evidence := range seen {
		if n := uint64(i + 1); n != server && evidence != "" {
			o.Seen = append(o.Seen, api.Seen{Server: n, Start: 1, Evidence: evidence})
		}
	}
	return o
}

// twoViews are one before, and one with other standings and what had been said.
func twoViews(processes []api.Process, observed ...api.Observer) (before, v *api.View) {
	leads := []api.Lead{{Group: 1, Term: 5, Server: 1, Name: "n1"}, {Group: 2, Term: 3, Server: 2, Name: "n2"}}
	before = &api.View{Number: 11, Hash: strings.Repeat("b", 64), Made: madeAt, DetectionBoundMs: 60, Leads: leads,
		Processes: []api.Process{process(1, 1, "up", 2, "none"), process(2, 1, "up", 2, "none"), process(3, 1, "up", 2, "none")}}
	v = &api.View{Number: 12, Hash: strings.Repeat("c", 64), Made: madeAt, DetectionBoundMs: 60, Leads: leads, Voters: 3, First: 1, Last: 12,
		Processes: processes, Observed: observed}
	return before, v
}

func TestPrintView(t *testing.T) {
	_, v := twoViews([]api.Process{process(1, 1, "down", 12, "silent"), process(2, 1, "up", 2, "none"), process(3, 4, "joining", 10, "none")})
	golden(t, "view.txt", func(w io.Writer) error { return printView(w, v) })
	v.Leads, v.DetectionBoundMs = nil, 82.5
	golden(t, "view_no_leads.txt", func(w io.Writer) error { return printView(w, v) })
}

func TestPrintExplained(t *testing.T) {
	one, two, three := process(1, 1, "up", 2, "none"), process(2, 1, "up", 2, "none"), process(3, 1, "up", 2, "none")
	down := func(why string) []api.Process { return []api.Process{process(1, 1, "down", 12, why), two, three} }
	ended := observer(1, "", "none", "none")
	ended.Last, ended.Leaving = "exited", true
	back := observer(1, "", "none", "none")
	back.Start, back.Fell = 2, true
	learner := observer(4, "silent", "none", "none") // its word does not count
	learner.Votes = false
	fresh := observer(2, "none", "", "none")
	fresh.Seen[0].Start = 2
	for name, c := range map[string]struct {
		processes []api.Process
		observed  []api.Observer
	}{
		"silent":      {down("silent"), []api.Observer{observer(2, "silent", "", "none"), observer(3, "silent", "none", "")}},
		"learner":     {down("silent"), []api.Observer{observer(2, "silent", "", "none"), observer(3, "silent", "none", ""), learner}},
		"deaf":        {down("deaf"), []api.Observer{observer(1, "", "silent", "silent"), observer(2, "deaf", "", "none"), observer(3, "deaf", "none", "")}},
		"two_reasons": {down("refused"), []api.Observer{observer(2, "refused", "", "none"), observer(3, "silent", "none", "")}},
		"stuck":       {down("stuck"), []api.Observer{observer(1, "", "none", "none"), observer(2, "stuck", "", "none"), observer(3, "stuck", "none", "")}},
		"killed":      {down("killed"), []api.Observer{observer(1, "", "none", "none"), observer(2, "none", "", "none"), observer(3, "none", "none", "")}},
		"exited":      {down("exited"), []api.Observer{ended, observer(2, "none", "", "none"), observer(3, "none", "none", "")}},
		"degraded": {[]api.Process{process(1, 1, "degraded", 12, "silent"), two, process(3, 1, "down", 4, "refused")},
			[]api.Observer{observer(2, "silent", "", "refused")}},
		"joining": {[]api.Process{process(1, 2, "joining", 12, "none"), two, three}, []api.Observer{back, fresh, observer(3, "none", "none", "")}},
		"up":      {[]api.Process{process(1, 1, "up", 12, "none"), two, three}, []api.Observer{observer(1, "", "none", "none"), observer(2, "none", "", "none")}},
		"leaving": {[]api.Process{process(1, 1, "leaving", 12, "none"), two, three}, []api.Observer{observer(1, "", "none", "none")}},
		"gone":    {[]api.Process{one, two}, []api.Observer{observer(1, "", "none"), observer(2, "none")}},
	} {
		before, v := twoViews(c.processes, c.observed...)
		golden(t, "explain_"+name+".txt", func(w io.Writer) error { return printExplained(w, before, v) })
	}
	before, v := twoViews([]api.Process{one, two, three}, observer(1, "", "none", "none"), observer(2, "none", "", "silent"))
	v.Leads = []api.Lead{{Group: 1, Term: 6, Server: 2, Name: "n2"}, before.Leads[1]}
	v.DetectionBoundMs = 140
	golden(t, "explain_lead_and_bound.txt", func(w io.Writer) error { return printExplained(w, before, v) })
	golden(t, "explain_not_held.txt", func(w io.Writer) error { return printExplained(w, nil, v) })
}

func TestNewsOfViews(t *testing.T) {
	before, v := twoViews([]api.Process{process(1, 1, "down", 12, "silent"), process(2, 2, "joining", 12, "none")})
	v.Leads = []api.Lead{{Group: 1, Term: 6, Server: 2, Name: "n2"}, before.Leads[1]}
	v.DetectionBoundMs = 80
	const want = "n1 down (silent), n2 (start 2) joining, n3 is no member any more, n2 leads airspace in term 6, detection bound 80 ms, was 60 ms"
	if got := strings.Join(news(before, v), ", "); got != want {
		t.Errorf("got  %s\nwant %s", got, want)
	}
	const first = "n1 up, n2 up, n3 up, n1 leads airspace in term 5, n2 leads members in term 3"
	if got := strings.Join(news(nil, before), ", "); got != first {
		t.Errorf("got  %s\nwant %s", got, first)
	}
}

func TestSurvival(t *testing.T) {
	set := func(wishes ...string) *api.Members {
		all := &api.Members{View: 9}
		for i, word := range wishes {
			wish, standing, _ := strings.Cut(word, " ")
			m := api.Member{Number: uint64(i + 1), Name: fmt.Sprintf("n%d", i+1), Wish: wish, Standing: standing}
			m.Gone = m.Standing == "gone"
			all.Members = append(all.Members, m)
		}
		return all
	}
	three := set("voter up", "voter up", "voter up")
	wounded := set("voter up", "voter up", "voter down")
	five := set("voter up", "voter up", "voter degraded", "voter joining", "voter up")
	learner := set("voter up", "voter up", "voter up", "learner up")
	unseen := set("voter up", "voter up", "voter")
	coming := set("voter up", "voter up", "removed down", "voter joining")
	coming.Members[3].Replaces = 3
	first := func(all *api.Members) *api.Member { return &all.Members[0] }
	last := func(all *api.Members) *api.Member { return &all.Members[len(all.Members)-1] }
	for _, c := range []struct {
		all    *api.Members
		change func(*electorate)
		want   string
	}{
		{three, removing(three, first(three)), "3 voters now: any 1 may fail. After this: 2 voters: none may fail."},
		{three, nothing, "3 voters now: any 1 may fail. After this: 3 voters: any 1 may fail."},
		{three, fencing(first(three)), "3 voters now: any 1 may fail. After this: 3 voters, 1 of them down: none may fail."},
		{wounded, fencing(first(wounded)), "3 voters now, 1 of them down: none may fail. After this: 3 voters, 2 of them down: no majority is up."},
		{wounded, removing(wounded, last(wounded)), "3 voters now, 1 of them down: none may fail. After this: 2 voters: none may fail."},
		{wounded, replacing(last(wounded), 0), "3 voters now, 1 of them down: none may fail. After this: 3 voters: any 1 may fail."},
		{five, removing(five, first(five)), "5 voters now: any 2 may fail. After this: 4 voters: any 1 may fail."},
		{learner, promoting(last(learner)), "3 voters now: any 1 may fail. After this: 4 voters: any 1 may fail."},
		{learner, removing(learner, last(learner)), "3 voters now: any 1 may fail. After this: 3 voters: any 1 may fail."},
		{unseen, nothing, "3 voters now, 1 of them down: none may fail. After this: 3 voters, 1 of them down: none may fail."},
		{coming, removing(coming, last(coming)), "3 voters now: any 1 may fail. After this: 3 voters, 1 of them down: none may fail."},
	} {
		if got := survival(c.all, false, c.change); got != c.want {
			t.Errorf("got  %s\nwant %s", got, c.want)
		}
	}
	unseen.View = 0 // nothing is known of anybody before there is a view
	if got := survival(unseen, false, nothing); !strings.HasPrefix(got, "3 voters now: any 1 may fail.") {
		t.Error(got)
	}
}

func TestMemberNamed(t *testing.T) {
	all := &api.Members{Members: []api.Member{{Number: 1, Name: "n1"}, {Number: 2, Name: "n2", Gone: true}, {Number: 3, Name: "n2"}}}
	for who, want := range map[string]uint64{"n1": 1, "n2": 3, "1": 1, "9": 9} {
		if m, err := memberNamed(all, who); err != nil || m.Number != want {
			t.Errorf("%s is %+v, %v; want server %d", who, m, err, want)
		}
	}
	var usage usageError
	if _, err := memberNamed(all, "n4"); !errors.As(err, &usage) || !strings.Contains(err.Error(), "n1, n2") {
		t.Error(err)
	}
}

// streamOf is what a server sends.
const streamOf = "retry: 1000\n\nid: 1\nevent: view\ndata: {\"number\":\"1\"}\n\n: view=1\n\nid: 2\nevent: view\ndata: {\"number\":\"2\"}\n\n"

func TestReadStream(t *testing.T) {
	read := func(text string) (last string, got []string, lines int, err error) {
		last, err = readStream(strings.NewReader(text), "", func() { lines++ }, func(id string, data []byte) error {
			got = append(got, id+string(data))
			return nil
		})
		return last, got, lines, err
	}
	last, got, lines, err := read(streamOf)
	if last != "2" || len(got) != 2 || got[1] != `2{"number":"2"}` || lines == 0 || !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("%s %q %d %v", last, got, lines, err)
	}
	// What a server says when it ends a stream is a reason, and no event.
	last, got, _, err = read(streamOf + "event: problem\ndata: {\"type\":\"urn:onevoice:problem:no-voice\"}\n\n")
	var p *problem.Error
	if last != "2" || len(got) != 2 || !errors.As(err, &p) || p.Kind != problem.NoVoice {
		t.Errorf("%s %q %v", last, got, err)
	}
}

func FuzzReadStream(f *testing.F) {
	f.Add([]byte(streamOf))
	f.Add([]byte("event: problem\ndata: {}\n\n"))
	f.Add([]byte("data: \n\nid\n\ndata: x\ndata: y\n\n"))
	f.Fuzz(func(t *testing.T, b []byte) {
		last, err := readStream(bytes.NewReader(b), "0", func() {}, func(id string, data []byte) error {
			if len(data) == 0 {
				t.Fatal("an event without data")
			}
			return nil
		})
		if err == nil || last != "0" && !bytes.Contains(b, []byte("data: ")) {
			t.Fatalf("%q ends after %q with %v", b, last, err)
		}
	})
}

// FuzzExplain: whatever a server answers is printed without a fault.
func FuzzExplain(f *testing.F) {
	before, v := twoViews([]api.Process{process(1, 1, "down", 12, "silent")}, observer(2, "silent", "", "none"))
	a, _ := json.Marshal(before)
	b, _ := json.Marshal(v)
	f.Add(a, b)
	f.Add([]byte(`{}`), []byte(`{"number":"3","processes":[{"since":"3","standing":"down","why":"%s"}],"observed":[{"votes":true,"server":"1","seen":[{"evidence":"%d"}]}]}`))
	f.Fuzz(func(t *testing.T, a, b []byte) {
		var before, v api.View
		if json.Unmarshal(a, &before) != nil || json.Unmarshal(b, &v) != nil {
			return
		}
		var out bytes.Buffer
		if err := printExplained(&out, &before, &v); err != nil || strings.Contains(out.String(), "%!") {
			t.Fatalf("%v: %s", err, out.String())
		}
		_ = news(&before, &v)
	})
}
