package realm

import (
	"errors"
	"sync"
	"testing"
)

func TestFirstWorldKeepsTheProcess(t *testing.T) {
	defer current.Store(none)
	for _, c := range []struct {
		name         string
		first, other func() error
		want         error
	}{
		{"real", EnterReal, EnterSim, ErrReal},
		{"simulated", EnterSim, EnterReal, ErrSimulated},
	} {
		current.Store(none)
		for range 2 {
			if err := c.first(); err != nil {
				t.Fatalf("%s world first: %v", c.name, err)
			}
			if err := c.other(); !errors.Is(err, c.want) {
				t.Fatalf("after the %s world the other gave %v, want %v", c.name, err, c.want)
			}
		}
	}
}

func TestOnlyOneWinsARace(t *testing.T) {
	defer current.Store(none)
	current.Store(none)
	var wg sync.WaitGroup
	errs := make([]error, 16)
	for i := range errs {
		wg.Go(func() {
			if i%2 == 0 {
				errs[i] = EnterReal()
			} else {
				errs[i] = EnterSim()
			}
		})
	}
	wg.Wait()
	for i := range errs {
		if (errs[i] == nil) == (errs[i^1] == nil) {
			t.Fatalf("real and simulated world both got %v", errs[i])
		}
	}
}
