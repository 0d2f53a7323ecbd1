package power

import (
	"os"
	"strings"
	"testing"
	"time"

	"onevoice/store/dropfs"
)

func TestReportForPeople(t *testing.T) {
	r := Report{Seed: 7, Within: BackWithin, Repeats: 12, Clusters: 2, Starts: 40, Destroyed: 3, Acked: 4000, Across: 120, Unknown: 1, Checks: 9000, Torn: 5,
		Lost: dropfs.Lost{Bytes: 5000, Changes: 60, Syncs: 900, Early: 70}, Back: []time.Duration{2e8, 3e8, 9e8}}
	r.ByServers[3], r.ByServers[5] = 1, 1
	r.fail("%s: F-1 was acknowledged as version 5.1 and is gone", "n1")
	r.Evidence = []string{"/tmp/x"}
	var got strings.Builder
	if err := r.Print(&got); err != nil {
		t.Fatal(err)
	}
	want, err := os.ReadFile("testdata/report.txt")
	if err != nil || got.String() != string(want) {
		t.Errorf("%v, got\n%s", err, got.String())
	}
}
