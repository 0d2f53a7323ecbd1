// Package detect says which servers seem not to be up, as far as one server can tell, and who of the others agrees: a failure detector.
// It is quiet: beats come and go through its driver, and time is an argument.
//
// Every server sends a Beat to every other one at each tick. A Beat says whom its sender has heard, and how long ago, so a server that
// hears nobody is found out as fast as one that says nothing; and it carries the sender's opinions, so that each server can count who
// agrees with it without asking. And it gives back when the others' beats were sent, so that each server knows how far away each other one is.
//
// There are at most 32 servers (members.MaxServers), and they observe one another fully: 31 beats a tick from each, 992 links, 3,100 small frames
// a second. Rings as in package crowd would save most of that and lose what counts: a verdict about a server is a majority of the voters,
// of whom there are at most nine, so each voter must hear everybody itself.
//
// An opinion is not a decision. What a majority of opinions is good for is said in package failover.
package detect
