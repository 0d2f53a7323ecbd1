// Package api holds the bodies of /api/v1 as Go types, for the server and for every Go program that asks it.
// It is quiet: types, a strict reader of requests and an appending writer of answers.
//
// Conventions of all bodies: indices and other 64-bit numbers are strings, versions are "index.i", instants are RFC 3339
// in UTC with Z, a quantity carries its unit, an altitude its unit and reference. Positions are [longitude, latitude] in
// degrees, as RFC 7946 has them, and are kept to the nearest 1e-7 degree, halves away from zero.
//
// Requests are read by the Read functions, which refuse what they do not know. Answers are read with encoding/json.
package api
