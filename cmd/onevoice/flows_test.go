package main

import (
	"io"
	"testing"

	"onevoice/web/api"
)

func TestPrintedFlows(t *testing.T) {
	p := fixture[api.Flows](t, `{"from":"2018-08-01T05:00:00Z","to":"2018-08-01T06:00:00Z","flows":[
		{"to":"RHINE-H","count":12,"first":"2018-08-01T05:01:00Z","last":"2018-08-01T05:58:30Z","late":{"known":9,"mean_ms":64500,"worst_ms":610000}},
		{"from":"ADIGE-H","to":"RHINE-H","count":3,"first":"2018-08-01T05:11:00Z","last":"2018-08-01T05:48:30Z","late":{"known":1,"mean_ms":-12000,"worst_ms":-12000}},
		{"from":"RHINE-H","count":5,"first":"2018-08-01T05:21:00Z","last":"2018-08-01T05:38:30Z"}]}`)
	for name, output := range map[string]string{"flows": "", "flows_dot": "dot", "flows_csv": "csv", "flows_json": "json"} {
		golden(t, name+".txt", func(w io.Writer) error { return printFlows(w, output, p) })
	}
	r := fixture[api.Routes](t, `{"from":"2018-08-01T05:00:00Z","to":"2018-08-01T06:00:00Z","routes":[
		{"from":"","to":"LSZH","count":1,"paths":[{"sectors":["ALPS-L"],"count":1}]},
		{"from":"LSGG","to":"LSZH","count":14,"paths":[{"sectors":["ALPS-L","RHINE-H"],"count":12},{"sectors":["ALPS-L"],"count":2}]}]}`)
	golden(t, "routes.txt", func(w io.Writer) error { return printRoutes(w, "", r) })
}
