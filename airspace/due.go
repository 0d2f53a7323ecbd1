package airspace

import "onevoice/machine"

// duty is what happens when its time has come, without anybody asking for it.
type duty struct {
	// dueNs is the log time at which there is something to do, 0 where nothing is due.
	dueNs func(*Machine) int64
	// run does a bounded part of what is due; the rest is due at once.
	run func(m *Machine, at machine.At, emit machine.Emit)
}

// duties are run in this order, at each entry, before its commands.
func duties() []duty {
	return []duty{
		{(*Machine).forgetNs, (*Machine).forget},
		{(*Machine).expiryNs, (*Machine).expire},
		{(*Machine).conflictsDueNs, (*Machine).continueConflicts},
		{(*Machine).controlDueNs, (*Machine).runControl},
		{(*Machine).zoneExpiryNs, (*Machine).expireZones},
		{(*Machine).checkNs, (*Machine).checkZones},
		{(*Machine).watchDueNs, (*Machine).watchLoad},
		{(*Machine).stagingNs, (*Machine).stageStep},
	}
}

// Advance implements machine.Machine: it moves log time and service time on, and then does what is due.
func (m *Machine) Advance(at machine.At, emit machine.Emit) {
	m.root = nil
	m.seal()
	m.state.index = at.Index
	before := m.state.Settings()
	if m.state.clock.advance(at.LogTimeNs) {
		m.settingsOver(before)
		m.state.settings.Version = Version{Index: at.Index}
		m.emit(emit, Event{Kind: SettingsChanged, Version: m.state.settings.Version})
	}
	for _, d := range duties() {
		d.run(m, at, emit)
	}
}

// DueNs implements machine.Machine: it is the log time at which something is due.
func (m *Machine) DueNs() int64 {
	first := int64(0)
	for _, d := range duties() {
		if ns := d.dueNs(m); ns != 0 && (first == 0 || ns < first) {
			first = ns
		}
	}
	return first
}

// expire removes flights that have expired, in the order of their ends, at most MaxExpired of them.
func (m *Machine) expire(at machine.At, emit machine.Emit) {
	for range MaxExpired {
		next, ok := m.ends.Min()
		if !ok || next.ns+m.state.settings.RetainNs >= m.state.clock.nowNs {
			return
		}
		f := m.state.flight(next.id)
		m.goneFlight(f, FlightExpired, emit)
		told{m, Version{Index: at.Index}, emit}.drop(f)
	}
}

// expiryNs is the log time at which the next flight expires.
func (m *Machine) expiryNs() int64 {
	next, ok := m.ends.Min()
	if !ok {
		return 0
	}
	return m.state.clock.reaches(next.ns + m.state.settings.RetainNs + 1)
}
