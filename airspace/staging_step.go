package airspace

import (
	"slices"

	"onevoice/internal/mutant"
	"onevoice/machine"
	"onevoice/problem"
)

// glance is the work of passing over a flight that a step leaves as it is.
const glance = 16

// stagingNs is the log time at which there is a step to do: at once.
func (m *Machine) stagingNs() int64 {
	if len(m.state.stagings) == 0 {
		return 0
	}
	return max(m.state.clock.logNs, 1)
}

// stageStep does one step of the first staging.
func (m *Machine) stageStep(at machine.At, emit machine.Emit) {
	if len(m.state.stagings) == 0 {
		return
	}
	step := stepper{m: m, at: Version{Index: at.Index}, emit: emit, left: m.steps, st: *m.state.stagings[0]}
	switch step.st.phase {
	case StagingPrepares:
		step.prepare()
	case StagingTells:
		step.walk(step.tell)
	case StagingDrops:
		step.walk(step.drop)
	}
}

// stepper does one step.
type stepper struct {
	m    *Machine
	at   Version
	emit machine.Emit
	st   staging
	left Steps
	// refusal ends the walk: the change cannot be.
	refusal *problem.Error
}

// prepare computes windows beside those that hold, and switches when all flights have theirs.
func (p *stepper) prepare() {
	ended := p.flights(p.compute)
	switch {
	case p.refusal != nil:
		p.giveUp()
	case ended, mutant.On(mutant.SwitchEarly):
		p.switchTo()
	default:
		p.m.setStaging(&p.st)
	}
}

// walk does a step of a phase after which the staging is over.
func (p *stepper) walk(each func(*flight)) {
	if !p.flights(each) {
		p.m.setStaging(&p.st)
		return
	}
	if p.st.phase == StagingTells {
		p.say(SectorSettled, nil)
		if p.st.rules != nil {
			p.m.sweepConflicts()
		}
	}
	p.m.state.stagings = slices.Clone(p.m.state.stagings[1:])
	p.m.begin()
}

// flights gives one flight after another in the order of identifiers, from where the phase stands until the step is full. It reports
// whether there are no more.
func (p *stepper) flights(each func(*flight)) (ended bool) {
	s := &p.m.state
	ended = true
	s.numbers.Ascend(p.st.after, func(id string, number uint32) bool {
		if id == p.st.after {
			return true
		}
		if p.left.Flights <= 0 || p.left.Windows <= 0 || p.left.Work <= 0 || p.refusal != nil {
			ended = false
			return false
		}
		p.left.Work -= glance
		each(s.flightAt(number))
		p.st.after = id
		p.st.done++
		return true
	})
	return ended
}

// took counts a flight that got other windows.
func (p *stepper) took(windows int) {
	p.left.Flights--
	p.left.Windows -= windows
}

// compute gives a flight its windows of after the switch, unless it was put since the staging began and has them.
func (p *stepper) compute(f *flight) {
	if f.next != nil {
		return
	}
	p.m.outline.lay(&f.Flight)
	work := len(p.m.outline.legs)
	n := *f
	n.next, p.refusal = p.m.comingOf(&p.st, &n, &work)
	p.left.Work -= work
	if n.next == nil {
		return
	}
	p.m.state.places.renew(n.number, &n)
	for i := range n.next.stays {
		p.m.state.visits.Set(n.next.stays[i].visit())
	}
	p.took(len(n.next.Windows))
}

// switchTo makes the change hold, for all flights at once.
func (p *stepper) switchTo() {
	s := &p.m.state
	v := p.st.of.version
	p.st.phase, p.st.after, p.st.done = StagingTells, "", 0
	p.st.heldSince = s.index
	p.m.setStaging(&p.st)
	if r := p.st.rules; r != nil {
		p.m.settingsOver(s.Settings())
		s.settings.CrossRefCm, s.settings.RetainNs, s.settings.Separation, s.settings.Version = r.crossRefCm, r.retainNs, r.separation, v
		p.m.setSectors(p.st.changes)
		p.m.emit(p.emit, Event{Kind: SettingsChanged, Version: v})
		p.m.recheckZones(new(int), p.emit)
		return
	}
	for _, e := range s.sectorEvents(v, p.st.changes) {
		p.m.emit(p.emit, e)
	}
	p.m.setSectors(p.st.changes)
}

// tell leaves a flight only the windows that hold, and says so where they are others than before.
func (p *stepper) tell(f *flight) {
	if f.next == nil {
		return
	}
	p.m.flightSwitched(f)
	n := &flight{FlightRecord: f.next.FlightRecord, number: f.number, tiles: f.tiles}
	n.Since = p.st.heldSince
	p.m.derive(n)
	p.m.state.places.renew(n.number, n)
	p.m.replaceVisits(f, n)
	p.took(len(n.Windows))
	if !slices.Equal(f.Windows, n.Windows) {
		p.m.emit(p.emit, p.m.rewindowedEvent(f, n))
	}
	told{p.m, p.at, p.emit}.workOut(n)
}

// drop takes away what was computed for a change that is given up.
func (p *stepper) drop(f *flight) {
	if f.next == nil {
		return
	}
	n := *f
	n.next = nil
	p.m.state.places.renew(n.number, &n)
	p.m.dropVisits(f.next.stays)
	p.took(len(f.next.Windows))
}

// giveUp ends a change that a flight makes impossible; it never held.
func (p *stepper) giveUp() {
	p.say(SectorDropped, Dropped{p.refusal})
	p.st.phase, p.st.after, p.st.done = StagingDrops, "", 0
	p.m.setStaging(&p.st)
}

// say emits an event for each sector that the staging changes, or one for the rules.
func (p *stepper) say(kind EventKind, detail Detail) {
	v := p.st.of.version
	if p.st.rules != nil {
		p.m.emit(p.emit, Event{Kind: kind, Version: v, Detail: detail})
		return
	}
	for _, ch := range p.st.changes {
		p.m.emit(p.emit, Event{Kind: kind, ID: ch.id, Version: v, Detail: detail})
	}
}

// comingOf computes what a staged change makes of a flight whose outline the machine has, nil where it has no window in what changes, neither
// before nor after. It adds to work what it takes. The problem says that the change and the flight cannot both be.
func (m *Machine) comingOf(st *staging, f *flight, work *int) (*coming, *problem.Error) {
	var windows []SectorWindow
	touched := false
	var p *problem.Error
	if st.rules != nil {
		windows, p = m.windowsOf(&m.outline, f.tiles, st.rules.crossRefCm, work)
		touched = len(windows)+len(f.Windows) > 0
	} else {
		windows, touched, p = m.windowsAfter(st.moved, &m.outline, f.Windows, m.state.settings.CrossRefCm, work)
	}
	if p != nil || !touched {
		return nil, p
	}
	next := &coming{FlightRecord: f.FlightRecord, of: st.of}
	next.Windows = windows
	next.stays = m.staysOf(&next.FlightRecord, st.numberOf)
	return next, nil
}

// numberOf is the number of a sector that the staging moves.
func (st *staging) numberOf(id string) (uint64, bool) {
	if ch, found := findChange(st.moved, id); found && ch.n != nil {
		return ch.n.number, true
	}
	return 0, false
}
