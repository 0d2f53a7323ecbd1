// Package view holds the nouns of membership that everything above obeys.
// It is quiet and replicated.
//
// A view is the fourth of five words: machine, group, session, view, lease. It is numbered, and whoever holds one obeys it, even where it is
// mistaken: that two obey different views at once would be worse than a wrong one. Package oracle makes the views.
package view

import (
	"cmp"
	"strconv"

	"onevoice/codec"
)

// Number counts views from 1, without gaps. 0 means that no view is known yet.
type Number uint64

// Epoch is the fencing token of one group: the newest view that its leader knows, those in its log included, and the raft term in which
// it leads, compared in that order. It grows with every leader, and under one leader with the views.
type Epoch struct {
	View Number
	Term uint64
}

// Compare is negative where e is older than o, zero where they are equal, positive where e is newer.
func (e Epoch) Compare(o Epoch) int {
	return cmp.Or(cmp.Compare(e.View, o.View), cmp.Compare(e.Term, o.Term))
}

// String prints an epoch as view/term.
func (e Epoch) String() string {
	return strconv.FormatUint(uint64(e.View), 10) + "/" + strconv.FormatUint(e.Term, 10)
}

// EpochBytes is the encoded size of an Epoch.
const EpochBytes = 16

// Append writes e.
func (e Epoch) Append(w *codec.Writer) {
	w.U64(uint64(e.View))
	w.U64(e.Term)
}

// ReadEpoch takes an epoch written by Append.
func ReadEpoch(r *codec.Reader) Epoch { return Epoch{View: Number(r.U64()), Term: r.U64()} }

// Wish is who shall be in every group: the agreed membership as of one of its changes. Groups come to it step by step; see
// package members for who makes it and package consensus for who follows it.
type Wish struct {
	// Change counts the changes of the membership from 1; 0 where no wish is known.
	Change uint64
	// Voters and Learners are the servers' numbers, each sorted, none in both.
	Voters, Learners []uint64
	// Keep says that nobody is to go yet: who is a member and not wished stays until the same change comes again without Keep.
	Keep bool
}
