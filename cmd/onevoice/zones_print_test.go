package main

import (
	"io"
	"testing"

	"onevoice/web/api"
)

func TestPrintedZones(t *testing.T) {
	const volume = `{"polygon":{"type":"Polygon","coordinates":[[[8,47],[9,47],[9,48],[8,47]]]},"floor":{"value":0,"unit":"ft","ref":"STD"},"ceiling":"unlimited","from":"2018-08-01T05:00:00Z","to":"2018-08-01T08:00:00Z"}`
	zones := fixture[api.Zones](t, `{"zones":[{"id":"R6","kind":"closed","name":"Thun","owner":"CAA","volumes":[`+volume+`],"version":"17.0"},
		{"id":"U1","kind":"limit","limit":{"at_once":2,"per_hour":10},"volumes":[`+volume+`,`+volume+`],"version":"18.0","checking":true,"checked":"SWR1"}]}`)
	golden(t, "zones.txt", func(w io.Writer) error { return printZones(w, zones.Zones) })
	breaches := fixture[api.Breaches](t, `{"from":"2018-08-01T11:00:00Z","to":"2018-08-02T11:00:00Z","breaches":[
		{"zone":"R6","kind":"closed","flight":"SWR1-4b1-1","callsign":"SWR1","version":"7.0",`+sureVisit+`}]}`)
	golden(t, "breaches.txt", func(w io.Writer) error { return printBreaches(w, breaches.Breaches) })
}
