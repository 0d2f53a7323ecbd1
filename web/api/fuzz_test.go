package api

import (
	"encoding/json"
	"errors"
	"reflect"
	"testing"
	"unicode/utf8"

	"onevoice/airspace"
	"onevoice/problem"
)

// seeds are bodies of every kind, whole and broken.
func seeds(f *testing.F) {
	s, p := records()
	s.Volumes[0].Rings = s.Volumes[0].Rings[:1]
	for i := range s.Volumes {
		s.Volumes[i].Rings[0][2].LonE7 = 85000000
	}
	sector, flight := FromSector(s), FromFlight(p)
	sector.Version, flight.Version, flight.Windows = "", "", nil
	question := map[string]any{"from": Time(1e9), "volume": map[string]any{"floor": sector.Volumes[0].Floor, "ceiling": "unlimited",
		"circle": Circle{Position{1, 2}, 50000}}}
	tracks := Tracks{Positions: []Track{{ID: "a", Callsign: "é", Time: 5, Altitude: new(Altitude(p.Path[0].Alt)), TrackDeg: new(1.5)}}}
	for _, v := range []any{sector, flight, question, tracks, ServiceTime{5, "1.5", ""}, Rules{30_000, 6e11, Separation{926_000, 30_480}, ""}, ProgressReport{"silent", 5, 6, 7e9, flight.Path}} {
		b, err := json.Marshal(v)
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
		f.Add(b[:len(b)/2])
	}
	for _, text := range []string{``, `{}`, `{"a":1}`, `{"rate":1e999}`, `{"rate":NaN}`, "{\"name\":\"\xff\"}", `{"name":"\ud800\udc00\u0000"}`, `[[[[`, "{\x00}", `{"rate":1,}`} {
		f.Add([]byte(text))
	}
}

// checkRefusal checks that a refusal says what it has to, in text that can be printed.
func checkRefusal(t *testing.T, err error) {
	t.Helper()
	var p *problem.Error
	if !errors.As(err, &p) || p.Kind != problem.Invalid || p.Op == "" || p.Field == "" || p.Allowed == "" && p.Detail == "" {
		t.Fatalf("refused with %#v", err)
	}
	if len(p.Field) > 2*problem.MaxValueBytes || len(p.Value) > 2*problem.MaxValueBytes || len(p.Allowed) > 256 {
		t.Fatalf("refused at length: %q", p)
	}
}

func FuzzBodies(f *testing.F) {
	seeds(f)
	f.Fuzz(func(t *testing.T, body []byte) {
		s, err := ReadSector("S", body)
		if err != nil {
			checkRefusal(t, err)
		} else if !utf8.ValidString(s.Name) || !json.Valid(body) {
			t.Fatalf("taken: %q as %+v", body, s)
		} else if again, err := json.Marshal(FromSector(&airspace.SectorRecord{Sector: s})); err != nil {
			t.Fatal(err)
		} else if back, err := ReadSector("S", again); err != nil || !reflect.DeepEqual(back, s) {
			t.Fatalf("%s\nreads as %+v\nand back as %+v (%v)", body, s, back, err)
		}
		plan, err := ReadFlight("F", body)
		if err != nil {
			checkRefusal(t, err)
		} else {
			again, err := json.Marshal(FromFlight(&airspace.FlightRecord{Flight: plan}))
			if err != nil {
				t.Fatal(err)
			}
			back, err := ReadFlight("F", again)
			if err != nil || !reflect.DeepEqual(back, plan) {
				t.Fatalf("%s\nreads as %+v\nand back as %+v (%v)", body, plan, back, err)
			}
		}
		if _, err = ReadQuestion(body); err != nil {
			checkRefusal(t, err)
		}
		if report, err := ReadProgress("F", body); err != nil {
			checkRefusal(t, err)
		} else if p := airspace.Validate(report); p != nil {
			t.Fatalf("%s\nwas taken, and the machine refuses it: %v", body, p)
		}
		for _, read := range []func([]byte, airspace.Precondition) (airspace.Command, error){ReadServiceTime, ReadRules} {
			if cmd, err := read(body, airspace.Precondition{}); err != nil {
				checkRefusal(t, err)
			} else if p := airspace.Validate(cmd); p != nil || !json.Valid(body) {
				t.Fatalf("taken: %q, and the machine refuses it: %v", body, p)
			}
		}
		if _, err = ReadTracks(body); err != nil {
			checkRefusal(t, err)
		}
	})
}

