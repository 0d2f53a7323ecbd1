package api

import (
	"bytes"
	"strconv"
)

// decimal is a JSON number: its digits, those of whole and then those of fraction, times ten to the exponent.
type decimal struct {
	negative        bool
	whole, fraction []byte // without leading zeros; both empty for zero
	exponent        int
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
	d.whole = whole
	if len(s) > 0 && s[0] == '.' {
		d.fraction = leadingDigits(s[1:])
		if len(d.fraction) == 0 {
			return d, false
		}
		s = s[1+len(d.fraction):]
		d.exponent = -len(d.fraction)
	}
	if len(s) > 0 && (s[0] == 'e' || s[0] == 'E') {
		e, ok := parseExponent(s[1:])
		if !ok {
			return d, false
		}
		d.exponent, s = d.exponent+e, nil
	}
	if d.whole[0] == '0' { // which then is all of it
		d.whole, d.fraction = nil, bytes.TrimLeft(d.fraction, "0")
	}
	return d, len(s) == 0
}

// digits is how many there are, from the first that is not zero.
func (d *decimal) digits() int { return len(d.whole) + len(d.fraction) }

// digit is the i-th of them.
func (d *decimal) digit(i int) byte {
	if i < len(d.whole) {
		return d.whole[i]
	}
	return d.fraction[i-len(d.whole)]
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
func (d *decimal) scaled(places int) (int64, bool) {
	shift, kept := d.exponent+places, d.digits()
	if kept == 0 {
		return 0, true
	}
	if kept+shift > maxScaledDigits {
		return 0, false
	}
	up := false
	if shift < 0 {
		if -shift > kept {
			return 0, true
		}
		kept += shift
		up, shift = d.digit(kept) >= '5', 0
	}
	var v int64
	for i := range kept {
		v = v*10 + int64(d.digit(i)-'0')
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

// ParseDegrees reads degrees, as 8.5417, in 1e-7 degree.
func ParseDegrees(text string) (int64, bool) {
	d, ok := parseDecimal([]byte(text))
	if !ok {
		return 0, false
	}
	return d.scaled(degreePlaces)
}
