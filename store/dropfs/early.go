package dropfs

import (
	"errors"
	"os"
)

// sectorBytes is what a disk writes whole or not at all.
const sectorBytes = 512

func (f *FS) chance() bool {
	return f.options.EarlyPercent > 0 && f.rand.IntN(100) < f.options.EarlyPercent
}

// earlyWrite lets some sectors of an unsynced write reach the disk, as they are now.
func (f *FS) earlyWrite(n *node) error {
	if !f.chance() || len(n.writes) == 0 {
		return nil
	}
	w := n.writes[f.rand.IntN(len(n.writes))]
	backing, err := os.OpenFile(n.backing, os.O_CREATE|os.O_WRONLY, 0o644)
	if err != nil {
		return err
	}
	first, last := w.at/sectorBytes, (w.at+int64(len(w.bytes))-1)/sectorBytes
	from := first + f.rand.Int64N(last-first+1)
	to := from + 1 + f.rand.Int64N(last-from+1)
	for s := from; s < to && err == nil; s++ {
		if f.rand.IntN(4) == 0 {
			continue // a hole among those that arrive
		}
		end := min((s+1)*sectorBytes, int64(len(n.data)))
		_, err = backing.WriteAt(n.data[s*sectorBytes:end], s*sectorBytes)
		f.lost.Early++
	}
	return errors.Join(err, backing.Close())
}

// earlyChange lets one unsynced change of a directory reach the disk before those that came before it. It stays among the
// unsynced ones, and may come again.
func (f *FS) earlyChange(d *node) {
	if !f.chance() {
		return
	}
	i := f.rand.IntN(len(d.changes))
	c := d.changes[i]
	for _, later := range d.changes[i+1:] {
		if later.name == c.name || later.was == c.name || c.was != "" && (later.name == c.was || later.was == c.was) {
			return // the newer one of a name wins
		}
	}
	if err := f.harden(d, c, f.rand.IntN(2) == 0); err == nil {
		f.lost.Early++
	}
}
