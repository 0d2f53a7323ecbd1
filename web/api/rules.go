package api

import "onevoice/airspace"

// Rules are what the airspace holds flights to. A PUT gives all but the version.
type Rules struct {
	// CrossReference is by how much bands are widened where altitudes of different references are compared: to 10 km.
	CrossReference Height `json:"cross_reference"`
	// Retain is how long a flight is kept after its end, in service time: to 30 days.
	Retain Duration `json:"retain"`
	// Separation is what flights keep where no sector asks for another.
	Separation Separation `json:"separation"`
	// Version is that of the settings as a whole.
	Version string `json:"version,omitempty"`
}

// AppendRules appends the rules as the JSON of Rules.
func AppendRules(b []byte, s *airspace.Settings) []byte {
	b = Height(s.CrossRefCm).appendJSON(append(b, `{"cross_reference":`...))
	b = Duration(s.RetainNs).appendJSON(append(b, `,"retain":`...))
	b = appendSeparation(append(b, `,"separation":`...), s.Separation)
	return append(appendVersion(append(b, `,"version":`...), s.Version), '}')
}

// ReadRules takes the body of PUT /settings/rules. The error is a *problem.Error.
func ReadRules(body []byte, when airspace.Precondition) (airspace.Command, error) {
	r := newReader("set rules", body)
	cmd := airspace.SetRules{If: when}
	var cross, retain, separation bool
	r.object(func(key []byte) bool {
		switch string(key) {
		case "cross_reference":
			cmd.CrossRefCm, cross = int32(r.height(airspace.MaxCrossRefCm)), true
		case "retain":
			cmd.RetainNs, retain = int64(r.duration(airspace.MaxRetainNs)), true
		case "separation":
			cmd.Separation, separation = r.separation(), true
		default:
			return false
		}
		return true
	})
	r.need("cross_reference", cross)
	r.need("retain", retain)
	r.need("separation", separation)
	return cmd, r.finish()
}
