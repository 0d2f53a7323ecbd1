package real

import "testing"

// TestUpgrade rolls from one build to the next and back under load: see upgrade.
func TestUpgrade(t *testing.T) {
	needsSpace(t)
	report, err := Run(t.Context(), Scenario{Name: "upgrade", Play: upgrade}, RunOptions{Seed: 1, Servers: 3, Secs: 1, Binary: server(t), Dir: t.TempDir()})
	if err != nil {
		t.Fatal(err)
	}
	t.Logf("%+v", report)
	if !report.OK() || report.Faults < 8 || report.Acked < 8*calmPasses || report.Hashes < 100 {
		t.Errorf("%s, %d faults: %v", report.Verdict(), report.Faults, report.Violations)
	}
}
