package airspace

import (
	"fmt"
	"slices"

	"onevoice/codec"
	"onevoice/geo"
	"onevoice/problem"
)

// ProgressState says how a flight goes on, held against its agreed plan. The numbers are part of the format; never reuse one.
type ProgressState uint8

// The states of progress.
const (
	// OnPlan: the last report was within the limits of whoever follows the flight.
	OnPlan ProgressState = 1
	// Deviating: it was off the plan, to a side or in altitude.
	Deviating ProgressState = 2
	// Silent: there was no report for longer than there should be.
	Silent ProgressState = 3
)

// String is the state's word in JSON: on-plan, deviating or silent.
func (p ProgressState) String() string {
	switch p {
	case OnPlan:
		return "on-plan"
	case Deviating:
		return "deviating"
	case Silent:
		return "silent"
	}
	return fmt.Sprintf("ProgressState(%d)", uint8(p))
}

// ParseProgressState reads what String gives; false for anything else.
func ParseProgressState(word string) (ProgressState, bool) {
	for p := OnPlan; p <= Silent; p++ {
		if p.String() == word {
			return p, true
		}
	}
	return 0, false
}

// Mark is what a feed of positions says of a flight: how it goes on, since when, and when it was heard last. Times are
// those of the positions, UTC; how old a mark is, is service time less LastReportNs.
type Mark struct {
	State        ProgressState
	SinceNs      int64
	LastReportNs int64
	// SpreadNs is by how much the prediction is less certain in time than the plan was; the flight's Uncertainty holds it.
	SpreadNs int64
}

// Progress is what a flight's record holds once a feed has reported on it, until its plan is put again.
type Progress struct {
	Mark
	// Filed are the windows that the plan had before the first report, in the sectors that there were then: how late a flight is, is
	// how far its Windows are after them.
	Filed []SectorWindow
}

// FiledWindows are the windows of the plan as it was put last, whatever was reported since. See Progress.Filed.
func (f *FlightRecord) FiledWindows() []SectorWindow {
	if f.Progress != nil {
		return f.Progress.Filed
	}
	return f.Windows
}

// ReportProgress marks a flight and amends the rest of its plan in one go; NotFound where there is no flight. It is Refused
// where a later report is known, where the flight would have expired, and where what was flown and the rest make no path. PutFlight
// takes all of it back.
type ReportProgress struct {
	ID string
	Mark
	// Path is how the flight goes on. What lies before its first point in the agreed path stays, as what was flown. It may be
	// empty: then the plan stays as it is.
	Path []geo.Point4D
	If   Precondition
}

// Op implements Command.
func (ReportProgress) Op() string { return "report progress" }

func (ReportProgress) kind() commandKind              { return kindReportProgress }
func (cmd ReportProgress) precondition() Precondition { return cmd.If }
func (cmd ReportProgress) find(c *change)             { c.findFlight(cmd.ID) }

func (cmd ReportProgress) appendBody(w *codec.Writer) {
	w.String(cmd.ID)
	appendMark(w, &cmd.Mark)
	appendPath(w, cmd.Path)
}

func readReportProgress(r *codec.Reader, when Precondition) Command {
	return ReportProgress{ID: r.String(maxText), Mark: readMark(r), Path: readPath(r), If: when}
}

func (cmd ReportProgress) check(c *checker) {
	c.subject = cmd.ID
	c.id(cmd.ID)
	c.existing(cmd.If)
	c.mark(&cmd.Mark)
	if len(cmd.Path) > geo.MaxPathPoints {
		c.count("points", len(cmd.Path), 2, geo.MaxPathPoints)
	} else if len(cmd.Path) > 0 {
		c.geometry("", geo.ValidatePath(cmd.Path))
	}
}

func (c *checker) mark(m *Mark) {
	c.number("state", int64(m.State), int64(OnPlan), int64(Silent))
	c.number("since", m.SinceNs, geo.MinAtNs, geo.MaxAtNs)
	c.number("lastReport", m.LastReportNs, geo.MinAtNs, geo.MaxAtNs)
	c.number("spread", m.SpreadNs, 0, geo.MaxTimeNs)
}

