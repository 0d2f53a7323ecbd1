package predict

import (
	"cmp"
	"slices"

	"onevoice/airspace"
	"onevoice/geo"
)

// Proposal is what should be agreed of a flight.
type Proposal struct {
	Flight string
	Mark   airspace.Mark
	// Path is how it goes on; nil where the agreed plan still holds, and only the mark is another.
	Path []geo.Point4D
	// Windows are those that the flight then has.
	Windows []airspace.SectorWindow
	// Moved is how many windows moved by more than the tolerance, appeared or disappeared.
	Moved int
}

// Command is the proposal as a command.
func (p *Proposal) Command() airspace.ReportProgress {
	return airspace.ReportProgress{ID: p.Flight, Mark: p.Mark, Path: p.Path}
}

// Step gives what should be agreed at a moment of service time, at most Options.MaxProposals: those first that were proposed longest
// ago. A flight is proposed when a window that is not over moved by more than the tolerance, appeared or disappeared, and
// when its mark is another; not again within EveryNs. What was agreed is told by Agreed.
func (p *Predictor) Step(nowNs int64) []Proposal {
	due := make([]*plan, 0, len(p.plans))
	for _, f := range p.plans {
		if nowNs >= f.beginNs-earlyNs && nowNs-f.proposedNs >= p.o.EveryNs && nowNs <= p.overNs(f) {
			due = append(due, f)
		}
	}
	slices.SortStableFunc(due, func(a, b *plan) int { return cmp.Compare(a.proposedNs, b.proposedNs) })
	var list []Proposal
	for _, f := range due {
		if len(list) == p.o.MaxProposals {
			break
		}
		if one, changed := p.propose(f, nowNs); changed {
			f.proposedNs = nowNs
			list = append(list, one)
		}
	}
	return list
}

// overNs is when nothing more is to be said of a flight.
func (p *Predictor) overNs(f *plan) int64 {
	return f.Path[len(f.Path)-1].AtNs + f.Uncertainty.TimeNs
}

func (p *Predictor) propose(f *plan, nowNs int64) (Proposal, bool) {
	t, fixes := p.fixesOf(f)
	if t == nil {
		return Proposal{}, false
	}
	out := Proposal{Flight: f.ID, Mark: p.markOf(f, fixes, nowNs)}
	changed := out.Mark.State != f.mark.State
	if next, ok := p.heard(f, t, fixes); ok {
		out.Mark.SpreadNs = min(next.SpreadNs, geo.MaxTimeNs-f.filedTimeNs)
		path := joined(f.Path, next.Path)
		u := f.Uncertainty
		u.TimeNs = f.filedTimeNs + out.Mark.SpreadNs
		out.Windows = p.ground.windows(path, u)
		if out.Moved = moved(f.windows, out.Windows, nowNs, p.o.ToleranceNs); out.Moved > 0 && len(path) <= geo.MaxPathPoints {
			out.Path = next.Path
			return out, true
		}
	}
	out.Mark.SpreadNs, out.Windows = f.mark.SpreadNs, f.windows
	return out, changed
}

// joined is what was flown and how it goes on, as the airspace joins them.
func joined(flown, rest []geo.Point4D) []geo.Point4D {
	n := slices.IndexFunc(flown, func(q geo.Point4D) bool { return q.AtNs >= rest[0].AtNs })
	if n < 0 {
		n = len(flown)
	}
	return slices.Concat(flown[:n], rest)
}

// moved counts the windows that differ by more than a tolerance, of those that are not over.
func moved(was, is []airspace.SectorWindow, nowNs, toleranceNs int64) int {
	n := 0
	left := slices.DeleteFunc(slices.Clone(was), func(w airspace.SectorWindow) bool { return w.LeaveMaxNs <= nowNs })
	for _, w := range is {
		if w.LeaveMaxNs <= nowNs {
			continue
		}
		at := slices.IndexFunc(left, func(o airspace.SectorWindow) bool { return o.Sector == w.Sector })
		if at < 0 {
			n++
			continue
		}
		o := left[at]
		left = slices.Delete(left, at, at+1)
		if apart(max(o.EnterMinNs, nowNs), max(w.EnterMinNs, nowNs)) > toleranceNs || apart(o.LeaveMaxNs, w.LeaveMaxNs) > toleranceNs {
			n++
		}
	}
	return n + len(left)
}

func apart(a, b int64) int64 { return max(a-b, b-a) }

// Agreed says that a proposal was agreed.
func (p *Predictor) Agreed(done *Proposal) {
	at, known := p.find(done.Flight)
	if !known {
		return
	}
	f := p.plans[at]
	f.mark = done.Mark
	f.Uncertainty.TimeNs = f.filedTimeNs + done.Mark.SpreadNs
	if done.Path != nil {
		f.Path = joined(f.Path, done.Path)
	}
	f.windows = done.Windows
}
