package api

import (
	"onevoice/airspace"
	"onevoice/geo"
)

// Progress is what a feed of positions last said of a flight. How old it is, is the answer's Onevoice-As-Of less LastReport.
type Progress struct {
	State      string `json:"state"` // on-plan, deviating or silent
	Since      Time   `json:"since"`
	LastReport Time   `json:"last_report"`
	// Spread is by how much the prediction is less certain in time than the plan was; the flight's uncertainty holds it.
	Spread Duration `json:"spread"`
	// Filed are the windows of the plan as it was put last.
	Filed []SectorWindow `json:"filed,omitempty"`
}

// ProgressReport is the body of PUT /flights/{id}/progress. Path is how the flight goes on; without it the plan stays as it is.
type ProgressReport struct {
	State      string   `json:"state"`
	Since      Time     `json:"since"`
	LastReport Time     `json:"last_report"`
	Spread     Duration `json:"spread"`
	Path       []Point  `json:"path,omitempty"`
}

const progressStates = "on-plan deviating silent"

// ReadProgress takes the body of PUT /flights/{id}/progress. The error is a *problem.Error.
func ReadProgress(id string, body []byte) (airspace.ReportProgress, error) {
	r := newReader("report progress", body)
	out := airspace.ReportProgress{ID: id}
	var state, since, last, path bool
	r.object(func(key []byte) bool {
		switch string(key) {
		case "state":
			out.State, _ = airspace.ParseProgressState(r.oneOf(progressStates))
			state = true
		case "since":
			out.SinceNs, since = int64(r.time()), true
		case "last_report":
			out.LastReportNs, last = int64(r.time()), true
		case "spread":
			out.SpreadNs = int64(r.duration(geo.MaxTimeNs))
		case "path":
			path = true
			out.Path = make([]geo.Point4D, 0, firstPoints)
			r.array(geo.MaxPathPoints, func(int) { out.Path = append(out.Path, r.point(out.Path)) })
		default:
			return false
		}
		return true
	})
	r.need("state", state)
	r.need("since", since)
	r.need("last_report", last)
	if path {
		r.route(out.Path)
	}
	return out, r.about(id)
}

// FromReport gives a report as a body.
func FromReport(cmd *airspace.ReportProgress) ProgressReport {
	return ProgressReport{State: cmd.State.String(), Since: Time(cmd.SinceNs), LastReport: Time(cmd.LastReportNs), Spread: Duration(cmd.SpreadNs), Path: fromPath(cmd.Path)}
}

// fromProgress is nil where nothing was reported.
func fromProgress(p *airspace.Progress) *Progress {
	if p == nil {
		return nil
	}
	out := fromMark(&p.Mark)
	out.Filed = FromWindows(p.Filed)
	return &out
}

func fromMark(m *airspace.Mark) Progress {
	return Progress{State: m.State.String(), Since: Time(m.SinceNs), LastReport: Time(m.LastReportNs), Spread: Duration(m.SpreadNs)}
}

// appendMark begins the JSON of a Progress.
func appendMark(b []byte, m *airspace.Mark) []byte {
	b = appendString(append(b, `{"state":`...), m.State.String())
	b = Time(m.SinceNs).appendJSON(append(b, `,"since":`...))
	b = Time(m.LastReportNs).appendJSON(append(b, `,"last_report":`...))
	return Duration(m.SpreadNs).appendJSON(append(b, `,"spread":`...))
}

func appendProgress(b []byte, p *airspace.Progress) []byte {
	b = appendMark(b, &p.Mark)
	if len(p.Filed) > 0 {
		b = appendWindows(append(b, `,"filed":`...), p.Filed)
	}
	return append(b, '}')
}

// Mark is the progress without what was filed; a State that is none gives State 0.
func (p *Progress) Mark() airspace.Mark {
	state, _ := airspace.ParseProgressState(p.State)
	return airspace.Mark{State: state, SinceNs: int64(p.Since), LastReportNs: int64(p.LastReport), SpreadNs: int64(p.Spread)}
}
