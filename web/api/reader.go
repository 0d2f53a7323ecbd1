package api

import (
	"bytes"
	"strconv"
	"unicode/utf8"

	"onevoice/problem"
)

// reader takes JSON values off a body in the order in which the caller asks for them, and refuses everything else with the
// path of the field. It never skips a value that it does not know, so its depth is that of the types it is used for. The
// first failure sticks; what is read after it are zero values.
type reader struct {
	op   string
	b    []byte
	pos  int
	path [maxDepth]element // path[:deep] leads to what is being read
	deep int
	err  *problem.Error
}

// maxDepth is above the depth of every type that is read; that of the deepest, a number of a sector, is 7.
const maxDepth = 8

// element is one step of a path: a key, or an index where key is nil.
type element struct {
	key   []byte
	index int
}

func newReader(op string, body []byte) *reader { return &reader{op: op, b: body} }

// enter goes one step down; next comes back.
func (r *reader) enter(e element) {
	r.path[r.deep] = e
	r.deep++
}

// finish ends reading: nothing but white space may be left.
func (r *reader) finish() error {
	if r.err == nil && r.peek() != 0 {
		r.refuse(r.here(), "nothing after the value", "")
	}
	if r.err != nil {
		return r.err
	}
	return nil
}

// failed says whether something was refused already.
func (r *reader) failed() bool { return r.err != nil }

// refuse records the first failure, at the field being read.
func (r *reader) refuse(value, allowed, detail string) {
	if r.err != nil {
		return
	}
	r.err = &problem.Error{Kind: problem.Invalid, Op: r.op, Field: r.field(), Value: problem.Clip(value), Allowed: allowed, Detail: detail}
}

// refuseIn is refuse for something below the field being read.
func (r *reader) refuseIn(below, value, allowed string) {
	if r.err == nil {
		r.refuse(value, allowed, "")
		r.err.Field = join(r.err.Field, below)
	}
}

func join(field, below string) string {
	if field == "body" {
		return below
	}
	if below[0] == '[' {
		return field + below
	}
	return field + "." + below
}

// field spells the path being read, as "path[3].altitude.value"; the whole is "body".
func (r *reader) field() string {
	if r.deep == 0 {
		return "body"
	}
	var s []byte
	for i, e := range r.path[:r.deep] {
		switch {
		case e.key == nil:
			s = append(strconv.AppendInt(append(s, '['), int64(e.index), 10), ']')
		case len(e.key) == 0:
			s = append(s, `""`...)
		case i > 0:
			s = append(append(s, '.'), e.key...)
		default:
			s = append(s, e.key...)
		}
	}
	return problem.Clip(string(s))
}

// here is what stands at the reader, for a message.
func (r *reader) here() string {
	rest := r.b[r.pos:]
	if len(rest) == 0 {
		return "the end of the body"
	}
	end := 1
	if rest[0] == '"' {
		if i := bytes.IndexByte(rest[1:], '"'); i >= 0 {
			end = i + 2
		}
	} else {
		for end < len(rest) && !separates(rest[end]) {
			end++
		}
	}
	return string(bytes.ToValidUTF8(rest[:min(end, problem.MaxValueBytes+1)], []byte("?")))
}

// peek skips white space and gives the next byte, 0 at the end or after a failure.
func (r *reader) peek() byte {
	if r.err != nil {
		return 0
	}
	for r.pos < len(r.b) {
		switch c := r.b[r.pos]; c {
		case ' ', '\t', '\r', '\n':
			r.pos++
		case 0:
			r.refuse("a zero byte", "JSON", "")
			return 0
		default:
			return c
		}
	}
	return 0
}

// take skips c, which must be next.
func (r *reader) take(c byte, allowed string) bool {
	if r.peek() != c {
		r.refuse(r.here(), allowed, "")
		return false
	}
	r.pos++
	return true
}

// maxKeys bounds the keys of one object, above any that is known here.
const maxKeys = 16

