package web

import (
	"encoding/binary"
	"fmt"
	"io"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"onevoice/web/api"
)

func trackBody(id, at string) string {
	return `{"positions":[{"id":"` + id + `","callsign":"SWR1","position":[8.5,47.25],"altitude":{"value":245,"unit":"FL","ref":"STD"},` +
		`"time":"` + at + `","track_deg":215.55,"ground_speed_kt":410.5,"vertical_rate_fpm":-640}]}`
}

func TestPositions(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		_, s := newTest(t)
		var taken api.TracksTaken
		must(t, s, 200, &taken, "POST", "/api/v1/tracks", trackBody("4b1805", five))
		if taken != (api.TracksTaken{Taken: 1, Held: 1}) {
			t.Errorf("%+v", taken)
		}
		must(t, s, 200, &taken, "POST", "/api/v1/tracks", trackBody("4b1805", five))
		if taken != (api.TracksTaken{Older: 1, Held: 1}) {
			t.Errorf("again: %+v", taken)
		}
		time.Sleep(30 * time.Second)
		must(t, s, 200, nil, "POST", "/api/v1/tracks", trackBody("4b1806", five))
		w := must(t, s, 200, nil, "GET", "/api/v1/tracks", "")
		one := strings.TrimSuffix(strings.TrimPrefix(trackBody("4b1805", five), `{"positions":[`), "]}")
		other := strings.Replace(one, "4b1805", "4b1806", 1)
		if want := `{"positions":[` + one + "," + other + "]}\n"; w.Body.String() != want {
			t.Errorf("got  %s\nwant %s", w.Body, want)
		}
		if w.Header().Get("Onevoice-Index") != "" || w.Header().Get("Onevoice-Node") != "n1" {
			t.Errorf("observations with the proof of an agreed answer: %v", w.Header())
		}
		time.Sleep(30 * time.Second)
		if w := ask(s, "GET", "/api/v1/tracks", ""); w.Body.String() != `{"positions":[`+other+"]}\n" {
			t.Errorf("after a minute: %s", w.Body)
		}
		time.Sleep(30 * time.Second)
		if w := ask(s, "GET", "/api/v1/tracks", ""); w.Body.String() != "{\"positions\":[]}\n" {
			t.Errorf("after two: %s", w.Body)
		}
	})
}

func TestAFullTableRefusesFurtherAircraft(t *testing.T) {
	table, now := newTable(), time.Now()
	tracks := make([]api.Track, api.MaxTracks)
	for i := range tracks {
		tracks[i] = api.Track{ID: fmt.Sprint(i), Time: 1}
	}
	if n := table.take(tracks, now); n.Taken != api.MaxTracks || n.Refused != 0 {
		t.Fatalf("%+v", n)
	}
	more := []api.Track{{ID: "more", Time: 1}, {ID: "0", Time: 2}}
	if n := table.take(more, now.Add(time.Second)); n != (api.TracksTaken{Taken: 1, Refused: 1, Held: api.MaxTracks}) {
		t.Errorf("full: %+v", n)
	}
	if n := table.take(more, now.Add(trackLife)); n != (api.TracksTaken{Taken: 1, Older: 1, Held: 2}) {
		t.Errorf("a minute later: %+v", n)
	}
	if c := table.since(api.MaxTracks-1, now.Add(trackLife)); len(c.tracks) != 2 || len(c.gone) != api.MaxTracks-1 || c.lost {
		t.Errorf("%d changed, %d gone, lost %v", len(c.tracks), len(c.gone), c.lost)
	}
	table.gone = append(table.gone, removal{"x", table.seq})[1:]
	for len(table.gone) < maxGone {
		table.gone = append(table.gone, removal{"x", table.seq})
	}
	if c := table.since(1, now.Add(trackLife)); !c.lost {
		t.Error("a reader that missed removals is not told")
	}
}

// message reads one message of a binary stream.
func (r *reader) message() api.TrackMessage {
	r.t.Helper()
	var n [4]byte
	if _, err := io.ReadFull(r.in, n[:]); err != nil {
		r.t.Fatal(err)
	}
	b := make([]byte, binary.BigEndian.Uint32(n[:]))
	if _, err := io.ReadFull(r.in, b); err != nil {
		r.t.Fatal(err)
	}
	m, err := api.ReadTrackMessage(b)
	if err != nil {
		r.t.Fatal(err)
	}
	return m
}

func TestPositionStream(t *testing.T) {
	bubble(t, func(t *testing.T, f *fake, s *Server, p *pipes) {
		must(t, s, 200, nil, "POST", "/api/v1/tracks", trackBody("a", five))
		r := p.open(t, "/api/v1/tracks", "Accept", api.TrackStreamType)
		if kind := r.resp.Header.Get("Content-Type"); kind != api.TrackStreamType {
			t.Errorf("media type %s", kind)
		}
		first := r.message()
		if first.Kind != api.TracksChanged || len(first.Positions) != 1 || first.Positions[0].ID != "a" {
			t.Fatalf("first %+v", first)
		}
		if got, _ := first.Positions[0], 0; *got.TrackDeg != 215.55 || *got.GroundSpeedKt != 410.5 || *got.VerticalRateFpm != -640 || got.Altitude.String() != "FL245" || got.Position.LonE7 != 85_000_000 {
			t.Errorf("%+v", got)
		}
		if m := r.message(); m.Kind != api.TracksAlive {
			t.Errorf("idle: %+v", m)
		}
		must(t, s, 200, nil, "POST", "/api/v1/tracks", trackBody("b", five))
		if m := r.message(); m.Kind != api.TracksChanged || len(m.Positions) != 1 || m.Positions[0].ID != "b" {
			t.Errorf("changed: %+v", m)
		}
		begun := time.Now()
		must(t, s, 200, nil, "POST", "/api/v1/tracks", trackBody("b", six))
		must(t, s, 200, nil, "POST", "/api/v1/tracks", trackBody("c", six))
		if m := r.message(); m.Kind != api.TracksChanged || len(m.Positions) != 2 {
			t.Errorf("a burst: %+v", m)
		}
		if took := time.Since(begun); took != trackPause {
			t.Errorf("the next message came after %v, want %v", took, trackPause)
		}
		gone := map[string]bool{}
		for len(gone) < 3 {
			m := r.message()
			for _, id := range m.Gone {
				gone[id] = true
			}
		}
		r.conn.Close()
	})
}
