// Package peer is a member's side of a crowd: it follows the rolls, probes those whom it observes, and says what it holds against them.
// It is quiet: probes, answers and rolls come and go through its driver, and time is an argument.
//
// Probes are datagrams, so that what a link loses is seen and not made good. Each subject is probed once a period. A probe that is
// unanswered when the next one is due is lost. The last 64 are kept for each subject: ten of them lost are held against it, until
// no more than four are; ten lost in a row are silence. That tells a link that loses 30 % one way from one that loses 1 % each way:
//
//   - A round of the bad link is lost with 0.30. Ten are lost after 33 rounds on average, 3.3 s at 100 ms, with a standard deviation of 9 rounds;
//     after 64 rounds all but 0.3 % of observers have found it. Back to four lost it comes with 3e-6.
//   - A round of the healthy link is lost with 0.02. At least ten of 64 are with 6e-7, at 0.1 % each way with 1e-16. A thousand members have 10,000
//     links, each with a window of its own every 6.4 s: one false opinion in 19 minutes, and nine at once about one member never.
//
// Who finds more than half of its subjects bad doubts its own link, and says nothing about any. A tick that is late by a quarter of the bound says
// nothing about the probes before it.
package peer
