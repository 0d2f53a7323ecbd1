package airspace

import (
	"errors"
	"fmt"
	"strconv"
	"strings"
	"unicode"
	"unicode/utf8"

	"onevoice/airspace/index"
	"onevoice/geo"
	"onevoice/problem"
)

// Validate says what is wrong with a command as far as it can be said without the state; nil if nothing is. Apply checks
// the same and more, so a rim needs it only to refuse early.
func Validate(cmd Command) *problem.Error {
	c := checker{op: cmd.Op()}
	cmd.check(&c)
	c.precondition(cmd.precondition())
	return c.found
}

// checker keeps the first problem found.
type checker struct {
	op, subject string
	found       *problem.Error
}

func (c *checker) fail(kind problem.Kind, field, value, allowed string) {
	if c.found != nil {
		return
	}
	c.found = &problem.Error{
		Kind: kind, Op: c.op, Subject: problem.Clip(c.subject), Field: field, Value: problem.Clip(value), Allowed: allowed,
	}
}

func (c *checker) number(field string, v, least, most int64) {
	if v < least || v > most {
		c.fail(problem.Invalid, field, fmt.Sprint(v), fmt.Sprintf("%d to %d", least, most))
	}
}

// count refuses a list that is too long, as TooLarge, or too short.
func (c *checker) count(field string, n, least, most int) {
	kind := problem.TooLarge
	if n < least {
		kind = problem.Invalid
	}
	if n < least || n > most {
		c.fail(kind, field, fmt.Sprintf("%d long", n), fmt.Sprintf("%d to %d", least, most))
	}
}

// geometry passes on what geo found wrong.
func (c *checker) geometry(prefix string, err error) {
	if err == nil {
		return
	}
	if wrong := (*geo.FieldError)(nil); errors.As(err, &wrong) {
		c.fail(problem.Invalid, prefix+wrong.Field, wrong.Value, wrong.Allowed)
		return
	}
	c.fail(problem.Invalid, prefix, err.Error(), "")
}

// ValidID reports whether a text may be the identifier of a sector or flight: 1 to MaxIDBytes of A-Z a-z 0-9 . _ : -
func ValidID(id string) bool {
	if len(id) < 1 || len(id) > MaxIDBytes {
		return false
	}
	for i := range len(id) {
		b := id[i]
		known := b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("._:-", b) >= 0
		if !known {
			return false
		}
	}
	return true
}

func (c *checker) id(id string) {
	if !ValidID(id) {
		c.fail(problem.Invalid, "id", strconv.QuoteToASCII(problem.Clip(id)), fmt.Sprintf("1 to %d of A-Z a-z 0-9 . _ : -", MaxIDBytes))
	}
}

// printable says whether a text is printable ASCII.
func printable(s string) bool {
	return !strings.ContainsFunc(s, func(r rune) bool { return r < ' ' || r > '~' })
}

func (c *checker) label(field, s string) {
	if len(s) > MaxLabelBytes || !printable(s) {
		c.fail(problem.Invalid, field, strconv.QuoteToASCII(problem.Clip(s)), fmt.Sprintf("up to %d printable ASCII characters", MaxLabelBytes))
	}
}

func (c *checker) sector(s *Sector) {
	c.id(s.ID)
	if len(s.Name) > MaxNameBytes || !utf8.ValidString(s.Name) || strings.ContainsFunc(s.Name, unicode.IsControl) {
		c.fail(problem.Invalid, "name", strconv.QuoteToASCII(problem.Clip(s.Name)), fmt.Sprintf("up to %d bytes of UTF-8 without control characters", MaxNameBytes))
	}
	c.count("volumes", len(s.Volumes), 1, MaxVolumes)
	vertices := 0
	for _, v := range s.Volumes {
		vertices += vertexCount(v)
	}
	if vertices > MaxSectorVertices {
		c.fail(problem.TooLarge, "volumes", fmt.Sprintf("%d vertices", vertices), fmt.Sprintf("up to %d in all", MaxSectorVertices))
	}
	c.effective(s)
	c.hours(&s.Hours)
	c.separation(s.Separation)
	c.capacity(s.Capacity)
	c.cells(s.Cells)
	for i := 0; i < len(s.Volumes) && c.found == nil; i++ {
		c.geometry(fmt.Sprintf("volumes[%d].", i), s.Volumes[i].Validate())
	}
}

func vertexCount(p geo.Polygon) int {
	n := 0
	for _, ring := range p.Rings {
		n += len(ring)
	}
	return n
}

func (c *checker) flight(f *Flight) {
	c.id(f.ID)
	c.label("callsign", f.Callsign)
	c.label("from", f.From)
	c.label("to", f.To)
	c.geometry("", f.Uncertainty.Validate())
	c.cells(f.Cells)
	switch {
	case len(f.Volumes) == 0:
		c.path(f.Path)
	case len(f.Path) > 0:
		c.fail(problem.Invalid, "volumes", fmt.Sprintf("%d beside a path", len(f.Volumes)), "a path or volumes")
	case f.Uncertainty != geo.Uncertainty{}:
		c.fail(problem.Invalid, "uncertainty", "not 0", "none with volumes, which hold all places where the flight may be")
	default:
		c.volumes(f.Volumes)
	}
}

func (c *checker) path(path []geo.Point4D) {
	if len(path) > geo.MaxPathPoints {
		c.count("points", len(path), 2, geo.MaxPathPoints)
	}
	if c.found == nil {
		c.geometry("", geo.ValidatePath(path))
	}
}

// volumes checks those of a flight.
func (c *checker) volumes(volumes []Volume4D) {
	c.count("volumes", len(volumes), 1, MaxFlightVolumes)
	vertices := 0
	for i := range volumes {
		vertices += vertexCount(volumes[i].Area)
	}
	if vertices > geo.MaxVertices {
		c.fail(problem.TooLarge, "volumes", fmt.Sprintf("%d vertices", vertices), fmt.Sprintf("up to %d in all", geo.MaxVertices))
	}
	for i := 0; i < len(volumes) && c.found == nil; i++ {
		field, v := fmt.Sprintf("volumes[%d].", i), &volumes[i]
		c.number(field+"from", v.FromNs, geo.MinAtNs, geo.MaxAtNs)
		c.number(field+"to", v.ToNs, geo.MinAtNs, geo.MaxAtNs)
		if v.ToNs <= v.FromNs {
			c.fail(problem.Invalid, field+"to", instant(v.ToNs), "after from, "+instant(v.FromNs))
		}
		c.geometry(field, v.Area.Validate())
		if ref := volumes[0].Area.Band.Floor.Ref; v.Area.Band.Floor.Ref != ref {
			c.fail(problem.Invalid, field+"band.floor.ref", v.Area.Band.Floor.Ref.String(), "one reference in all volumes, "+ref.String())
		}
	}
}

// cells refuses what is not a sorted list of cells.
func (c *checker) cells(cells []uint64) {
	c.count("cells", len(cells), 0, MaxCells)
	if c.found != nil {
		return
	}
	for i, cell := range cells {
		field := fmt.Sprintf("cells[%d]", i)
		if !index.Valid(cell) {
			c.fail(problem.Invalid, field, fmt.Sprintf("%#x", cell), "the number of an S2 cell")
		}
		if i > 0 && cell <= cells[i-1] {
			c.fail(problem.Invalid, field, fmt.Sprintf("%#x", cell), fmt.Sprintf("above the one before, %#x", cells[i-1]))
		}
	}
}
