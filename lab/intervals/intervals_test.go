package intervals

import (
	"strings"
	"testing"

	"onevoice/geo"
)

const at = int64(1_533_099_600) * second

func visit() Visit { return Visit{"4067f2", "TOM2XE", "LSAZM6"} }

func window(from, to int64) geo.Window {
	return geo.Window{EnterMinNs: at + from*second, EnterMaxNs: at + from*second, LeaveMinNs: at + to*second, LeaveMaxNs: at + to*second}
}

func compare(want []Interval, samples []int64, got ...geo.Window) Outcome {
	flight := visit()
	flight.Sector = ""
	return Compare(map[Visit][]Interval{visit(): want}, map[Visit][]geo.Window{visit(): got}, map[Visit][]int64{flight: samples}, at+10_000*second)
}

func interval(from, to int64) Interval { return Interval{at + from*second, at + to*second} }

func TestCompareFindsWhatIsWrong(t *testing.T) {
	long := []Interval{interval(0, 100)}
	for name, o := range map[string]Outcome{
		"missing":              compare(long, nil),
		"late entry":           compare(long, nil, window(16, 100)),
		"late exit":            compare(long, nil, window(0, 116)),
		"window of its own":    compare(long, nil, window(0, 100), window(500, 520)),
		"sample not inside":    compare(long, []int64{at + 150*second}, window(0, 100), window(120, 200)),
		"parted by too much":   compare(long, nil, window(0, 30), window(60, 100)),
		"short between, found": compare(nil, nil, window(500, 511)),
	} {
		if len(o.Failures) == 0 {
			t.Errorf("%s: no failure: %s", name, o)
		}
	}
}

func TestCompareAllowsWhatTheStepAllows(t *testing.T) {
	long := []Interval{interval(0, 100)}
	for name, o := range map[string]Outcome{
		"equal":              compare(long, []int64{at + 50*second}, window(0, 100)),
		"ends within 15 s":   compare(long, nil, window(-15, 115)),
		"parted by 20 s":     compare(long, nil, window(0, 40), window(60, 100)),
		"expected parted":    compare([]Interval{interval(0, 40), interval(60, 100)}, nil, window(0, 100)),
		"short not found":    compare([]Interval{interval(0, 30)}, nil),
		"between samples":    compare(nil, nil, window(500, 509)),
		"open at the end":    compare(nil, nil, window(9_000, 10_001)),
		"near a short visit": compare([]Interval{interval(0, 0)}, nil, window(-5, 5)),
	} {
		if len(o.Failures) != 0 {
			t.Errorf("%s: %s: %v", name, o, o.Failures)
		}
	}
}

func TestReadNamesTheWrongRow(t *testing.T) {
	const header = "icao24,callsign,sector,first_inside,last_inside,samples\n"
	all, err := Read(strings.NewReader(header + "4067f2,TOM2XE,LSAZM6,2018-08-01T05:00:00Z,2018-08-01T05:17:10Z,104\n"))
	if err != nil || len(all[visit()]) != 1 || all[visit()][0] != (Interval{at, at + 1030*second}) {
		t.Errorf("%v, %v", all, err)
	}
	if _, err := Read(strings.NewReader(header + "a,b,c,noon,2018-08-01T05:17:10Z,1\n")); err == nil || !strings.Contains(err.Error(), "row 2") {
		t.Errorf("got %v", err)
	}
}
