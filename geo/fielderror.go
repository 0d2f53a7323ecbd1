package geo

import "fmt"

// FieldError is the refusal of one value. Every check of this package returns one.
type FieldError struct {
	// Field is the path of the value inside what was checked, such as "rings[0][3].lat".
	Field string
	// Value is what stood there, in plain text.
	Value string
	// Allowed says what may stand there.
	Allowed string
}

// Error names the field, the value and what is allowed.
func (e *FieldError) Error() string {
	return fmt.Sprintf("%s is %s; allowed: %s", e.Field, e.Value, e.Allowed)
}

// under puts the path of the surrounding value before the field.
func (e *FieldError) under(path string) *FieldError {
	e.Field = path + e.Field
	return e
}

// nilOr keeps a nil *FieldError from becoming a non-nil error.
func nilOr(e *FieldError) error {
	if e == nil {
		return nil
	}
	return e
}

// degrees prints 1e-7 degrees with seven decimals.
func degrees(e7 int64) string {
	sign := ""
	if e7 < 0 {
		sign, e7 = "-", -e7
	}
	return fmt.Sprintf("%s%d.%07d", sign, e7/degE7, e7%degE7)
}

// clip keeps a foreign string short enough to print in an error.
func clip(s string) string {
	const longest = 32
	if len(s) > longest {
		s = s[:longest]
	}
	return fmt.Sprintf("%q", s)
}
