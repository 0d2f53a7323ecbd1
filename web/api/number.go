package api

import "strconv"

// decimal is a JSON number: digits times ten to the exponent.
type decimal struct {
	negative bool
	digits   []byte // without a point and without leading zeros; empty for zero
	exponent int
}

// maxExponent is where exponents stop counting; any number of that size is out of every range or nothing.
const maxExponent = 1_000_000

// parseDecimal reads a number in the grammar of RFC 8259: no NaN, no infinity, no plus sign, no leading zero, no bare point.
func parseDecimal(s []byte) (decimal, bool) {
	var d decimal
	if len(s) > 0 && s[0] == '-' {
		d.negative, s = true, s[1:]
	}
	whole := leadingDigits(s)
	if len(whole) == 0 || len(whole) > 1 && whole[0] == '0' {
		return d, false
	}
	s = s[len(whole):]
	d.digits = whole
	if len(s) > 0 && s[0] == '.' {
		fraction := leadingDigits(s[1:])
		if len(fraction) == 0 {
			return d, false
		}
		s = s[1+len(fraction):]
		d.exponent = -len(fraction)
		d.digits = append(append(make([]byte, 0, len(whole)+len(fraction)), whole...), fraction...)
	}
	if len(s) > 0 && (s[0] == 'e' || s[0] == 'E') {
		e, ok := parseExponent(s[1:])
		if !ok {
			return d, false
		}
		d.exponent, s = d.exponent+e, nil
	}
	for len(d.digits) > 0 && d.digits[0] == '0' {
		d.digits = d.digits[1:]
	}
	return d, len(s) == 0
}

func parseExponent(s []byte) (int, bool) {
	negative := false
	if len(s) > 0 && (s[0] == '+' || s[0] == '-') {
		negative, s = s[0] == '-', s[1:]
	}
	digits := leadingDigits(s)
	if len(digits) == 0 || len(digits) != len(s) {
		return 0, false
	}
	e := 0
	for _, c := range digits {
		e = min(e*10+int(c-'0'), maxExponent)
	}
	if negative {
		e = -e
	}
	return e, true
}

func leadingDigits(s []byte) []byte {
	n := 0
	for n < len(s) && s[n] >= '0' && s[n] <= '9' {
		n++
	}
	return s[:n]
}

// maxScaledDigits keeps scaled values below 1e18, so that they and their rounding fit into an int64.
const maxScaledDigits = 18

// scaled gives the number times ten to the places, rounded to the nearest whole number, halves away from zero; false where
// it is 1e18 or more.
func (d decimal) scaled(places int) (int64, bool) {
	shift := d.exponent + places
	if len(d.digits) == 0 {
		return 0, true
	}
	if len(d.digits)+shift > maxScaledDigits {
		return 0, false
	}
	kept, up := d.digits, false
	if drop := -shift; drop > 0 {
		if drop > len(kept) {
			return 0, true
		}
		up = kept[len(kept)-drop] >= '5'
		kept, shift = kept[:len(kept)-drop], 0
	}
	var v int64
	for _, c := range kept {
		v = v*10 + int64(c-'0')
	}
	for range shift {
		v *= 10
	}
	if up {
		v++
	}
	if d.negative {
		v = -v
	}
	return v, true
}

// number takes a number, times ten to the places and rounded, from low to high (scaled alike). allowed spells that range.
func (r *reader) number(places int, low, high int64, allowed string) int64 {
	if r.peek() == '"' {
		r.refuse(r.here(), allowed, "a number, not a string")
		return 0
	}
	start := r.pos
	text := r.literal()
	d, ok := parseDecimal(text)
	if !ok {
		r.pos = start
		r.refuse(r.here(), allowed, "a finite JSON number")
		return 0
	}
	v, ok := d.scaled(places)
	if !ok || v < low || v > high {
		r.refuse(string(text), allowed, "")
		return 0
	}
	return v
}

// appendScaled appends v divided by ten to the places, with no more decimals than it needs.
func appendScaled(b []byte, v int64, places int) []byte {
	if v < 0 {
		b = append(b, '-')
	}
	u := uint64(v)
	if v < 0 {
		u = -u
	}
	unit := uint64(1)
	for range places {
		unit *= 10
	}
	b = strconv.AppendUint(b, u/unit, 10)
	rest := u % unit
	if rest == 0 {
		return b
	}
	b = append(b, '.')
	for rest > 0 {
		unit /= 10
		b = append(b, byte('0'+rest/unit))
		rest %= unit
	}
	return b
}
