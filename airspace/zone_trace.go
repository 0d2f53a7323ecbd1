package airspace

import (
	"cmp"
	"slices"

	"onevoice/geo"
)

// zoneTracer finds the visits of flights to zones, in memory that it keeps.
type zoneTracer struct {
	tracer tracer
	found  []SectorWindow
}

// windows gives the visits of the outline's flight to a zone, at most MaxPairWindows: the last one holds all that follow. It adds to work
// what that takes.
func (t *zoneTracer) windows(o *outline, z *zone, crossRefCm int32, work *int) []geo.Window {
	var list []geo.Window
	for i := range z.pieces {
		p := &z.pieces[i]
		*work++
		if o.flight.EndNs() <= p.fromNs || o.flight.BeginNs() >= p.toNs || !o.touches(p.place, crossRefCm, work) {
			continue
		}
		t.tracer.work = *work
		t.found = t.tracer.appendIn(t.found[:0], o.flight, p.place, crossRefCm)
		*work = t.tracer.work
		for _, w := range t.found {
			if cut, ok := within(w.Window, p.fromNs, p.toNs); ok {
				list = append(list, cut)
			}
		}
	}
	list = united(list)
	if len(list) > MaxPairWindows {
		rest := unsure(list[MaxPairWindows-1].EnterMinNs, list[len(list)-1].LeaveMaxNs)
		list = append(list[:MaxPairWindows-1:MaxPairWindows-1], rest)
	}
	return list
}

// within is the part of a visit in a stretch of time; false where there is none.
func within(w geo.Window, fromNs, toNs int64) (geo.Window, bool) {
	may := geo.Window{EnterMinNs: max(w.EnterMinNs, fromNs), LeaveMaxNs: min(w.LeaveMaxNs, toNs)}
	if may.EnterMinNs >= may.LeaveMaxNs {
		return may, false
	}
	may.EnterMaxNs, may.LeaveMinNs = max(w.EnterMaxNs, fromNs), min(w.LeaveMinNs, toNs)
	if !w.Sure() || !may.Sure() {
		return unsure(may.EnterMinNs, may.LeaveMaxNs), true
	}
	return may, true
}

// unsure is a visit that may be none.
func unsure(fromNs, toNs int64) geo.Window {
	return geo.Window{EnterMinNs: fromNs, EnterMaxNs: toNs, LeaveMinNs: fromNs, LeaveMaxNs: toNs}
}

// united sorts visits and makes one of those that have an instant in common or meet, in place. Of their sure stretches the longest stays,
// the earliest of equals.
func united(list []geo.Window) []geo.Window {
	slices.SortFunc(list, func(a, b geo.Window) int {
		return cmp.Or(cmp.Compare(a.EnterMinNs, b.EnterMinNs), cmp.Compare(a.LeaveMaxNs, b.LeaveMaxNs), cmp.Compare(a.EnterMaxNs, b.EnterMaxNs))
	})
	out := list[:0]
	for _, w := range list {
		if n := len(out); n == 0 || w.EnterMinNs > out[n-1].LeaveMaxNs {
			out = append(out, w)
			continue
		}
		out[len(out)-1] = joined(out[len(out)-1], w)
	}
	return out
}

func joined(a, b geo.Window) geo.Window {
	w := unsure(a.EnterMinNs, max(a.LeaveMaxNs, b.LeaveMaxNs))
	sure := a
	if b.Sure() && (!a.Sure() || b.LeaveMinNs-b.EnterMaxNs > a.LeaveMinNs-a.EnterMaxNs) {
		sure = b
	}
	if sure.Sure() {
		w.EnterMaxNs, w.LeaveMinNs = sure.EnterMaxNs, sure.LeaveMinNs
	}
	return w
}
