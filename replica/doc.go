// Package replica is one server's node: its groups behind one transport and one disk.
// It is quiet: it routes frames to groups, and what the groups want done to the driver.
//
// It knows of each frame only which group it is for and what kind it is; what a group decides is none of its business.
//
// Each group is a machine (package machine) and its log (package consensus), within which sessions make commands happen once
// (package consensus/session). Where one of the groups is an oracle (package oracle, Config.Membership), the node brings to it what this server
// hears of the others, obeys its views (package view), and stops as Downed when one of them says that this start is over: whoever drives it
// then begins a new start. Its drivers are package host, in the real world, and lab/sim. Who wants a server and not a driver takes
// package server.
package replica
