package main

import (
	"io"
	"testing"

	"onevoice/web/api"
)

func TestPrintedForecast(t *testing.T) {
	conflicts := fixture[api.Conflicts](t, `{"at":"2018-08-01T11:00:00Z","from":"2018-08-01T11:00:00Z","to":"2018-08-01T12:00:00Z","computing":true,"crowded":false,"next":"1533122400000000000_a+b","conflicts":[
		{"a":{"flight":"4b1-1","callsign":"SWR1"},"b":{"flight":"4b2-1","callsign":"EZY22"},"spans":[{"from":"2018-08-01T11:20:00Z","to":"2018-08-01T11:20:10Z"},{"from":"2018-08-01T11:21:00Z","to":"2018-08-01T11:21:10Z"}],
			"closest":{"time":"2018-08-01T11:21:05Z","position":[8,47],"lateral":{"value":2.29,"unit":"NM"},"vertical":{"value":900,"unit":"ft"}},"sectors":["LSAZM5","LSAZM6"],"since":"7.0"},
		{"a":{"flight":"a"},"b":{"flight":"b"},"spans":[{"from":"2018-08-01T11:20:00Z","to":"2018-08-01T11:20:10Z"}],
			"closest":{"time":"2018-08-01T11:20:05Z","position":[8,47],"lateral":{"value":0,"unit":"NM"},"vertical":{"value":0,"unit":"ft"}},"sectors":[],"since":"7.0"}]}`)
	golden(t, "conflicts.txt", func(w io.Writer) error { return printConflicts(w, conflicts) })

	const bucket = `"entries":5,"hour_entries":24,"peak":8,"sure_peak":6,"level":"warn"`
	const capacity = `"capacity":{"occupancy_warn":8,"occupancy_alert":10,"entries_warn":0,"entries_alert":40}`
	load := fixture[api.Load](t, `{"sector":"LSAZM5",`+capacity+`,"from":"2018-08-01T11:00:00Z","to":"2018-08-01T11:20:00Z","bucket":{"value":600,"unit":"s"},"buckets":[
		{"from":"2018-08-01T11:00:00Z",`+bucket+`},{"from":"2018-08-01T11:10:00Z","entries":60,"hour_entries":60,"peak":50,"sure_peak":38,"level":"alert"}]}`)
	golden(t, "capacity.txt", func(w io.Writer) error { return printLoad(w, load) })
	levels := fixture[api.Levels](t, `{"counting":true,"next":"1_LSAZM5","levels":[{"sector":"LSAZM5",`+capacity+`,"since":"7.0","bucket":{"from":"2018-08-01T11:00:00Z",`+bucket+`}}]}`)
	golden(t, "capacity_all.txt", func(w io.Writer) error { return printLevels(w, levels, "") })

	golden(t, "event_conflict.txt", func(w io.Writer) error {
		return printEvent(w, "", "7.0", []byte(`{"kind":"conflict-found","id":"4b1-1+4b2-1","version":"7.0","service_time":"2018-08-01T10:50:00Z","conflict":{"a":{"flight":"4b1-1"},"b":{"flight":"4b2-1"},"spans":[],
			"closest":{"time":"2018-08-01T11:21:05Z","position":[8,47],"lateral":{"value":2.29,"unit":"NM"},"vertical":{"value":900,"unit":"ft"}},"sectors":["LSAZM5"],"since":"7.0"}}`))
	})
	golden(t, "event_capacity.txt", func(w io.Writer) error {
		return printEvent(w, "", "7.1", []byte(`{"kind":"capacity-warn","id":"LSAZM5","version":"7.0","service_time":"2018-08-01T10:50:00Z","load":{"from":"2018-08-01T11:00:00Z",`+bucket+`}}`))
	})
}
