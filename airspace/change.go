package airspace

import (
	"fmt"

	"onevoice/airspace/past"
	"onevoice/machine"
	"onevoice/problem"
)

// change is one command that takes effect, if nothing that it finds refuses it.
type change struct {
	m    *Machine
	at   Version
	emit machine.Emit
	// work is the steps that were taken for the command, or for all of those that are applied as one: up to MaxWork.
	work *int
	// stageAll says that sectors may change only in steps: those of one request hold together.
	stageAll bool

	// subject is the name of what the command is about, empty for the settings; sector, flight or zone is what is there under it, nil where
	// nothing is, and current its version or that of the settings.
	subject string
	sector  *sector
	flight  *flight
	zone    *zone
	current *Version
}

func (c *change) findSector(id string) {
	c.subject = id
	if s, ok := c.m.state.sectors.Get(id, past.Now); ok {
		c.sector, c.current = s, &s.Version
	}
}

func (c *change) findFlight(id string) {
	c.subject = id
	if f := c.m.state.flight(id); f != nil {
		c.flight, c.current = f, &f.Version
	}
}

func (c *change) findSettings() { c.current = &c.m.state.settings.Version }

// conflicts is where conflicts are worked out in the name of the command.
func (c *change) conflicts() told { return told{c.m, c.at, c.emit} }

func (c *change) settingsOver() { c.m.settingsOver(c.m.state.Settings()) }

func (c *change) event(e Event) { c.m.emit(c.emit, e) }

// missing refuses a command about something that is not there.
func missing(op, subject string) Result {
	return Result{Problem: &problem.Error{Kind: problem.NotFound, Op: op, Subject: subject, Detail: "there is none"}}
}

func refused(op, subject, detail string) Result {
	return Result{Problem: &problem.Error{Kind: problem.Refused, Op: op, Subject: subject, Detail: detail}}
}

func full(op, subject string, most int) Result {
	return Result{Problem: &problem.Error{Kind: problem.Overloaded, Op: op, Subject: subject, Detail: fmt.Sprintf("%d are held, which is as many as there may be", most)}}
}