// object takes an object. known reads the value of one key, or returns false where the key has no meaning there; the key aliases
// the body.
func (r *reader) object(known func(key []byte) bool) {
	if !r.take('{', "an object") {
		return
	}
	var seen [maxKeys][]byte
	for n := 0; ; n++ {
		c := r.peek()
		if n == 0 && c == '}' {
			r.pos++
			return
		}
		key := r.text(maxKeyBytes)
		if !r.take(':', "a colon after the key") {
			return
		}
		for _, s := range seen[:min(n, maxKeys)] {
			if bytes.Equal(s, key) {
				r.refuseIn(string(key), "there twice", "once")
			}
		}
		if n >= maxKeys {
			r.refuse("an object of more than "+strconv.Itoa(maxKeys)+" keys", "only known fields", "")
		}
		if r.err != nil {
			return
		}
		seen[n] = key
		r.enter(element{key: key})
		if !known(key) && r.err == nil {
			r.refuse(r.here(), "only known fields", "this field has no meaning here")
		}
		if !r.next('}') {
			return
		}
	}
}

// next ends one member of an object or array, and says whether another follows.
func (r *reader) next(end byte) bool {
	if r.err != nil {
		return false
	}
	r.deep--
	switch c := r.peek(); c {
	case ',':
		r.pos++
		if r.peek() == end {
			r.refuse(r.here(), "a value after the comma", "")
		}
		return r.err == nil
	case end:
		r.pos++
		return false
	}
	r.refuse(r.here(), "a comma or "+string(end), "")
	return false
}

// array takes an array of at most most items. Each call of item takes the i-th.
func (r *reader) array(most int, item func(i int)) {
	if !r.take('[', "an array") {
		return
	}
	if r.peek() == ']' {
		r.pos++
		return
	}
	for i := 0; r.err == nil; i++ {
		if i == most {
			r.refuse("over "+strconv.Itoa(most)+" items", "at most "+strconv.Itoa(most)+" items", "")
			return
		}
		r.enter(element{index: i})
		item(i)
		if !r.next(']') {
			return
		}
	}
}

// maxKeyBytes bounds a key, above any that is known here.
const maxKeyBytes = 64

// str takes a string of at most most bytes of UTF-8.
func (r *reader) str(most int) string { return string(r.text(most)) }

// text takes a string; the bytes may alias the body.
func (r *reader) text(most int) []byte {
	if r.peek() != '"' {
		r.refuse(r.here(), "a string", "")
		return nil
	}
	start := r.pos + 1
	for i := start; i < len(r.b); i++ {
		switch c := r.b[i]; {
		case c == '"':
			return r.plain(start, i, most)
		case c == '\\':
			return r.escaped(start, most)
		case c < ' ':
			r.refuse("a string with a control character", "a string", "")
			return nil
		}
	}
	r.refuse("a string without an end", "a string", "")
	return nil
}

func (r *reader) plain(start, end, most int) []byte {
	s := r.b[start:end]
	r.pos = end + 1
	return r.checked(s, most)
}

func (r *reader) checked(s []byte, most int) []byte {
	if len(s) > most {
		r.refuse(strconv.Itoa(len(s))+" bytes", "at most "+strconv.Itoa(most)+" bytes", "")
		return nil
	}
	if !utf8.Valid(s) {
		r.refuse("a string that is not UTF-8", "UTF-8", "")
		return nil
	}
	return s
}

// escaped takes a string with backslashes in it.
func (r *reader) escaped(start, most int) []byte {
	end, ok := endOfString(r.b, start)
	if !ok {
		r.refuse("a string without an end", "a string", "")
		return nil
	}
	r.pos = end + 1
	s, ok := unescape(r.b[start:end])
	if !ok {
		r.refuse("a string with a wrong escape", "a JSON string", "")
		return nil
	}
	return r.checked(s, most)
}

// literal takes the bytes of a number, or of true or false: all up to the next separator.
func (r *reader) literal() []byte {
	r.peek()
	start := r.pos
	for r.err == nil && r.pos < len(r.b) && !separates(r.b[r.pos]) {
		r.pos++
	}
	return r.b[start:r.pos]
}

// separates says whether c ends a literal.
func separates(c byte) bool {
	switch c {
	case ' ', '\t', '\r', '\n', ',', ':', '{', '}', '[', ']', '"':
		return true
	}
	return false
}
