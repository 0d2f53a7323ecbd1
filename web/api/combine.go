package api

import (
	"onevoice/airspace"
)

// Combine is the body of POST /sectors:combine: parts become one sector from a time to a time. What has no From was always so, and
// what has no To is until a split.
type Combine struct {
	Into  string   `json:"into"`
	Name  string   `json:"name,omitempty"`
	Parts []string `json:"parts"`
	From  *Time    `json:"from,omitempty"`
	To    *Time    `json:"to,omitempty"`
}

// Split is the body of POST /sectors:split: what is combined into a sector is no longer from At on, or from now in service time.
type Split struct {
	Sector string `json:"sector"`
	At     *Time  `json:"at,omitempty"`
}

// ReadCombine takes the body of POST /sectors:combine. The error is a *problem.Error.
func ReadCombine(body []byte) (airspace.CombineSectors, error) {
	r := newReader("combine sectors", body)
	cmd := airspace.CombineSectors{FromNs: airspace.Always().FromNs, ToNs: airspace.Always().ToNs}
	r.object(func(key []byte) bool {
		switch string(key) {
		case "into":
			cmd.Into = r.str(airspace.MaxIDBytes)
		case "name":
			cmd.Name = r.str(airspace.MaxNameBytes)
		case "parts":
			r.array(airspace.MaxParts, func(int) { cmd.Parts = append(cmd.Parts, r.str(airspace.MaxIDBytes)) })
		case "from":
			cmd.FromNs = int64(r.time())
		case "to":
			cmd.ToNs = int64(r.time())
		default:
			return false
		}
		return true
	})
	r.need("into", cmd.Into != "")
	r.need("parts", cmd.Parts != nil)
	return cmd, r.about(cmd.Into)
}

// ReadSplit takes the body of POST /sectors:split. The error is a *problem.Error.
func ReadSplit(body []byte) (airspace.SplitSector, error) {
	r := newReader("split sector", body)
	var cmd airspace.SplitSector
	r.object(func(key []byte) bool {
		switch string(key) {
		case "sector":
			cmd.ID = r.str(airspace.MaxIDBytes)
		case "at":
			cmd.AtNs = int64(r.time())
		default:
			return false
		}
		return true
	})
	r.need("sector", cmd.ID != "")
	return cmd, r.about(cmd.ID)
}
