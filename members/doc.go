// Package members is the agreed membership of a cluster: which servers it has, what each shall be in every group, and who has been
// invited to join. It is a machine in a group of its own.
// It is quiet and replicated.
//
// A change of the membership is one wish: a numbered statement of who shall vote and who shall learn. Groups come to it by themselves
// (view.Wish, consensus.Group.Wish), and every server tells the machine when a group has (Reached). Only then may the next change be
// made; the one under way can be taken back. A server's number is never given twice, and a server is its number and its disk: whoever
// lost the disk joins again under another number.
//
// DESIGN.md gives the reasons.
package members
