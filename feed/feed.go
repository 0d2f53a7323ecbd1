// Package feed turns real inputs into sectors, filed plans and positions: recordings as CSV, correlated position reports,
// sectors as GeoJSON.
// It is quiet: codecs over io.Reader; the caller opens the files.
//
// A wrong row is never fatal and never silently dropped: it is counted, and the first MaxDefects are kept with their
// line, field, value and reason.
package feed

import (
	"bufio"
	"compress/gzip"
	"fmt"
	"io"

	"onevoice/problem"
)

// MaxDefects bounds the defects that a Report keeps; all are counted.
const MaxDefects = 1000

// Defect is one thing that is wrong in an input.
type Defect struct {
	Line   int    // of a text input, from 1; of a GeoJSON input the number of the feature, from 1
	Field  string // the column or property
	Value  string // what it held, shortened
	Reason string // what is wrong, with the allowed range where there is one
}

// String prints a defect on one line.
func (d Defect) String() string {
	return fmt.Sprintf("%d: %s is %q: %s", d.Line, d.Field, d.Value, d.Reason)
}

// Report counts what was read.
type Report struct {
	Rows    int // rows or features seen
	Good    int // taken
	Bad     int // not taken
	Defects []Defect
}

func (r *Report) bad(d Defect) {
	r.Bad++
	d.Value = problem.Clip(d.Value)
	if len(r.Defects) < MaxDefects {
		r.Defects = append(r.Defects, d)
	}
}

// plain returns a reader of the uncompressed bytes, whether in is gzip or not.
func plain(in io.Reader) (io.Reader, error) {
	buffered := bufio.NewReaderSize(in, 64<<10)
	magic, err := buffered.Peek(2)
	if err == nil && magic[0] == 0x1f && magic[1] == 0x8b {
		return gzip.NewReader(buffered)
	}
	return buffered, nil
}
