package api

import (
	"strconv"
	"unicode/utf16"
	"unicode/utf8"
)

// endOfString finds the quote that ends a string begun before start.
func endOfString(b []byte, start int) (int, bool) {
	for i := start; i < len(b); i++ {
		switch {
		case b[i] == '"':
			return i, true
		case b[i] == '\\':
			i++
		case b[i] < ' ':
			return 0, false
		}
	}
	return 0, false
}

// unescape resolves the escapes of RFC 8259. A lone surrogate is refused: it names no character.
func unescape(s []byte) ([]byte, bool) {
	out := make([]byte, 0, len(s))
	for i := 0; i < len(s); i++ {
		if s[i] != '\\' {
			out = append(out, s[i])
			continue
		}
		i++
		if i == len(s) {
			return nil, false
		}
		if s[i] != 'u' {
			c, ok := simpleEscape(s[i])
			if !ok {
				return nil, false
			}
			out = append(out, c)
			continue
		}
		r, used, ok := unicodeEscape(s[i+1:])
		if !ok {
			return nil, false
		}
		out = utf8.AppendRune(out, r)
		i += used
	}
	return out, true
}

func simpleEscape(c byte) (byte, bool) {
	switch c {
	case '"', '\\', '/':
		return c, true
	case 'b':
		return '\b', true
	case 'f':
		return '\f', true
	case 'n':
		return '\n', true
	case 'r':
		return '\r', true
	case 't':
		return '\t', true
	}
	return 0, false
}

// unicodeEscape reads what follows "\u": four hexadecimal digits, and a second such escape where the first is half of a pair.
func unicodeEscape(s []byte) (r rune, used int, ok bool) {
	r, ok = hex4(s)
	if !ok || !utf16.IsSurrogate(r) {
		return r, 4, ok
	}
	if len(s) < 10 || s[4] != '\\' || s[5] != 'u' {
		return 0, 0, false
	}
	low, ok := hex4(s[6:])
	r = utf16.DecodeRune(r, low)
	return r, 10, ok && r != utf8.RuneError
}

func hex4(s []byte) (rune, bool) {
	if len(s) < 4 {
		return 0, false
	}
	for _, c := range s[:4] {
		if c == '+' || c == '-' || c == '_' {
			return 0, false
		}
	}
	v, err := strconv.ParseUint(string(s[:4]), 16, 16)
	return rune(v), err == nil
}

const hexDigits = "0123456789abcdef"

// appendString appends s as a JSON string. Characters that end a script or an HTML context are escaped as well, so that an
// answer is harmless wherever it is pasted. Bytes that are not UTF-8 become the replacement character.
func appendString(b []byte, s string) []byte {
	b = append(b, '"')
	start := 0
	for i := 0; i < len(s); {
		c := s[i]
		if c < utf8.RuneSelf {
			if c >= ' ' && c != '"' && c != '\\' && c != '<' && c != '>' && c != '&' && c != 0x7f {
				i++
				continue
			}
			b = append(b, s[start:i]...)
			b = appendEscape(b, c)
			i++
			start = i
			continue
		}
		r, size := utf8.DecodeRuneInString(s[i:])
		if r == utf8.RuneError && size == 1 || r == '\u2028' || r == '\u2029' {
			b = append(b, s[start:i]...)
			b = append(b, '\\', 'u', hexDigits[r>>12&0xf], hexDigits[r>>8&0xf], hexDigits[r>>4&0xf], hexDigits[r&0xf])
			start = i + size
		}
		i += size
	}
	return append(append(b, s[start:]...), '"')
}

func appendEscape(b []byte, c byte) []byte {
	switch c {
	case '"', '\\':
		return append(b, '\\', c)
	case '\n':
		return append(b, '\\', 'n')
	case '\t':
		return append(b, '\\', 't')
	case '\r':
		return append(b, '\\', 'r')
	}
	return append(b, '\\', 'u', '0', '0', hexDigits[c>>4], hexDigits[c&0xf])
}
