package host

import (
	"context"
	"log/slog"
	"sync"

	"onevoice/step"
)

// maxFactNames bounds the table of facts; their names are fixed words in the source, far fewer than this.
const maxFactNames = 256

// factLog logs and counts the node's facts.
type factLog struct {
	mu     sync.Mutex
	counts map[string]uint64
}

// levels are those of facts that an operator wants to see; the others are for debugging.
func factLevel(name string) slog.Level {
	switch name {
	case "leader", "stepped-down", "lead-applied", "snapshot-installed", "snapshot-offered", "version-proposed", "version-raised":
		return slog.LevelInfo
	case "raft-warning", "entry-skipped", "snapshot-abandoned":
		return slog.LevelWarn
	case "raft-error":
		return slog.LevelError
	}
	return slog.LevelDebug
}

func (f *factLog) take(h *Host, facts []step.Fact) {
	if len(facts) == 0 {
		return
	}
	f.mu.Lock()
	if f.counts == nil {
		f.counts = map[string]uint64{}
	}
	for _, fact := range facts {
		if _, ok := f.counts[fact.Name]; ok || len(f.counts) < maxFactNames {
			f.counts[fact.Name]++
		}
	}
	f.mu.Unlock()
	for _, fact := range facts {
		level := factLevel(fact.Name)
		if h.log.Enabled(context.Background(), level) {
			h.log.Log(context.Background(), level, fact.Name, "group", fact.Group, "value", fact.Value, "text", fact.Text)
		}
	}
}

func (f *factLog) snapshot() map[string]uint64 {
	f.mu.Lock()
	defer f.mu.Unlock()
	all := make(map[string]uint64, len(f.counts))
	for name, n := range f.counts {
		all[name] = n
	}
	return all
}
