// Package crowd is a simulated crowd: a thousand members with the code that members run, the machine that decides, and a model of the servers
// between them. It is a laboratory: virtual time, and every choice drawn from one seed, so that one seed is one run.
//
// What is real: package crowd/peer in each member, its probes and reports in their encoding, and package crowd's machine. What is a model, with its
// figures below: the network, how long an entry takes to be agreed, and the time that a server's processor takes for each frame. Servers agree at
// once on one machine; that they do is what lab/cluster is for.
package crowd
