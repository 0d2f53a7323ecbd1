package api

import (
	"math"
	"math/bits"
	"strconv"
	"strings"

	"onevoice/geo"
)

// Altitude is a height above a reference: {"value": 245, "unit": "FL", "ref": "STD"} in JSON, or "unlimited" as a ceiling.
// Units are ft (of 0.3048 m), m and FL (hundreds of ft, STD only); it is kept to the nearest centimetre. An answer gives
// STD as FL where that is whole, otherwise and elsewhere ft where that is whole, otherwise m.
type Altitude geo.Altitude

// Length is a distance over ground in centimetres: {"value": 1.5, "unit": "NM"} in JSON, in NM (of 1,852 m), km, m or ft.
type Length int64

// Height is a vertical distance in centimetres: {"value": 500, "unit": "ft"} in JSON, in ft or m.
type Height int64

// Duration is a span of time in nanoseconds: {"value": 30, "unit": "s"} in JSON, in s, min or h.
type Duration int64

// valuePlaces is how many decimals of a value count; finer than a centimetre and a microsecond in every unit.
const valuePlaces = 9

// maxValue bounds a value as it is read; the ranges of what it measures are narrower.
const maxValue = 100_000_000

const valueScale = 1_000_000_000

// unit is a unit's name and its size in the smallest part we keep, as a fraction.
type unit struct {
	name     string
	num, den int64
}

// The units of each quantity, in the order in which a refusal names them.
const (
	altitudeUnits = "ft m FL"
	lengthUnits   = "NM km m ft"
	heightUnits   = "ft m"
	durationUnits = "s min h"
)

// unitNamed gives a unit by its name; it has to be one of those above.
func unitNamed(name string) unit {
	switch name {
	case "ft":
		return unit{name, 3048, 100}
	case "m":
		return unit{name, 100, 1}
	case "FL":
		return unit{name, 3048, 1}
	case "NM":
		return unit{name, 185_200, 1}
	case "km":
		return unit{name, 100_000, 1}
	case "s":
		return unit{name, 1e9, 1}
	case "min":
		return unit{name, 60e9, 1}
	case "h":
		return unit{name, 3600e9, 1}
	}
	return unit{name, 1, 1}
}

// in gives a value (scaled by valueScale) of this unit in smallest parts, to the nearest, halves away from zero; false where
// that is beyond an int64.
func (u unit) in(value int64) (int64, bool) {
	size := value
	if size < 0 {
		size = -size
	}
	high, low := bits.Mul64(uint64(size), uint64(u.num))
	divisor := uint64(u.den) * valueScale
	if high >= divisor {
		return 0, false
	}
	parts, rest := bits.Div64(high, low, divisor)
	if rest >= divisor-rest {
		parts++
	}
	if parts > math.MaxInt64 {
		return 0, false
	}
	if value < 0 {
		return -int64(parts), true
	}
	return int64(parts), true
}

// out gives smallest parts in whole units, where a whole number of units is what they are the nearest of.
func (u unit) out(parts int64) (int64, bool) {
	n := parts * u.den / u.num
	for _, n := range []int64{n - 1, n, n + 1} {
		if back, ok := u.in(n * valueScale); ok && back == parts {
			return n, true
		}
	}
	return 0, false
}

// quantity is how the reader takes a value with its unit: which units there are, and from low to high parts of the smallest.
type quantity struct {
	units     string
	low, high int64
	places    int    // of the low and high in a refusal
	in        string // their unit in a refusal, with a space before it
	refs      bool   // whether a ref belongs to it
}

// taken is what a quantity was read as.
type taken struct {
	parts     int64
	unit, ref string
}

func (q *quantity) allowed() string {
	return string(appendScaled(nil, q.low, q.places)) + q.in + " to " + string(appendScaled(nil, q.high, q.places)) + q.in
}

// quantity takes an object of value, unit and, where it has references, ref.
func (r *reader) quantity(q quantity) taken {
	var t taken
	var value int64
	var have bool
	r.object(func(key []byte) bool {
		switch string(key) {
		case "value":
			value, have = r.number(valuePlaces, -maxValue*valueScale, maxValue*valueScale, "a number with a unit"), true
		case "unit":
			t.unit = r.oneOf(q.units)
		case "ref":
			if !q.refs {
				return false
			}
			t.ref = r.oneOf(allowedRefs)
		default:
			return false
		}
		return true
	})
	r.need("value", have)
	r.need("unit", t.unit != "")
	r.need("ref", t.ref != "" || !q.refs)
	if r.failed() {
		return t
	}
	u := unitNamed(t.unit)
	var ok bool
	if t.parts, ok = u.in(value); !ok || t.parts < q.low || t.parts > q.high {
		r.refuseIn("value", string(appendScaled(nil, value, valuePlaces))+" "+u.name, q.allowed())
	}
	return t
}

