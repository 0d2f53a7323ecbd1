package main

import (
	"io"
	"testing"

	"onevoice/web/api"
)

func TestPrintControl(t *testing.T) {
	ends := new(api.Time(1_533_121_260_000_000_000))
	golden(t, "positions.txt", func(w io.Writer) error {
		return printPositions(w, []api.WorkingPosition{
			{ID: "GVA-L1", Owner: "console-3", LeaseMs: 15_000, Version: "9.0", Sectors: []string{"LSAGW1", "LSAGW2"}},
			{ID: "ZRH-R1", Attended: true, Owner: "alice", LeaseMs: 15_000, Ends: ends, Version: "12.0"},
		})
	})
	golden(t, "positions_none.txt", func(w io.Writer) error { return printPositions(w, nil) })
	golden(t, "control.txt", func(w io.Writer) error {
		return printControl(w, []api.Control{
			{Flight: "BAW1", State: "handoff", Position: "ZRH-R1", Attended: true, To: &api.Target{Sector: "LSAGW1"}, Receiver: "GVA-L1", Ends: ends, TimeoutMs: 60_000, Version: "20.1"},
			{Flight: "DLH2", State: "controlled", Position: "GVA-L1", Version: "21.0"},
			{Flight: "SWR3", State: "coordinated", To: &api.Target{Position: "ZRH-R1"}, Receiver: "ZRH-R1", Version: "22.0"},
			{Sector: "LSAGW2", State: "uncontrolled", Version: "0.0"},
		})
	})
}
