package airspace

import "fmt"

func (c *change) setService(cmd SetService) Result {
	clock := &c.m.state.clock
	anchor := cmd.AnchorNs
	if anchor == 0 {
		anchor = clock.nowNs
	}
	if anchor < clock.nowNs {
		return refused(opName(cmd), "", fmt.Sprintf("service time is %s and would go back to %s; it never does in one cluster", instant(clock.nowNs), instant(anchor)))
	}
	clock.anchorLogNs, clock.anchorNs, clock.rateMilli = clock.logNs, anchor, cmd.RateMilli
	clock.nowNs = anchor
	c.settingsChanged()
	return Result{}
}

func (c *change) setRules(cmd SetRules) Result {
	s := &c.m.state
	var plan []rewindowed
	if cmd.CrossRefCm != s.settings.CrossRefCm {
		all, p := c.m.planAll(cmd.CrossRefCm)
		if p != nil {
			p.Op = opName(cmd)
			return Result{Problem: p}
		}
		plan = all
	}
	s.settings.CrossRefCm, s.settings.RetainNs = cmd.CrossRefCm, cmd.RetainNs
	c.settingsChanged()
	c.rewindow(plan)
	return Result{Rewindowed: len(plan)}
}

func (c *change) settingsChanged() {
	c.m.state.settings.Version = c.at
	c.event(Event{Kind: SettingsChanged, Version: c.at})
}
