package airspace

import (
	"crypto/sha256"
	"encoding/hex"
	"testing"

	"onevoice/airspace/control"
	"onevoice/fence"
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
	by := control.By{Position: "R1", Holder: fence.Holder{1, 2}}
	record := control.Record{Thing: control.Flight, ID: "f", State: control.Handoff, Position: "R1", To: control.Target{Sector: "A"}, TimeoutMs: 30_000, EndsNs: 8, Version: control.Version{Index: 7, Sub: 1}}
	position := control.Position{ID: "R1", Holder: by.Holder, Owner: "console 1", LeaseMs: 5_000, EndsNs: 7, Version: control.Version{Index: 6}}
	pair := &Conflict{A: "f", B: "g", Sectors: []string{"A"}, Since: Version{1, 2}, Approach: geo.Approach{Spans: []geo.Span{{FromNs: 1, ToNs: 3}}, AtNs: 2, Pos: geo.LatLon{LatE7: 4, LonE7: 5}, LateralCm: 6, VerticalCm: 7}}
	match := Precondition{Match: &Version{300, 1}}
	for _, c := range []struct {
		name, want string
		got        []byte
	}{
		{"cancel", "0104" + "01ac0201" + "0166" + "00", Encode(CancelFlight{ID: "f", If: match})},
		{"service", "010500" + "000000000000000a" + "00000000000003e8", Encode(SetService{AnchorNs: 10, RateMilli: 1000})},
		{"flight", "sha256 f1c133fda699134e", Encode(PutFlight{Flight: flight.Flight, If: Precondition{Absent: true}})},
		{"drone", "sha256 0ab86501f191dfca", Encode(PutFlight{Flight: Flight{ID: "d", Volumes: []Volume4D{{Area: square(1, 2, 3, 4, 10, 20), FromNs: startNs, ToNs: startNs + second}}}})},
		{"sector", "sha256 6b2cb7a789eb5dc8", Encode(PutSector{Sector: sector.Sector})},
		{"zone", "sha256 4fbf99d794d7301b", Encode(PutZone{Zone: Zone{ID: "Z", Kind: ZoneLimit, Name: "n", Owner: "o", Remarks: "r", Volumes: []Volume4D{{square(1, 2, 3, 4, 10, 999), 5, 6}}, Limit: Limit{7, 8}}})},
		{"no zone", "010900015a", Encode(RemoveZone{ID: "Z"})},
		{"breach", "sha256 16a94170d58c1fbf", encodeEvent(&Event{Kind: BreachFound, ID: "Z", Version: Version{1, 2}, Callsign: "SWR1", ServiceNs: 9, Detail: &BreachDetail{"f", []geo.Window{window.Window}}})},
		{"breaches", "sha256 23d4188eef142b36", EncodeQuery(BreachQuery{"Z", "f", 1, 2, BreachCursor{"Y", 3, "e"}, 4})},
		{"breaches answer", "sha256 68012ae825f6f436", encodeAnswer(&Answer{ServiceNs: 9, kind: kindBreaches, Body: Breaches{{"Z", ZoneClosed, "f", "SWR1", Version{1, 2}, window.Window}}})},
		{"atomic", "011400" + "02" + "06" + "010400016600" + "05" + "0102000141", Encode(Atomic{Commands: []Command{CancelFlight{ID: "f"}, RemoveSector{ID: "A"}}})},
		{"rules", "sha256 034ff50c279324fa", Encode(SetRules{CrossRefCm: 1, RetainNs: 2})},
		{"progress", "sha256 9955189b5c5ffa00", Encode(ReportProgress{ID: "f", Mark: Mark{Deviating, 1, 2, 3}, Path: flight.Path, If: match})},
		{"progress event", "sha256 cf57bccfe6c0aec3", encodeEvent(&Event{Kind: FlightProgress, ID: "f", Version: Version{1, 2}, Windows: flight.Windows, Detail: &Mark{Silent, 1, 2, 3}})},
		{"event", "sha256 611893d71b6ee932", encodeEvent(&Event{Kind: FlightPut, ID: "f", Version: Version{1, 2}, Callsign: "SWR1", Windows: flight.Windows, ServiceNs: 9})},
		{"result", "sha256 86728d5ccba983a5", encodeResult(&Result{Version: Version{1, 2}, ServiceNs: 9, Windows: flight.Windows, Rewindowed: 3, Current: &Version{4, 5}})},
		{"refusal", "sha256 74ab8a0b2729ef9a", encodeResult(&Result{Problem: &problem.Error{Kind: problem.Invalid, Op: "op", Subject: "s", Field: "f", Value: "v", Allowed: "a", Detail: "d"}})},
		{"who", "sha256 1d8cd1655b6c772e", EncodeQuery(WhoQuery{"A", 1, 2, Cursor{3, "f"}, 4})},
		{"flight then", "0101" + "0000000000000005" + "0000000000000000" + "03" + "0166", EncodeQueryAsOf(FlightQuery{"f"}, Known{Index: 5})},
		{"volume", "sha256 0c200bbff1ac8d7b", EncodeQuery(VolumeQuery{sector.Volumes[0], sector.Cells, 1, 2, Cursor{}, 4})},
		{"visits", "sha256 6547cdf6d707e728", encodeAnswer(&Answer{ServiceNs: 9, kind: kindWho, Body: Visits{{"f", "c", "a", "b", Version{1, 2}, window.Window, control.Handoff, "R1", true}}})},
		{"flight answer", "sha256 f950b5729e5f4fd7", encodeAnswer(&Answer{ServiceNs: 9, kind: kindFlight, Body: &flight})},
		{"sector answer", "sha256 c44945640e1f4497", encodeAnswer(&Answer{ServiceNs: 9, kind: kindSector, Body: &sector})},
		{"no answer", "sha256 2915b2f72f8e6b9d", encodeAnswer(&Answer{ServiceNs: 9, kind: kindSector, Problem: notFound("sector", "A", "sector")})},
		{"sign on", "sha256 ef4cf2e0003337b2", Encode(SignOn{By: by, Owner: "console 1", LeaseMs: 5_000})},
		{"keep", "sha256 29b554733ccb773b", Encode(KeepPosition{By: by})},
		{"sign off", "sha256 d7037a82db2a1175", Encode(SignOff{By: by, Leave: true})},
		{"act", "sha256 c52ef2f2d8cdea65", Encode(Control{control.Flight, "f", control.Request{Act: control.Propose, By: by, To: record.To, TimeoutMs: 30_000, Match: &record.Version}})},
		{"record event", "sha256 e31673d42ffda5b1", encodeEvent(&Event{Kind: FlightControl, ID: "f", Detail: ControlDetail{control.Event{Act: control.Propose, By: "R1", Was: "R1", Attended: true, Record: &record}}})},
		{"position event", "sha256 f86d3e9cd0bd7a87", encodeEvent(&Event{Kind: PositionSignedOn, ID: "R1", Detail: ControlDetail{control.Event{Act: control.SignOn, By: "R1", Position: &position}}})},
		{"control answer", "sha256 d916a9e6470835fe", encodeAnswer(&Answer{ServiceNs: 9, kind: kindControlOf, Body: &Controlled{record, true, "R2"}})},
		{"position answer", "sha256 598a22dd6545348d", encodeAnswer(&Answer{ServiceNs: 9, kind: kindPosition, Body: &PositionState{position, []string{"A"}}})},
		{"head", "sha256 450e29f60e6be810", chunksOf(NewAt(5, 2000).State())[0]},
		{"conflict event", "sha256 6f13aee1ae7c1abd", encodeEvent(&Event{Kind: ConflictFound, ID: "f+g", Version: Version{1, 2}, Detail: pair})},
		{"load event", "sha256 cb4ad74283097bb2", encodeEvent(&Event{Kind: CapacityWarn, ID: "A", Version: Version{1, 2}, Detail: &BucketLoad{1, 2, Bucket{3, 4, 5, 6, LevelWarn}}})},
		{"conflicts", "sha256 9e68bca08a07ca3a", EncodeQuery(ConflictsQuery{Sector: "A", Flight: "f", FromNs: 1, ToNs: 2, After: ConflictCursor{1, "f", "g"}, Limit: 4})},
		{"versions", "sha256 04163815717f3cfd", EncodeQuery(VersionsQuery{Flight: "f", From: Known{Index: 1}, To: Known{AtNs: 2}, After: 3, Limit: 4})},
		{"versions answer", "sha256 2358bb0530f310bc", encodeAnswer(&Answer{ServiceNs: 9, kind: kindVersions, Body: &Versions{List: []KnownVersion{{1, 2, 3, 4, ChangePut, &flight, nil}, {2, 0, 4, 0, ChangePut, nil, &sector}}, Next: 2}})},
		{"diff", "sha256 b845eea5294a1e60", EncodeQuery(DiffQuery{From: Known{Index: 1}, Sector: "A", After: DiffPlace{true, "f"}, Limit: 4})},
		{"diff answer", "sha256 c5a8ff0d70380b10", encodeAnswer(&Answer{ServiceNs: 9, kind: kindDiff, Body: &Diff{1, 2, 3, 4, []Difference{{DiffPlace{true, "f"}, "SWR1", Version{1, 2}, Version{}, AspectPlan | AspectRecord, flight.Windows, nil}}, &DiffPlace{true, "f"}}})},
		{"load", "sha256 3a4cb6a2571ec9b3", EncodeQuery(LoadQuery{"A", 1, 2, 3})},
		{"conflicts answer", "sha256 3cbeb35afeb4066d", encodeAnswer(&Answer{ServiceNs: 9, kind: kindConflicts, Body: &Conflicts{List: []Encounter{{pair, "C", "D"}}, Next: &ConflictCursor{1, "f", "g"}, Computing: true}})},
	} {
		checkBytes(t, c.name, c.want, c.got)
	}
}

// checkBytes holds bytes against what they are in hexadecimal, or against their hash.
func checkBytes(t *testing.T, name, want string, b []byte) {
	t.Helper()
	if got := short(b); got != want && hex.EncodeToString(b) != want {
		t.Errorf("%s: %s, want %s", name, got, want)
	}
}

func short(b []byte) string {
	sum := sha256.Sum256(b)
	return "sha256 " + hex.EncodeToString(sum[:8])
}
