// Package geo holds positions, altitudes, polygons and 4D paths, and computes when a path is inside a volume of airspace.
// It is quiet and replicated: whole numbers only, no floating point, no state of its own, so that every server
// computes the same windows from the same plan to the last nanosecond.
//
// # Units
//
// Latitude and longitude are in 1e-7 degree (about 1.1 cm of latitude), altitudes in centimetres with the reference
// they are measured from, time in nanoseconds UTC since 1970-01-01.
//
// # The one kind of edge
//
// Edges of rings and legs of paths are straight in longitude and latitude, the shorter way round. Great circles and
// circles are cut into such edges before they come here (package cover does it). A ring may cross the antimeridian;
// it may not go round a pole.
//
// # Rounding
//
// Without uncertainty a crossing time is computed exactly and rounded up to the next nanosecond, everywhere alike:
// the instant of crossing belongs to what comes after it. Two volumes with a common edge therefore hand over at the
// same nanosecond, with no gap and no overlap between them. With lateral uncertainty a window in which the flight may
// be inside is rounded outwards and one in which it surely is inside is rounded inwards.
package geo
