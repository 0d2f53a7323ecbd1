// Package lock holds a lock of the cluster for as long as a program needs it, so that of many programs one does a thing.
// It is loud: it owns a goroutine and looks at the clock. It stands beside package client, not in it: a lock may be held over HTTP too, and
// who only gives commands need not link it.
//
//	l, err := lock.Acquire(ctx, lock.Over(c), "import/flights", lock.Options{Owner: "importer on h1"})
//	if err != nil {
//		return err // problem.Refused: the error says who holds it, and until when
//	}
//	defer l.Release(ctx)
//	for work := range works {
//		if !l.Held() {
//			return l.Err()
//		}
//		do(work, l.Token()) // whoever does it asks a fence.Guard first
//	}
//
// # What it promises
//
// While Held says yes, no other program holds the lock, as long as this machine's clock and that of the servers go at rates that differ
// by less than a tenth over one lease. A lease is counted from before it was asked for and ends here a tenth before it does there. Held looks
// at two clocks: one that is never set, and the time of day, since only that goes on while a machine sleeps.
//
// A program may be paused between Held and what it does next, for any time. What must never be done by two has to check tokens: package fence.
package lock
