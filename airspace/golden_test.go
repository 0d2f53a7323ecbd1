package airspace

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"onevoice/geo"
	"onevoice/problem"
)

// TestGoldenBytes keeps the formats of the log, the streams, the wire and the snapshots as they are. Where a format must
// change, Format goes up.
func TestGoldenBytes(t *testing.T) {
	window := SectorWindow{"A", geo.Window{EnterMinNs: 1, EnterMaxNs: 2, LeaveMinNs: 3, LeaveMaxNs: 4}}
	flight := FlightRecord{
		Flight: Flight{
			ID: "f", Callsign: "SWR1", From: "LSZH", To: "LSGG", Uncertainty: geo.Uncertainty{LateralCm: 1, VerticalCm: 2, TimeNs: 3},
			Path: []geo.Point4D{
				{Pos: geo.LatLon{LatE7: 470_000_000, LonE7: -80_000_000}, Alt: geo.Altitude{Cm: 300, Ref: geo.RefSTD}, AtNs: startNs},
				{Pos: geo.LatLon{LatE7: 470_000_001, LonE7: -80_000_001}, Alt: geo.Altitude{Cm: 299, Ref: geo.RefSTD}, AtNs: startNs + second},
			},
			Cells: []uint64{1, 1 << 60},
		},
		Version: Version{300, 1}, Windows: []SectorWindow{window},
	}
	sector := SectorRecord{Sector{ID: "A", Name: "Süd", Volumes: []geo.Polygon{square(1, 2, 3, 4, 10, 999)}, Cells: []uint64{1}}, Version{2, 0}}
	match := Precondition{Match: &Version{300, 1}}
	for _, c := range []struct {
		name, want string
		got        []byte
	}{
		{"cancel", "0104" + "01ac0201" + "0166", Encode(CancelFlight{ID: "f", If: match})},
		{"service", "010500" + "000000000000000a" + "00000000000003e8", Encode(SetService{AnchorNs: 10, RateMilli: 1000})},
		{"flight", "sha256 668380683b143d9b", Encode(PutFlight{Flight: flight.Flight, If: Precondition{Absent: true}})},
		{"sector", "sha256 77aca65760bbfc74", Encode(PutSector{Sector: sector.Sector})},
		{"atomic", "011400" + "02" + "05" + "0104000166" + "05" + "0102000141", Encode(Atomic{Commands: []Command{CancelFlight{ID: "f"}, RemoveSector{ID: "A"}}})},
		{"rules", "sha256 034ff50c279324fa", Encode(SetRules{CrossRefCm: 1, RetainNs: 2})},
		{"progress", "sha256 9955189b5c5ffa00", Encode(ReportProgress{ID: "f", Mark: Mark{Deviating, 1, 2, 3}, Path: flight.Path, If: match})},
		{"progress event", "sha256 519126be67c59e46", encodeEvent(&Event{Kind: FlightProgress, ID: "f", Version: Version{1, 2}, Windows: flight.Windows, Detail: &Mark{Silent, 1, 2, 3}})},
		{"event", "sha256 acdb89f909de7cdc", encodeEvent(&Event{Kind: FlightPut, ID: "f", Version: Version{1, 2}, Callsign: "SWR1", Windows: flight.Windows, ServiceNs: 9})},
		{"result", "sha256 218346f3c6481db8", encodeResult(&Result{Version: Version{1, 2}, ServiceNs: 9, Windows: flight.Windows, Rewindowed: 3, Current: &Version{4, 5}})},
		{"refusal", "sha256 541c59340013db31", encodeResult(&Result{Problem: &problem.Error{Kind: problem.Invalid, Op: "op", Subject: "s", Field: "f", Value: "v", Allowed: "a", Detail: "d"}})},
		{"who", "sha256 81e69496bae005f6", EncodeQuery(WhoQuery{"A", 1, 2, Cursor{3, "f"}, 4})},
		{"volume", "sha256 e1cf1b10322ba478", EncodeQuery(VolumeQuery{sector.Volumes[0], sector.Cells, 1, 2, Cursor{}, 4})},
		{"visits", "sha256 76bf4f8c0ed2fda0", encodeAnswer(&Answer{ServiceNs: 9, kind: kindWho, Body: Visits{{"f", "c", "a", "b", Version{1, 2}, window.Window}}})},
		{"flight answer", "sha256 2a98487b30326e7d", encodeAnswer(&Answer{ServiceNs: 9, kind: kindFlight, Body: &flight})},
		{"sector answer", "sha256 245ba41f5ed52c2f", encodeAnswer(&Answer{ServiceNs: 9, kind: kindSector, Body: &sector})},
		{"no answer", "sha256 938262974901a76e", encodeAnswer(&Answer{ServiceNs: 9, kind: kindSector, Problem: notFound("sector", "A", "sector")})},
		{"head", "sha256 55fa79291c3b3eb3", chunksOf(NewAt(5, 2000).State())[0]},
	} {
		got := hex.EncodeToString(c.got)
		if len(c.want) > 6 && c.want[:6] == "sha256" {
			sum := sha256.Sum256(c.got)
			got = "sha256 " + hex.EncodeToString(sum[:8])
		}
		if got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}
