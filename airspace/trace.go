package airspace

import (
	"cmp"
	"slices"

	"onevoice/geo"
)

// tracer computes windows, in memory that it keeps.
type tracer struct {
	// work counts the steps taken; where they are more than MaxWork, what was found last is worth nothing.
	work  int
	walk  geo.Walk
	draft geo.Draft
	found []geo.Window
}

func (t *tracer) overworked() bool { return t.work > MaxWork }

// appendIn appends the windows of a flight in one sector.
func (t *tracer) appendIn(list []SectorWindow, f *Flight, s *sector, crossRefCm int32) []SectorWindow {
	for _, w := range t.windows(f, s, crossRefCm) {
		list = append(list, SectorWindow{s.ID, w})
	}
	return list
}

// windows gives those of a flight in one sector, until the next call. What a path costs was added to work when it was found to touch.
func (t *tracer) windows(f *Flight, s *sector, crossRefCm int32) []geo.Window {
	if s.timed() {
		return t.timedWindows(f, s, crossRefCm)
	}
	return t.allTimes(f, s, crossRefCm)
}

// allTimes is windows of a sector that is always open.
func (t *tracer) allTimes(f *Flight, s *sector, crossRefCm int32) []geo.Window {
	if len(f.Volumes) > 0 {
		t.found = t.appendOverlaps(t.found[:0], f, s, crossRefCm)
	} else {
		t.found = t.walk.Append(t.found[:0], f.Path, f.Uncertainty, s.volumes, crossRefCm)
	}
	return t.found
}

// appendOverlaps appends the times at which a volume of the flight overlaps one of the sector, those that touch joined. Where in its volume
// the aircraft is nobody knows, so that it is not sure to come inside.
func (t *tracer) appendOverlaps(out []geo.Window, f *Flight, s *sector, crossRefCm int32) []geo.Window {
	for i := range f.Volumes {
		if v := &f.Volumes[i]; t.overlaps(&v.Area, s, crossRefCm) {
			out = append(out, geo.Window{EnterMinNs: v.FromNs, LeaveMaxNs: v.ToNs})
		}
	}
	if len(out) == 0 {
		return out
	}
	slices.SortFunc(out, func(a, b geo.Window) int { return cmp.Compare(a.EnterMinNs, b.EnterMinNs) })
	joined := out[:1]
	for _, w := range out[1:] {
		if last := &joined[len(joined)-1]; w.EnterMinNs <= last.LeaveMaxNs {
			last.LeaveMaxNs = max(last.LeaveMaxNs, w.LeaveMaxNs)
		} else {
			joined = append(joined, w)
		}
	}
	for i, w := range joined {
		joined[i] = unsure(w.EnterMinNs, w.LeaveMaxNs)
	}
	return joined
}

// overlaps reports whether a volume of a flight has a place in common with one of the sector.
func (t *tracer) overlaps(area *geo.Polygon, s *sector, crossRefCm int32) bool {
	box := area.BBox()
	var laid *geo.Prepared
	for i, v := range s.volumes {
		t.work++
		if !bandsMeet(area.Band, v.Band(), crossRefCm) || !box.Meets(v.BBox()) {
			continue
		}
		if t.work += s.blocks[i]; v.ContainsBox(box) {
			return true
		}
		if laid == nil {
			t.work += vertexCount(*area)
			laid = t.draft.Lay(*area)
		}
		if t.overworked() || laid.Meets(v, &t.work, MaxWork) {
			return true
		}
	}
	return false
}

// bandsMeet reports whether two bands have an altitude in common, or may have, where their references differ.
func bandsMeet(a, b geo.Band, crossRefCm int32) bool {
	slack := int64(0)
	if a.Floor.Ref != b.Floor.Ref {
		slack = int64(crossRefCm)
	}
	low, high := bandCm(a)
	floor, ceiling := bandCm(b)
	return low-slack < ceiling && floor < high+slack
}
