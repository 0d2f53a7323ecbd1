package geo_test

import (
	"errors"
	"math"
	"strings"
	"testing"

	"onevoice/geo"
)

func TestFlightLevel(t *testing.T) {
	for _, c := range []struct {
		fl int
		cm int32
	}{
		{0, 0}, {245, 746_760}, {1, 3_048}, {998, 3_041_904}, {999, geo.UnlimitedCm}, {1 << 40, geo.UnlimitedCm},
		{-10, -30_480}, {-33, geo.MinAltitudeCm}, {math.MinInt, geo.MinAltitudeCm},
	} {
		if got := geo.FlightLevel(c.fl); got != (geo.Altitude{Cm: c.cm, Ref: geo.RefSTD}) {
			t.Errorf("FL%d = %v, want %d cm", c.fl, got, c.cm)
		}
	}
}

func TestRef(t *testing.T) {
	for _, r := range []geo.Ref{geo.RefSTD, geo.RefAMSL, geo.RefWGS84} {
		if got, err := geo.ParseRef(r.String()); got != r || err != nil {
			t.Errorf("%v reads as %v, %v", r, got, err)
		}
	}
	_, err := geo.ParseRef(strings.Repeat("AGL", 100))
	refused(t, err, "ref", "STD, AMSL or WGS84")
	if len(err.Error()) > 100 {
		t.Errorf("a long value is printed whole: %v", err)
	}
}

// refused checks that err is a *FieldError for the field that says what is allowed.
func refused(t *testing.T, err error, field, allowed string) {
	t.Helper()
	var fe *geo.FieldError
	if !errors.As(err, &fe) {
		t.Fatalf("%v is no *FieldError", err)
	}
	if fe.Field != field || !strings.Contains(fe.Allowed, allowed) {
		t.Errorf("refused %q allowed %q, want %q allowed ...%q", fe.Field, fe.Allowed, field, allowed)
	}
	for _, part := range []string{fe.Field, fe.Value, fe.Allowed} {
		if part == "" || !strings.Contains(fe.Error(), part) {
			t.Errorf("%q lacks %q", fe.Error(), part)
		}
	}
}

func TestBandValidate(t *testing.T) {
	std := func(cm int32) geo.Altitude { return geo.Altitude{Cm: cm, Ref: geo.RefSTD} }
	good := []geo.Band{
		{Floor: std(0), Ceiling: std(1)},
		{Floor: std(geo.MinAltitudeCm), Ceiling: std(geo.MaxAltitudeCm)},
		{Floor: std(5), Ceiling: geo.Altitude{Cm: geo.UnlimitedCm}},
		{Floor: std(5), Ceiling: geo.Altitude{Cm: geo.UnlimitedCm, Ref: geo.RefAMSL}},
	}
	for _, b := range good {
		if err := b.Validate(); err != nil {
			t.Errorf("%v refused: %v", b, err)
		}
	}
	refused(t, geo.Band{Floor: std(5), Ceiling: std(5)}.Validate(), "band.ceiling.cm", "above the floor")
	refused(t, geo.Band{Floor: std(5), Ceiling: geo.Altitude{Cm: 6, Ref: geo.RefAMSL}}.Validate(), "band.ceiling.ref", "STD")
	refused(t, geo.Band{Floor: std(geo.UnlimitedCm), Ceiling: std(6)}.Validate(), "band.floor.cm", "10000000")
	refused(t, geo.Band{Floor: geo.Altitude{Cm: 0}, Ceiling: std(6)}.Validate(), "band.floor.ref", "AMSL")
	refused(t, geo.Band{Floor: std(-100_001), Ceiling: std(6)}.Validate(), "band.floor.cm", "-100000")
	refused(t, geo.Altitude{Cm: 0, Ref: 4}.Validate(), "altitude.ref", "WGS84")
	refused(t, geo.LatLon{LonE7: 1_800_000_000}.Validate(), "position.lon", "below 180")
	refused(t, geo.LatLon{LatE7: -900_000_001}.Validate(), "position.lat", "-90")
	refused(t, geo.Uncertainty{LateralCm: -1}.Validate(), "uncertainty.lateralCm", "0 to")
	refused(t, geo.Uncertainty{TimeNs: geo.MaxTimeNs + 1}.Validate(), "uncertainty.timeNs", "0 to")
	refused(t, geo.Uncertainty{VerticalCm: geo.MaxVerticalCm + 1}.Validate(), "uncertainty.verticalCm", "0 to")
	if err := (geo.Uncertainty{LateralCm: geo.MaxLateralCm, VerticalCm: geo.MaxVerticalCm, TimeNs: geo.MaxTimeNs}).Validate(); err != nil {
		t.Error(err)
	}
}