func FuzzNumbers(f *testing.F) {
	for _, s := range []string{"0", "-0", "1.5", "1e3", "-1E-3", "01", "1.", ".5", "+1", "NaN", "1e", "123456789012345678901234567890", "0.00000005", "9e999999999"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		d, ok := parseDecimal([]byte(s))
		var n json.Number
		if err := json.Unmarshal([]byte(s), &n); ok != (err == nil && n.String() == s) {
			t.Fatalf("%q is a number: %v, encoding/json says %v", s, ok, err)
		}
		if !ok {
			return
		}
		v, ok := d.scaled(degreePlaces)
		x, err := n.Float64()
		if !ok {
			if err == nil && x > -1e10 && x < 1e10 {
				t.Fatalf("%q is said to be too large", s)
			}
			return
		}
		if diff := x*1e7 - float64(v); diff > 0.5001+1e-9*abs(x*1e7) || diff < -0.5001-1e-9*abs(x*1e7) {
			t.Fatalf("%q is %d times 1e-7", s, v)
		}
		if text := appendScaled(nil, v, degreePlaces); true {
			again, ok := parseDecimal(text)
			back, fits := again.scaled(degreePlaces)
			if !ok || !fits || back != v {
				t.Fatalf("%d is written as %s", v, text)
			}
		}
	})
}

func abs(x float64) float64 { return max(x, -x) }

func FuzzTrackMessages(f *testing.F) {
	a := Altitude{Cm: 5, Ref: 1}
	for _, m := range []TrackMessage{
		{Kind: TracksAlive}, {Kind: TracksGone, Gone: []string{"a", "b"}},
		{Kind: TracksChanged, Positions: []Track{{ID: "a"}, {ID: "b", Callsign: "c", Position: Position{1, 2}, Time: -5, Altitude: &a, TrackDeg: new(359.99), GroundSpeedKt: new(0.1), VerticalRateFpm: new(-7.0)}}},
	} {
		f.Add(AppendTrackMessage(nil, &m)[4:])
	}
	f.Fuzz(func(t *testing.T, b []byte) {
		m, err := ReadTrackMessage(b)
		if err != nil {
			return
		}
		if again := AppendTrackMessage(nil, &m); string(again[4:]) != string(b) {
			t.Fatalf("%x reads as %+v and is written as %x", b, m, again)
		}
	})
}

func FuzzStrings(f *testing.F) {
	for _, s := range []string{"", "a", "\x00\x1f\"\\/<>&\u2028\u2029é𝄞\xff", "\x7f"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		text := appendString(nil, s)
		var plain string
		if err := json.Unmarshal(text, &plain); err != nil {
			t.Fatalf("%q is written as %s: %v", s, text, err)
		}
		r := newReader("test", text)
		if own := r.str(len(text)); r.finish() != nil || own != plain {
			t.Fatalf("%s reads as %q, encoding/json says %q", text, own, plain)
		}
		if utf8.ValidString(s) && plain != s {
			t.Fatalf("%q reads back as %q", s, plain)
		}
		// As JSON of somebody else.
		var theirs string
		err := json.Unmarshal([]byte(s), &theirs)
		r = newReader("test", []byte(s))
		ours := r.str(len(s))
		if ok := r.finish() == nil; ok && (err != nil || ours != theirs) {
			t.Fatalf("%q reads as %q, encoding/json says %q, %v", s, ours, theirs, err)
		}
	})
}
