package geo

import (
	"fmt"
	"math"
)

const (
	// degE7 is one degree in the unit of LatLon.
	degE7 = 10_000_000
	// quarterE7, halfE7 and turnE7 are 90, 180 and 360 degrees in the unit of LatLon.
	quarterE7 = 90 * degE7
	halfE7    = 180 * degE7
	turnE7    = 360 * degE7
)

// LatLon is a position on the ellipsoid (WGS84 geodetic), in 1e-7 degree.
// LatE7 lies in -900,000,000..900,000,000 and LonE7 in -1,800,000,000..1,799,999,999.
type LatLon struct{ LatE7, LonE7 int32 }

// Validate refuses a position out of range with a *FieldError.
func (p LatLon) Validate() error { return nilOr(p.check("position")) }

func (p LatLon) check(field string) *FieldError {
	if p.LatE7 < -quarterE7 || p.LatE7 > quarterE7 {
		return &FieldError{field + ".lat", degrees(int64(p.LatE7)), "-90 to 90 degrees"}
	}
	if p.LonE7 < -halfE7 || p.LonE7 >= halfE7 {
		return &FieldError{field + ".lon", degrees(int64(p.LonE7)), "-180 to below 180 degrees"}
	}
	return nil
}

// String gives latitude and longitude in degrees with seven decimals.
func (p LatLon) String() string { return degrees(int64(p.LatE7)) + "," + degrees(int64(p.LonE7)) }

// Ref says what an altitude is measured from. Altitudes of different references are never compared as if they were
// one: Windows widens and narrows bands by a stated amount instead.
type Ref uint8

const (
	// RefSTD is pressure altitude above the standard isobar of 1013.25 hPa: flight levels.
	RefSTD Ref = 1
	// RefAMSL is height above mean sea level.
	RefAMSL Ref = 2
	// RefWGS84 is height above the WGS84 ellipsoid.
	RefWGS84 Ref = 3
)

// String gives "STD", "AMSL" or "WGS84", the names ParseRef reads.
func (r Ref) String() string {
	switch r {
	case RefSTD:
		return "STD"
	case RefAMSL:
		return "AMSL"
	case RefWGS84:
		return "WGS84"
	}
	return fmt.Sprintf("Ref(%d)", uint8(r))
}

// ParseRef reads a name given by Ref.String; any other is refused with a *FieldError.
func ParseRef(s string) (Ref, error) {
	for r := RefSTD; r <= RefWGS84; r++ {
		if r.String() == s {
			return r, nil
		}
	}
	return 0, &FieldError{"ref", clip(s), allowedRefs}
}

const allowedRefs = "STD, AMSL or WGS84"

const (
	// MinAltitudeCm is the lowest altitude that can be stated: 1,000 m below the reference, lower than any land.
	MinAltitudeCm = -100_000
	// MaxAltitudeCm is the highest altitude that can be stated: 100 km, where airspace ends.
	MaxAltitudeCm = 10_000_000
	// UnlimitedCm as a ceiling means that there is none.
	UnlimitedCm = math.MaxInt32
)

// Altitude is a height in centimetres above its reference, MinAltitudeCm..MaxAltitudeCm. As the ceiling of a Band it
// may also be UnlimitedCm.
type Altitude struct {
	Cm  int32
	Ref Ref
}

// Validate refuses an altitude out of range, or of an unknown reference, with a *FieldError.
func (a Altitude) Validate() error { return nilOr(a.check("altitude")) }

func (a Altitude) check(field string) *FieldError {
	if a.Cm < MinAltitudeCm || a.Cm > MaxAltitudeCm {
		return &FieldError{field + ".cm", fmt.Sprint(a.Cm), "-100000 to 10000000 cm"}
	}
	if a.Ref < RefSTD || a.Ref > RefWGS84 {
		return &FieldError{field + ".ref", a.Ref.String(), allowedRefs}
	}
	return nil
}

// flightLevelCm is one flight level: 100 ft of 30.48 cm, a whole number.
const flightLevelCm = 3048

// FlightLevel gives the pressure altitude of a flight level. It is exact, since 100 ft are 3,048 cm. A level of 999
// or more means unlimited, as sector files write it; one below the range of Altitude gives MinAltitudeCm.
func FlightLevel(fl int) Altitude {
	if fl >= 999 {
		return Altitude{UnlimitedCm, RefSTD}
	}
	fl = max(fl, MinAltitudeCm/flightLevelCm-1)
	return Altitude{max(int32(fl)*flightLevelCm, MinAltitudeCm), RefSTD}
}

// Band is the altitudes of a volume: Floor <= z < Ceiling, both of one reference. An unlimited ceiling may carry any
// reference, or none.
type Band struct{ Floor, Ceiling Altitude }

// Validate refuses a band whose ends are out of range, of different references, or not in order, with a *FieldError.
func (b Band) Validate() error { return nilOr(b.check("band")) }

func (b Band) check(field string) *FieldError {
	if e := b.Floor.check(field + ".floor"); e != nil {
		return e
	}
	if b.Ceiling.Cm == UnlimitedCm {
		return nil
	}
	if e := b.Ceiling.check(field + ".ceiling"); e != nil {
		return e
	}
	if b.Ceiling.Ref != b.Floor.Ref {
		return &FieldError{field + ".ceiling.ref", b.Ceiling.Ref.String(), "the floor's reference, " + b.Floor.Ref.String()}
	}
	if b.Ceiling.Cm <= b.Floor.Cm {
		return &FieldError{field + ".ceiling.cm", fmt.Sprint(b.Ceiling.Cm), fmt.Sprintf("above the floor of %d cm", b.Floor.Cm)}
	}
	return nil
}
