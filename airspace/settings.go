package airspace

import (
	"fmt"

	"onevoice/codec"
	"onevoice/geo"
	"onevoice/problem"
)

// SetService sets service time to AnchorNs at this entry, and how fast it runs from there. It is Refused where service
// time would go back. AnchorNs 0 leaves the time and changes only the rate.
type SetService struct {
	AnchorNs  int64
	RateMilli int64
	If        Precondition
}

// SetRules sets CrossRefCm, RetainNs and Separation. All windows are computed anew where CrossRefCm changes; where that is more than a step's
// work all three are staged (see Result.Staged), and no sector may be changed until that is through. All conflicts are worked out anew, in
// steps, where CrossRefCm or Separation changes.
type SetRules struct {
	CrossRefCm int32
	RetainNs   int64
	Separation geo.Separation
	If         Precondition
}

// Op implements Command.
func (SetService) Op() string { return "set service time" }

// Op implements Command.
func (SetRules) Op() string { return "set rules" }

func (SetService) kind() commandKind              { return kindSetService }
func (cmd SetService) precondition() Precondition { return cmd.If }
func (SetService) find(c *change)                 { c.findSettings() }
func (SetRules) kind() commandKind                { return kindSetRules }
func (cmd SetRules) precondition() Precondition   { return cmd.If }
func (SetRules) find(c *change)                   { c.findSettings() }

func (cmd SetService) appendBody(w *codec.Writer) {
	w.I64(cmd.AnchorNs)
	w.I64(cmd.RateMilli)
}

func (cmd SetRules) appendBody(w *codec.Writer) {
	w.I32(cmd.CrossRefCm)
	w.I64(cmd.RetainNs)
	appendSeparation(w, cmd.Separation)
}

func (cmd SetService) check(c *checker) {
	c.number("anchor", cmd.AnchorNs, 0, MaxServiceNs)
	c.number("rate", cmd.RateMilli, MinRateMilli, MaxRateMilli)
	c.existing(cmd.If)
}

func (cmd SetRules) check(c *checker) {
	c.number("crossRefCm", int64(cmd.CrossRefCm), 0, MaxCrossRefCm)
	c.number("retain", cmd.RetainNs, 0, MaxRetainNs)
	c.separation(cmd.Separation)
	c.existing(cmd.If)
}

func (cmd SetService) apply(c *change) Result {
	if p := c.m.state.rulesBusy(); p != nil {
		p.Op = cmd.Op()
		return Result{Problem: p}
	}
	clock := &c.m.state.clock
	anchor := cmd.AnchorNs
	if anchor == 0 {
		anchor = clock.nowNs
	}
	if anchor < clock.nowNs {
		return refused(cmd.Op(), "", fmt.Sprintf("service time is %s and would go back to %s; it never does in one cluster", instant(clock.nowNs), instant(anchor)))
	}
	c.settingsOver()
	clock.anchorLogNs, clock.anchorNs, clock.rateMilli = clock.logNs, anchor, cmd.RateMilli
	clock.nowNs = anchor
	c.settingsChanged()
	return Result{}
}

func (cmd SetRules) apply(c *change) Result {
	s := &c.m.state
	if p := s.rulesBusy(); p != nil {
		p.Op = cmd.Op()
		return Result{Problem: p}
	}
	var plan []rewindowed
	crossed := cmd.CrossRefCm != s.settings.CrossRefCm
	if crossed {
		if n := s.zones.Len(); n > MaxChecking {
			return refused(cmd.Op(), "", fmt.Sprintf("all %d zones are to be held against the flights anew, and that may be %d", n, MaxChecking))
		}
		all, fits, p := c.m.planAll(cmd.CrossRefCm)
		if p != nil {
			p.Op = cmd.Op()
			return Result{Problem: p}
		}
		if !fits {
			return c.stage(cmd.Op(), &staging{of: &generation{version: c.at}, rules: &rules{cmd.CrossRefCm, cmd.RetainNs, cmd.Separation}})
		}
		plan = all
	}
	c.settingsOver()
	apart := cmd.CrossRefCm != s.settings.CrossRefCm || cmd.Separation != s.settings.Separation
	s.settings.CrossRefCm, s.settings.RetainNs, s.settings.Separation = cmd.CrossRefCm, cmd.RetainNs, cmd.Separation
	c.settingsChanged()
	rewindowed := c.rewindow(plan)
	if apart {
		c.m.sweepConflicts()
	}
	if crossed {
		c.m.recheckZones(c.work, c.emit)
	}
	return Result{Rewindowed: rewindowed}
}

// rulesBusy refuses to change settings while rules are being changed.
func (s *State) rulesBusy() *problem.Error {
	if _, staged := s.StagingOf(""); staged {
		return s.busy("")
	}
	return nil
}

func (c *change) settingsChanged() {
	c.m.state.settings.Version = c.at
	c.event(Event{Kind: SettingsChanged, Version: c.at})
}

// settings refuses those that no machine has.
func (c *checker) settings(set *Settings) {
	c.number("anchor", set.ServiceAnchorNs, 0, MaxServiceNs)
	c.number("rate", set.RateMilli, MinRateMilli, MaxRateMilli)
	c.number("crossRefCm", int64(set.CrossRefCm), 0, MaxCrossRefCm)
	c.number("retain", set.RetainNs, 0, MaxRetainNs)
	c.separation(set.Separation)
	c.history(&set.History)
}
