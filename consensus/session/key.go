package session

import "onevoice/wire"

// keyed is one outcome held under an idempotency key; it never changes.
type keyed struct {
	name, body [32]byte
	index      uint64
	sub        uint32
	logNs      int64
	status     wire.Status
	result     []byte
}

func (k *keyed) bytes() int { return keyBytes + len(k.result) }

// keys finds outcomes by key and forgets them in the order they came, which is the order of index and sub.
type keys struct {
	byName map[[32]byte]*keyed
	// queue[head:] are the keys held. Elements are never changed once set, so a Root may share them.
	queue []*keyed
	head  int
	held  int
}

func newKeys() keys { return keys{byName: map[[32]byte]*keyed{}} }

func (k *keys) len() int { return len(k.queue) - k.head }

func (k *keys) full() bool { return k.len() >= MaxKeys || k.held >= MaxKeyBytes }

func (k *keys) find(name []byte) *keyed { return k.byName[[32]byte(name)] }

func (k *keys) add(q *Request, r *record) {
	k.push(&keyed{
		name: [32]byte(q.Key), body: [32]byte(q.Body),
		index: r.index, sub: r.sub, logNs: r.logNs, status: r.status, result: r.result,
	})
}

func (k *keys) push(n *keyed) {
	k.byName[n.name] = n
	k.queue = append(k.queue, n)
	k.held += n.bytes()
}

// expire forgets the keys that came before cutNs, a bounded number at a time.
func (k *keys) expire(cutNs int64) {
	for range MaxKeysExpiredEach {
		if k.len() == 0 || k.queue[k.head].logNs > cutNs {
			break
		}
		old := k.queue[k.head]
		delete(k.byName, old.name)
		k.held -= old.bytes()
		k.head++
	}
	if k.head > 64 && k.head*2 >= len(k.queue) {
		// A new array: a Root may still read the old one.
		k.queue, k.head = append(make([]*keyed, 0, k.len()*2), k.queue[k.head:]...), 0
	}
}

func (k *keys) dueNs() int64 {
	if k.len() == 0 {
		return 0
	}
	return k.queue[k.head].logNs + KeyNs
}
