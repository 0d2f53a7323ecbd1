// Package cluster runs a whole cluster in the simulated world and judges it: nodes with two groups each, clients that obey,
// clients that repeat themselves, watchers that wander, faults, healing, and at the end the judges.
// It is a laboratory: one seed, one run; what is not drawn from the seed's streams does not happen.
package cluster
