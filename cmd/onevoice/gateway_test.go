package main

import (
	"maps"
	"reflect"
	"slices"
	"testing"

	"onevoice/store"
)

// TestEveryFigureOfTheDiskIsShown: each field stands in the status under one name.
func TestEveryFigureOfTheDiskIsShown(t *testing.T) {
	var d store.Stats
	v := reflect.ValueOf(&d).Elem()
	var want []uint64
	for i := range v.NumField() {
		n := uint64(i + 1)
		v.Field(i).Set(reflect.ValueOf(n).Convert(v.Field(i).Type()))
		want = append(want, n)
	}
	to := map[string]uint64{}
	addDisk(to, &d)
	if got := slices.Sorted(maps.Values(to)); !slices.Equal(got, want) {
		t.Errorf("%v, want each of %d figures once", to, len(want))
	}
}
