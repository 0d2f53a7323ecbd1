package api

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"

	"onevoice/airspace"
	"onevoice/problem"
)

// Commands is the body of POST /commands: several changes as one, all or none.
type Commands struct {
	Commands []Command `json:"commands"`
}

// Command is one change: exactly one of the first six. What is put carries its id in its body.
type Command struct {
	PutFlight    json.RawMessage `json:"put_flight,omitempty"`
	CancelFlight string          `json:"cancel_flight,omitempty"`
	PutSector    json.RawMessage `json:"put_sector,omitempty"`
	RemoveSector string          `json:"remove_sector,omitempty"`
	PutZone      json.RawMessage `json:"put_zone,omitempty"`
	RemoveZone   string          `json:"remove_zone,omitempty"`
	// IfMatch is the version that must be there, IfNoneMatch "*" that nothing is.
	IfMatch     string `json:"if_match,omitempty"`
	IfNoneMatch string `json:"if_none_match,omitempty"`
}

// Applied answers POST /commands. All that was put has Version.
type Applied struct {
	Version     string `json:"version"`
	ServiceTime Time   `json:"service_time"`
	// Results are what the commands came to, in their order.
	Results []Outcome `json:"results"`
}

// Outcome is what one of several commands came to.
type Outcome struct {
	ID         string         `json:"id"`
	Windows    []SectorWindow `json:"windows,omitempty"`
	Rewindowed int            `json:"rewindowed"`
}

const opCommands = "apply commands"

// ReadCommands takes the body of POST /commands. The error is a *problem.Error that names the command.
func ReadCommands(body []byte) (airspace.Atomic, error) {
	d := json.NewDecoder(bytes.NewReader(body))
	d.DisallowUnknownFields()
	var in Commands
	err := d.Decode(&in)
	if err == nil && d.More() {
		err = fmt.Errorf("there is more after the object")
	}
	if err != nil {
		return airspace.Atomic{}, &problem.Error{Kind: problem.Invalid, Op: opCommands, Field: "body", Value: problem.Clip(err.Error()), Allowed: "an object with commands"}
	}
	if n := len(in.Commands); n == 0 || n > airspace.MaxAtomic {
		return airspace.Atomic{}, &problem.Error{Kind: problem.Invalid, Op: opCommands, Field: "commands", Value: fmt.Sprintf("%d long", n), Allowed: fmt.Sprintf("1 to %d", airspace.MaxAtomic)}
	}
	var out airspace.Atomic
	for i := range in.Commands {
		cmd, p := in.Commands[i].read()
		if p != nil {
			return out, inCommand(i, p)
		}
		out.Commands = append(out.Commands, cmd)
	}
	return out, nil
}

// inCommand names the command that a problem is of.
func inCommand(i int, p *problem.Error) *problem.Error {
	whole := *p
	whole.Op, whole.Field = opCommands, fmt.Sprintf("commands[%d]", i)
	if p.Field != "" {
		whole.Field += "." + p.Field
	}
	return &whole
}

func (c *Command) read() (airspace.Command, *problem.Error) {
	when, p := c.precondition()
	if p != nil {
		return nil, p
	}
	var list []airspace.Command
	put := func(body json.RawMessage, read func(id string, body []byte) (airspace.Command, error)) {
		if len(body) == 0 || p != nil {
			return
		}
		var named struct {
			ID string `json:"id"`
		}
		_ = json.Unmarshal(body, &named) // what else is wrong is found by the reader
		cmd, err := read(named.ID, body)
		if err != nil {
			p = asProblem(err)
			return
		}
		list = append(list, cmd)
	}
	put(c.PutFlight, func(id string, body []byte) (airspace.Command, error) {
		f, err := ReadFlight(id, body)
		return airspace.PutFlight{Flight: f, If: when}, err
	})
	put(c.PutSector, func(id string, body []byte) (airspace.Command, error) {
		s, err := ReadSector(id, body)
		return airspace.PutSector{Sector: s, If: when}, err
	})
	put(c.PutZone, func(id string, body []byte) (airspace.Command, error) {
		z, err := ReadZone(id, body)
		return airspace.PutZone{Zone: z, If: when}, err
	})
	if p != nil {
		return nil, p
	}
	if c.CancelFlight != "" {
		list = append(list, airspace.CancelFlight{ID: c.CancelFlight, If: when})
	}
	if c.RemoveSector != "" {
		list = append(list, airspace.RemoveSector{ID: c.RemoveSector, If: when})
	}
	if c.RemoveZone != "" {
		list = append(list, airspace.RemoveZone{ID: c.RemoveZone, If: when})
	}
	if len(list) != 1 {
		return nil, &problem.Error{Kind: problem.Invalid, Value: fmt.Sprintf("%d changes", len(list)),
			Allowed: "one of put_flight, cancel_flight, put_sector, remove_sector, put_zone and remove_zone"}
	}
	return list[0], nil
}

func asProblem(err error) *problem.Error {
	if p := (*problem.Error)(nil); errors.As(err, &p) {
		return p
	}
	return &problem.Error{Kind: problem.Invalid, Detail: err.Error()}
}

func (c *Command) precondition() (airspace.Precondition, *problem.Error) {
	var when airspace.Precondition
	switch c.IfNoneMatch {
	case "", "*":
		when.Absent = c.IfNoneMatch == "*"
	default:
		return when, &problem.Error{Kind: problem.Invalid, Field: "if_none_match", Value: problem.Clip(c.IfNoneMatch), Allowed: "*"}
	}
	if c.IfMatch != "" {
		v, err := airspace.ParseVersion(c.IfMatch)
		if err != nil || when.Absent {
			return when, &problem.Error{Kind: problem.Invalid, Field: "if_match", Value: problem.Clip(c.IfMatch), Allowed: "a version, as 1021.3, and not together with if_none_match"}
		}
		when.Match = &v
	}
	return when, nil
}

// SubjectOf names what a command is about.
func SubjectOf(cmd airspace.Command) string {
	switch cmd := cmd.(type) {
	case airspace.PutFlight:
		return cmd.Flight.ID
	case airspace.CancelFlight:
		return cmd.ID
	case airspace.PutSector:
		return cmd.Sector.ID
	case airspace.RemoveSector:
		return cmd.ID
	case airspace.PutZone:
		return cmd.Zone.ID
	case airspace.RemoveZone:
		return cmd.ID
	}
	return ""
}

// AppendApplied appends a result without a problem as the JSON of Applied.
func AppendApplied(b []byte, cmd airspace.Atomic, r *airspace.Result) []byte {
	b = appendVersion(append(b, `{"version":`...), r.Version)
	b = Time(r.ServiceNs).appendJSON(append(b, `,"service_time":`...))
	b = append(b, `,"results":[`...)
	for i := range r.Parts {
		b = appendString(append(comma(b, i), `{"id":`...), SubjectOf(cmd.Commands[i]))
		if len(r.Parts[i].Windows) > 0 {
			b = appendWindows(append(b, `,"windows":`...), r.Parts[i].Windows)
		}
		b = fmt.Appendf(b, `,"rewindowed":%d}`, r.Parts[i].Rewindowed)
	}
	return append(b, "]}"...)
}