func (cmd ReportProgress) apply(c *change) Result {
	old := c.flight
	if old == nil {
		return missing(cmd.Op(), cmd.ID)
	}
	if p := old.Progress; p != nil && p.LastReportNs > cmd.LastReportNs {
		return refused(cmd.Op(), cmd.ID, fmt.Sprintf("a report of %s is known, this one is of %s", instant(p.LastReportNs), instant(cmd.LastReportNs)))
	}
	if len(old.Volumes) > 0 && (len(cmd.Path) > 0 || cmd.SpreadNs != 0) {
		return refused(cmd.Op(), cmd.ID, "its plan is volumes, which hold all places where it may be; a report can give it a mark, but no path and no spread")
	}
	n, p := cmd.amended(c.m.state.record(old))
	if p != nil {
		return Result{Problem: p}
	}
	n.Version = c.at
	if p := c.agree(cmd.Op(), n, FlightProgress, &n.Progress.Mark); p != nil {
		return Result{Problem: p}
	}
	return Result{Windows: n.Windows}
}

// amended is the flight with its mark and the rest of its plan; it has no windows yet.
func (cmd ReportProgress) amended(old *FlightRecord) (*flight, *problem.Error) {
	n := &flight{FlightRecord: FlightRecord{Flight: old.Flight, Progress: &Progress{Mark: cmd.Mark, Filed: old.FiledWindows()}}}
	if len(old.Volumes) > 0 {
		return n, nil
	}
	planned := old.Uncertainty.TimeNs
	if old.Progress != nil {
		planned -= old.Progress.SpreadNs
	}
	n.Progress.SpreadNs = min(cmd.SpreadNs, geo.MaxTimeNs-planned)
	n.Uncertainty.TimeNs = planned + n.Progress.SpreadNs
	if len(cmd.Path) > 0 {
		flown := slices.IndexFunc(old.Path, func(p geo.Point4D) bool { return p.AtNs >= cmd.Path[0].AtNs })
		if flown < 0 {
			flown = len(old.Path)
		}
		n.Path = slices.Concat(old.Path[:flown], cmd.Path)
		n.Cells = nil // they cover the path as it was
	}
	c := checker{op: cmd.Op(), subject: cmd.ID}
	if len(n.Path) > geo.MaxPathPoints {
		c.fail(problem.TooLarge, "points", fmt.Sprintf("%d with what was flown", len(n.Path)), fmt.Sprintf("2 to %d", geo.MaxPathPoints))
	} else {
		c.geometry("joined ", geo.ValidatePath(n.Path))
	}
	return n, c.found
}

func (m *Mark) appendTo(w *codec.Writer) { appendMark(w, m) }

func appendMark(w *codec.Writer, m *Mark) {
	w.U8(uint8(m.State))
	w.I64(m.SinceNs)
	w.I64(m.LastReportNs)
	w.I64(m.SpreadNs)
}

func readMark(r *codec.Reader) Mark {
	return Mark{State: ProgressState(r.U8()), SinceNs: r.I64(), LastReportNs: r.I64(), SpreadNs: r.I64()}
}

func appendProgress(w *codec.Writer, p *Progress) {
	w.Bool(p != nil)
	if p != nil {
		appendMark(w, &p.Mark)
		appendWindows(w, p.Filed)
	}
}

func readProgress(r *codec.Reader) *Progress {
	if !r.Bool() {
		return nil
	}
	return &Progress{Mark: readMark(r), Filed: readWindows(r)}
}

// progress holds what a record of a snapshot says against what a machine makes.
func (c *checker) progress(f *FlightRecord) {
	if f.Progress == nil {
		return
	}
	c.mark(&f.Progress.Mark)
	c.number("spread", f.Progress.SpreadNs, 0, f.Uncertainty.TimeNs)
	c.count("filed", len(f.Progress.Filed), 0, MaxFlightWindows)
}
