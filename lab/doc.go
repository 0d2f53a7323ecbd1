// Package lab runs the laboratory: many simulated clusters, spread over worker processes, with one table of what they met and one
// of the planted bugs they found.
// It is a laboratory: it starts processes of its own binary, because one simulated world lives in a process at a time.
package lab
