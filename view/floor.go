package view

import "onevoice/codec"

// Start is one start of a server: each has a number, higher than those before.
type Start struct{ Server, Boot uint64 }

// Floors are, by server, the newest start of each that is over by a view, and with it those before: it was taken down, or a later one has
// come.
func (v *View) Floors() []Start {
	var all []Start
	for _, p := range v.Processes {
		boot := p.Boot
		if p.Standing != Down && boot > 0 {
			boot--
		}
		if boot > 0 {
			all = append(all, Start{p.Server, boot})
		}
	}
	return all
}

// Over says whether a start of a server is over by a view: it was taken down, or a later one has come. Start 0 is none that is known, and
// never over.
func (v *View) Over(server, boot uint64) bool {
	p, ok := v.Process(server)
	return ok && boot != 0 && (p.Boot > boot || p.Boot == boot && p.Standing == Down)
}

// Over says by floors what View.Over says by the view that they are of.
func Over(floors []Start, server, boot uint64) bool {
	for _, f := range floors {
		if f.Server == server {
			return boot != 0 && boot <= f.Boot
		}
	}
	return false
}

// AppendFloors writes floors.
func AppendFloors(w *codec.Writer, floors []Start) {
	w.Uvarint(uint64(len(floors)))
	for _, f := range floors {
		w.U64(f.Server)
		w.U64(f.Boot)
	}
}

// ReadFloors takes floors written by AppendFloors.
func ReadFloors(r *codec.Reader) []Start {
	var all []Start
	last := uint64(0)
	for range r.Count(MaxProcesses, 16) {
		f := Start{r.U64(), r.U64()}
		if f.Server <= last || f.Boot == 0 {
			r.Fail()
		}
		last = f.Server
		all = append(all, f)
	}
	return all
}
