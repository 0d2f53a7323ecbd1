package airspace

import (
	"fmt"

	"onevoice/airspace/past"
	"onevoice/codec"
)

// SetHistory sets how much of the past is held. The horizon moves in the same entry; what is beyond it is forgotten in steps.
type SetHistory struct {
	History History
	If      Precondition
}

// Op implements Command.
func (SetHistory) Op() string { return "set history" }

func (SetHistory) kind() commandKind              { return kindSetHistory }
func (cmd SetHistory) precondition() Precondition { return cmd.If }
func (SetHistory) find(c *change)                 { c.findSettings() }
func (cmd SetHistory) appendBody(w *codec.Writer) { appendHistory(w, &cmd.History) }

func appendHistory(w *codec.Writer, h *History) {
	w.I64(h.SpanNs)
	w.I64(h.Records)
	w.I64(h.Bytes)
}

func readHistory(r *codec.Reader) History {
	return History{SpanNs: r.I64(), Records: r.I64(), Bytes: r.I64()}
}

func (cmd SetHistory) check(c *checker) {
	c.history(&cmd.History)
	c.existing(cmd.If)
}

func (c *checker) history(h *History) {
	c.number("span", h.SpanNs, 0, MaxHistoryNs)
	c.number("records", h.Records, 0, MaxHistoryRecords)
	c.number("bytes", h.Bytes, 0, MaxHistoryBytes)
}

func (cmd SetHistory) apply(c *change) Result {
	if p := c.m.state.rulesBusy(); p != nil {
		p.Op = cmd.Op()
		return Result{Problem: p}
	}
	c.settingsOver()
	c.m.state.settings.History = cmd.History
	c.settingsChanged()
	c.m.state.moveHorizon()
	return Result{}
}

// settingsOver keeps the settings that end with the entry that the machine is in.
func (m *Machine) settingsOver(old Settings) {
	s := &m.state
	if s.settingsSince < s.index && s.marks.Len() > 0 {
		s.settingsPast = s.settingsPast.Add(past.Version[*Settings]{Since: s.settingsSince, Until: s.index, Record: &old})
		m.over(&old, s.settingsSince, s.index)
	}
	s.settingsSince = s.index
}

func (s *Settings) pastKind() pastKind       { return pastSettings }
func (s *Settings) pastName() string         { return "" }
func (s *Settings) pastBytes() int           { return 128 }
func (s *Settings) appendTo(w *codec.Writer) { appendSettings(w, s) }

func (m *Machine) recallSettings(r *codec.Reader, since, until uint64) (remembered, error) {
	set := readSettings(r)
	c := checker{op: "load settings"}
	c.settings(&set)
	if err := r.Finish(); err != nil {
		return nil, fmt.Errorf("past settings: %w", err)
	}
	over := past.Version[*Settings]{Since: since, Until: until, Record: &set}
	if !m.state.settingsPast.Fits(over) || m.state.settingsSince < until {
		return nil, overlaps("", since, until)
	}
	m.state.settingsPast = m.state.settingsPast.Add(over)
	return &set, c.err()
}

func (m *Machine) forgetSettings(_ string, until uint64) {
	m.state.settingsPast = m.state.settingsPast.Forget(until)
}
