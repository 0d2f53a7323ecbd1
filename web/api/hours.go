package api

import (
	"strconv"
	"strings"

	"onevoice/airspace"
	"onevoice/geo"
)

// Hours say when a sector is open, UTC; without any it always is.
type Hours struct {
	// Weekly are the times of every week at which it is open.
	Weekly []Shift `json:"weekly,omitempty"`
	// Shut says that a sector without weekly hours is closed, but for the periods that open it.
	Shut bool `json:"shut,omitempty"`
	// Periods open or close it once; at an instant of both it is closed.
	Periods []Period `json:"periods,omitempty"`
}

// Shift is a time of some days of every week: Days as "mon tue fri", From and To as "05:30", To up to "24:00"; where To is not later than From it is
// on the day after.
type Shift struct {
	Days string `json:"days"`
	From string `json:"from"`
	To   string `json:"to"`
}

// Period opens or closes a sector once. A begin or an end that is missing is never.
type Period struct {
	From *Time `json:"from,omitempty"`
	To   *Time `json:"to,omitempty"`
	// Opens is true where it opens.
	Opens bool `json:"opens"`
	// Into is the sector that stands for this one meanwhile, where it was combined.
	Into string `json:"into,omitempty"`
}

func dayNames() []string { return []string{"mon", "tue", "wed", "thu", "fri", "sat", "sun"} }

const allowedDays = "days of the week, as mon tue wed thu fri sat sun, each once"

func parseDays(s string) (uint8, bool) {
	days := uint8(0)
	for _, word := range strings.Fields(s) {
		bit := uint8(0)
		for i, name := range dayNames() {
			if word == name {
				bit = 1 << i
			}
		}
		if bit == 0 || days&bit != 0 {
			return 0, false
		}
		days |= bit
	}
	return days, days != 0
}

func daysText(days uint8) string {
	var words []string
	for i, name := range dayNames() {
		if days&(1<<i) != 0 {
			words = append(words, name)
		}
	}
	return strings.Join(words, " ")
}

const allowedMinute = "hours and minutes UTC, as 05:30, from 00:00 to 24:00"

func parseMinute(s string) (int, bool) {
	if len(s) != 5 || s[2] != ':' {
		return 0, false
	}
	h, err1 := strconv.ParseUint(s[:2], 10, 8)
	m, err2 := strconv.ParseUint(s[3:], 10, 8)
	total := int(h)*60 + int(m)
	return total, err1 == nil && err2 == nil && m < 60 && total <= 24*60
}

func minuteText(m int) string {
	two := func(n int) string { return string([]byte{byte('0' + n/10%10), byte('0' + n%10)}) }
	return two(m/60) + ":" + two(m%60)
}

// hours takes opening hours.
func (r *reader) hours() airspace.Hours {
	var h airspace.Hours
	r.object(func(key []byte) bool {
		switch string(key) {
		case "weekly":
			r.array(airspace.MaxShifts, func(int) { h.Weekly = append(h.Weekly, r.shift()) })
		case "shut":
			h.Shut = r.boolean()
		case "periods":
			r.array(airspace.MaxPeriods, func(int) { h.Periods = append(h.Periods, r.period()) })
		default:
			return false
		}
		return true
	})
	return h
}

func (r *reader) shift() airspace.Shift {
	var s airspace.Shift
	var days, from, to bool
	minute := func() int {
		text := r.str(maxKeyBytes)
		m, ok := parseMinute(text)
		if !ok {
			r.refuse(text, allowedMinute, "")
		}
		return m
	}
	r.object(func(key []byte) bool {
		switch string(key) {
		case "days":
			text := r.str(maxKeyBytes)
			if s.Days, days = parseDays(text); !days {
				r.refuse(text, allowedDays, "")
			}
		case "from":
			s.FromMin, from = minute(), true
		case "to":
			s.ToMin, to = minute(), true
		default:
			return false
		}
		return true
	})
	r.need("days", days)
	r.need("from", from)
	r.need("to", to)
	return s
}

func (r *reader) period() airspace.Period {
	p := airspace.Period{Span: airspace.Always()}
	opens := false
	r.object(func(key []byte) bool {
		switch string(key) {
		case "from":
			p.FromNs = int64(r.time())
		case "to":
			p.ToNs = int64(r.time())
		case "opens":
			p.Open, opens = r.boolean(), true
		case "into":
			p.Into = r.str(airspace.MaxIDBytes)
		default:
			return false
		}
		return true
	})
	r.need("opens", opens)
	return p
}

// boolean takes true or false.
func (r *reader) boolean() bool {
	switch word := string(r.literal()); word {
	case "true":
		return true
	case "false":
	default:
		r.refuse(word, "true or false", "")
	}
	return false
}

// effective adds the dates of one more volume, of n in all; what has none is there always.
func effective(list []geo.Span, n int, s geo.Span) []geo.Span {
	if s == airspace.Always() && len(list) == 0 {
		return list
	}
	for len(list) < n-1 {
		list = append(list, airspace.Always())
	}
	return append(list, s)
}

func timeOrNil(ns, missing int64) *Time {
	if ns == missing {
		return nil
	}
	return new(Time(ns))
}

// dates gives when a volume is there.
func dates(s geo.Span) (from, to *Time) {
	return timeOrNil(s.FromNs, airspace.Always().FromNs), timeOrNil(s.ToNs, airspace.Always().ToNs)
}

func fromHours(h *airspace.Hours) *Hours {
	out := &Hours{Shut: h.Shut}
	for _, s := range h.Weekly {
		out.Weekly = append(out.Weekly, Shift{daysText(s.Days), minuteText(s.FromMin), minuteText(s.ToMin)})
	}
	for _, p := range h.Periods {
		from, to := dates(p.Span)
		out.Periods = append(out.Periods, Period{from, to, p.Open, p.Into})
	}
	if !out.Shut && out.Weekly == nil && out.Periods == nil {
		return nil
	}
	return out
}

func appendHours(b []byte, h *Hours) []byte {
	b = append(b, '{')
	if len(h.Weekly) > 0 {
		b = append(b, `"weekly":[`...)
		for i, s := range h.Weekly {
			b = appendString(append(comma(b, i), `{"days":`...), s.Days)
			b = appendString(append(b, `,"from":`...), s.From)
			b = append(appendString(append(b, `,"to":`...), s.To), '}')
		}
		b = append(b, ']', ',')
	}
	if h.Shut {
		b = append(b, `"shut":true,`...)
	}
	if len(h.Periods) > 0 {
		b = append(b, `"periods":[`...)
		for i, p := range h.Periods {
			b = append(comma(b, i), '{')
			b = appendSpan(b, p.From, p.To)
			b = strconv.AppendBool(append(b, `"opens":`...), p.Opens)
			if p.Into != "" {
				b = appendString(append(b, `,"into":`...), p.Into)
			}
			b = append(b, '}')
		}
		b = append(b, ']', ',')
	}
	b[len(b)-1] = '}'
	return b
}

// appendSpan appends a begin and an end, where there are any, each with a comma after it.
func appendSpan(b []byte, from, to *Time) []byte {
	if from != nil {
		b = append(from.appendJSON(append(b, `"from":`...)), ',')
	}
	if to != nil {
		b = append(to.appendJSON(append(b, `"to":`...)), ',')
	}
	return b
}
