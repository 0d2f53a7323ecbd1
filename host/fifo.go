package host

import "onevoice/step"

// fifo is a queue of inputs that knows its size in bytes.
type fifo struct {
	items []step.Input
	head  int
	bytes int
}

func (f *fifo) len() int { return len(f.items) - f.head }

func (f *fifo) push(in step.Input) {
	f.items = append(f.items, in)
	f.bytes += len(in.Bytes)
}

// moveTo takes at most most inputs off the front and appends them to into.
func (f *fifo) moveTo(into []step.Input, most int) []step.Input {
	n := min(most, f.len())
	taken := f.items[f.head : f.head+n]
	for i := range taken {
		f.bytes -= len(taken[i].Bytes)
	}
	into = append(into, taken...)
	clear(taken)
	if f.head += n; f.head == len(f.items) {
		f.items, f.head = f.items[:0], 0
	} else if f.head > len(f.items)/2 {
		rest := copy(f.items, f.items[f.head:])
		clear(f.items[rest:])
		f.items, f.head = f.items[:rest], 0
	}
	return into
}
