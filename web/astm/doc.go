// Package astm holds what the interfaces of ASTM F3548-21, F3411-22a and F3411-19 and those beside them are made of: which operations there are, and
// which words of a token's scope each needs.
// It is quiet: tables and plain functions.
package astm
