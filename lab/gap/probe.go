package gap

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"time"
)

// probe measures what the machine does to a process that does next to nothing: how late it is woken, and how long a small durable write
// takes. Where that is long, so is everything else.
type probe struct {
	over   chan struct{}
	waked  chan []int64
	synced chan []int64
	failed chan error
}

// probeTick is the pause between two looks.
const probeTick = time.Millisecond

func startProbe(dir string) *probe {
	p := &probe{over: make(chan struct{}), waked: make(chan []int64, 1), synced: make(chan []int64, 1), failed: make(chan error, 1)}
	go p.wake()
	go p.sync(filepath.Join(dir, "probe"))
	return p
}

func (p *probe) wake() {
	var late []int64
	for {
		began := time.Now()
		select {
		case <-p.over:
			p.waked <- late
			return
		case <-time.After(probeTick):
			late = append(late, int64(time.Since(began)-probeTick))
		}
	}
}

func (p *probe) sync(path string) {
	var took []int64
	err := func() error {
		f, err := os.Create(path)
		if err != nil {
			return fmt.Errorf("lab failover: %w", err)
		}
		defer f.Close()
		for {
			select {
			case <-p.over:
				return nil
			case <-time.After(probeTick):
			}
			began := time.Now()
			if _, err := f.WriteAt(make([]byte, 512), 0); err != nil {
				return fmt.Errorf("lab failover: %w", err)
			}
			if err := f.Sync(); err != nil {
				return fmt.Errorf("lab failover: %w", err)
			}
			took = append(took, int64(time.Since(began)))
		}
	}()
	p.failed <- err
	p.synced <- took
}

// stop ends it and gives what one in a thousand was.
func (p *probe) stop() (lateNs, syncNs int64, err error) {
	close(p.over)
	late := <-p.waked
	err = <-p.failed
	took := <-p.synced
	if err == nil && (len(late) == 0 || len(took) == 0) {
		err = errors.New("lab failover: the probe has seen nothing")
	}
	if err != nil {
		return 0, 0, err
	}
	return atMost(late, 999), atMost(took, 999), nil
}

// atMost is the value that so many in a thousand do not exceed.
func atMost(values []int64, thousandth int) int64 {
	slices.Sort(values)
	return values[(len(values)*thousandth+999)/1000-1]
}
