package api

import (
	"strconv"
	"strings"

	"onevoice/airspace"
)

// Zone is the body of a PUT and of an answer: a closed or limited piece of airspace, or one to be told about.
type Zone struct {
	ID      string     `json:"id"`
	Kind    string     `json:"kind"` // closed, limit or notice
	Name    string     `json:"name,omitempty"`
	Owner   string     `json:"owner,omitempty"`
	Remarks string     `json:"remarks,omitempty"`
	Limit   *ZoneLimit `json:"limit,omitempty"` // of a limit
	Volumes []Volume4D `json:"volumes"`
	// Those that follow stand in answers only.
	Version string `json:"version,omitempty"`
	// Notifications counts the events of flights that a notice zone was named in.
	Notifications uint64 `json:"notifications,omitempty,string"`
	// Checking says that flights held before are still being looked at, up to Checked so far, by identifier.
	Checking bool   `json:"checking,omitempty"`
	Checked  string `json:"checked,omitempty"`
}

// ZoneLimit is how many flights a zone takes; what is absent limits nothing.
type ZoneLimit struct {
	AtOnce  int `json:"at_once,omitempty"`
	PerHour int `json:"per_hour,omitempty"`
}

// Zones is a page of zones by identifier. Next, where not empty, is the after of the next page.
type Zones struct {
	Zones []Zone `json:"zones"`
	Next  string `json:"next,omitempty"`
}

// ZoneMention names a zone that the flight of an event may be in, before the event or after it.
type ZoneMention struct {
	Zone string `json:"zone"`
	// Notifications is the zone's count after the event; absent where it is not counted.
	Notifications uint64 `json:"notifications,omitempty,string"`
}

// Breach is one visit of a flight to a zone that should not be.
type Breach struct {
	Zone     string `json:"zone"`
	Kind     string `json:"kind"`
	Flight   string `json:"flight"`
	Callsign string `json:"callsign"`
	Version  string `json:"version"` // the flight's
	Window
}

// Breaches is a page of breaches, by zone, begin and flight. Next, where not empty, is the after of the next page.
type Breaches struct {
	From     Time     `json:"from"`
	To       Time     `json:"to"`
	Breaches []Breach `json:"breaches"`
	Next     string   `json:"next,omitempty"`
}

// ZoneBreach is what the events breach-found and breach-resolved tell: all times at which a flight breaches the zone that the event names.
type ZoneBreach struct {
	Flight  string   `json:"flight"`
	Windows []Window `json:"windows,omitempty"`
}

// ReadZone takes the body of PUT /zones/{id} and checks its shapes. The id may be left out of the body; given, it must be id. The error is a
// *problem.Error.
func ReadZone(id string, body []byte) (airspace.Zone, error) {
	r := newReader("put zone", body)
	z := airspace.Zone{ID: id}
	volumes := false
	r.object(func(key []byte) bool {
		switch string(key) {
		case "id":
			r.sameID(id)
		case "kind":
			z.Kind, _ = airspace.ParseZoneKind(r.oneOf("closed limit notice"))
		case "name":
			z.Name = r.str(airspace.MaxNameBytes)
		case "owner":
			z.Owner = r.str(airspace.MaxNameBytes)
		case "remarks":
			z.Remarks = r.str(airspace.MaxRemarksBytes)
		case "limit":
			z.Limit = r.zoneLimit()
		case "volumes":
			volumes = true
			r.array(airspace.MaxZoneVolumes, func(int) { z.Volumes = append(z.Volumes, r.volume4D()) })
		default:
			return false
		}
		return true
	})
	r.need("kind", z.Kind != 0)
	r.need("volumes", volumes)
	return z, r.about(id)
}

func (r *reader) zoneLimit() airspace.Limit {
	var l airspace.Limit
	most := "a whole number from 1 to " + strconv.Itoa(airspace.MaxLimit)
	r.object(func(key []byte) bool {
		switch string(key) {
		case "at_once":
			l.AtOnce = int(r.number(0, 1, airspace.MaxLimit, most))
		case "per_hour":
			l.PerHour = int(r.number(0, 1, airspace.MaxLimit, most))
		default:
			return false
		}
		return true
	})
	return l
}

// FromZone gives a record as a body.
func FromZone(z *airspace.ZoneRecord) Zone {
	out := Zone{ID: z.ID, Kind: z.Kind.String(), Name: z.Name, Owner: z.Owner, Remarks: z.Remarks, Notifications: z.Notifications, Checking: z.Checking, Checked: z.Checked}
	if z.Version != (airspace.Version{}) {
		out.Version = z.Version.String()
	}
	if z.Kind == airspace.ZoneLimit {
		out.Limit = &ZoneLimit{z.Limit.AtOnce, z.Limit.PerHour}
	}
	for i := range z.Volumes {
		v := &z.Volumes[i]
		out.Volumes = append(out.Volumes, Volume4D{FromVolume(&v.Area), Time(v.FromNs), Time(v.ToNs)})
	}
	return out
}

// FromBreach gives a breach as a body.
func FromBreach(b *airspace.Breach) Breach {
	return Breach{b.Zone, b.Kind.String(), b.Flight, b.Callsign, b.Version.String(), FromWindow(b.Window)}
}

// BreachCursor is the after that begins behind a breach.
func BreachCursor(b *airspace.Breach) string {
	return b.Zone + "~" + strconv.FormatInt(b.Window.EnterMinNs, 10) + "~" + b.Flight
}

// ParseBreachCursor reads what BreachCursor made.
func ParseBreachCursor(s string) (airspace.BreachCursor, bool) {
	parts := strings.Split(s, "~")
	if len(parts) != 3 || !airspace.ValidID(parts[0]) || !airspace.ValidID(parts[2]) {
		return airspace.BreachCursor{}, false
	}
	ns, err := strconv.ParseInt(parts[1], 10, 64)
	return airspace.BreachCursor{Zone: parts[0], EnterNs: ns, Flight: parts[2]}, err == nil
}

// appendMoved appends what an event tells of sectors, zones and breaches.
func appendMoved(b []byte, e *airspace.Event) []byte {
	if len(e.Left) > 0 {
		b = append(b, `,"left":[`...)
		for i, id := range e.Left {
			b = appendString(comma(b, i), id)
		}
		b = append(b, ']')
	}
	if len(e.Zones) > 0 {
		b = append(b, `,"zones":[`...)
		for i, z := range e.Zones {
			b = appendString(append(comma(b, i), `{"zone":`...), z.Zone)
			if z.Index > 0 {
				b = append(strconv.AppendUint(append(b, `,"notifications":"`...), z.Index, 10), '"')
			}
			b = append(b, '}')
		}
		b = append(b, ']')
	}
	if d, is := e.Detail.(*airspace.BreachDetail); is {
		b = appendString(append(b, `,"breach":{"flight":`...), d.Flight)
		for i, w := range d.Windows {
			if i == 0 {
				b = append(b, `,"windows":[`...)
			}
			b = append(appendWindow(append(comma(b, i), '{'), w), '}')
			if i == len(d.Windows)-1 {
				b = append(b, ']')
			}
		}
		b = append(b, '}')
	}
	return b
}