// oneOf takes a string that is one of the words separated by spaces.
func (r *reader) oneOf(words string) string {
	const longest = 32
	s := r.text(longest)
	for left := words; left != ""; {
		var w string
		if w, left, _ = strings.Cut(left, " "); w == string(s) {
			return w
		}
	}
	if !r.failed() {
		r.refuse(strconv.Quote(string(s)), strings.ReplaceAll(words, " ", ", "), "")
	}
	return ""
}

const allowedRefs = "STD AMSL WGS84"

// altitude takes an altitude; "unlimited" only where it is a ceiling.
func (r *reader) altitude(ceiling bool) Altitude {
	if r.peek() == '"' {
		r.unlimited(ceiling)
		return Altitude{Cm: geo.UnlimitedCm, Ref: geo.RefSTD}
	}
	t := r.quantity(quantity{altitudeUnits, geo.MinAltitudeCm, geo.MaxAltitudeCm, 2, " m", true})
	if r.failed() {
		return Altitude{}
	}
	if t.unit == "FL" && t.ref != "STD" {
		r.refuseIn("ref", t.ref, "STD, since the unit is FL")
	}
	ref, _ := geo.ParseRef(t.ref)
	return Altitude{Cm: int32(t.parts), Ref: ref}
}

func (r *reader) unlimited(ceiling bool) {
	s := r.str(maxKeyBytes)
	switch {
	case !ceiling:
		r.refuse(strconv.Quote(s), "an object of value, unit and ref", "")
	case s != "unlimited":
		r.refuse(strconv.Quote(s), `an object of value, unit and ref, or "unlimited"`, "")
	}
}

func (r *reader) length(low, high int64) Length {
	return Length(r.quantity(quantity{lengthUnits, low, high, 2, " m", false}).parts)
}

func (r *reader) height(high int64) Height {
	return Height(r.quantity(quantity{heightUnits, 0, high, 2, " m", false}).parts)
}

func (r *reader) duration(high int64) Duration {
	return Duration(r.quantity(quantity{durationUnits, 0, high, 9, " s", false}).parts)
}

// appendQuantity writes parts in a unit where that gives a whole number, otherwise in other, which has so many places.
func appendQuantity(b []byte, parts int64, whole, other string, places int) []byte {
	b = append(b, `{"value":`...)
	if n, ok := unitNamed(whole).out(parts); ok {
		b = strconv.AppendInt(b, n, 10)
		other = whole
	} else {
		b = appendScaled(b, parts, places)
	}
	return append(append(append(b, `,"unit":"`...), other...), '"')
}

func (a Altitude) appendJSON(b []byte) []byte {
	if a.Cm == geo.UnlimitedCm {
		return append(b, `"unlimited"`...)
	}
	whole := "ft"
	if a.Ref == geo.RefSTD && a.Cm%flightLevelCm == 0 {
		whole = "FL"
	}
	b = append(appendQuantity(b, int64(a.Cm), whole, "m", 2), `,"ref":"`...)
	return append(append(b, a.Ref.String()...), `"}`...)
}

const flightLevelCm = 3048

func (l Length) appendJSON(b []byte) []byte {
	return append(appendQuantity(b, int64(l), "NM", "m", 2), '}')
}

func (h Height) appendJSON(b []byte) []byte {
	return append(appendQuantity(b, int64(h), "ft", "m", 2), '}')
}

func (d Duration) appendJSON(b []byte) []byte {
	return append(appendQuantity(b, int64(d), "s", "s", 9), '}')
}

// MarshalJSON writes value, unit and ref, or "unlimited".
func (a Altitude) MarshalJSON() ([]byte, error) { return a.appendJSON(nil), nil }

// UnmarshalJSON reads an altitude or "unlimited".
func (a *Altitude) UnmarshalJSON(b []byte) error {
	r := newReader("read an altitude", b)
	*a = r.altitude(true)
	return r.finish()
}

// MarshalJSON writes value and unit.
func (l Length) MarshalJSON() ([]byte, error) { return l.appendJSON(nil), nil }

// UnmarshalJSON reads value and unit.
func (l *Length) UnmarshalJSON(b []byte) error {
	r := newReader("read a length", b)
	*l = r.length(0, math.MaxInt64)
	return r.finish()
}

// MarshalJSON writes value and unit.
func (h Height) MarshalJSON() ([]byte, error) { return h.appendJSON(nil), nil }

// UnmarshalJSON reads value and unit.
func (h *Height) UnmarshalJSON(b []byte) error {
	r := newReader("read a height", b)
	*h = r.height(math.MaxInt64)
	return r.finish()
}

// MarshalJSON writes value and unit.
func (d Duration) MarshalJSON() ([]byte, error) { return d.appendJSON(nil), nil }

// UnmarshalJSON reads value and unit.
func (d *Duration) UnmarshalJSON(b []byte) error {
	r := newReader("read a duration", b)
	*d = r.duration(math.MaxInt64)
	return r.finish()
}
