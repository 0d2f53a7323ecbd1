package airspace

import (
	"onevoice/codec"
	"onevoice/geo"
)

// maxText bounds a text that is read before it is checked, so that the check can name what is wrong with it.
const maxText = 4096

// maxCount bounds a list that is read before it is checked; what is left of the input bounds it further.
const maxCount = 1 << 20

func zigzag32(v int32) uint64 { return uint64(uint32(v<<1) ^ uint32(v>>31)) }

// readZigzag32 reads what zigzag32 gives.
func readZigzag32(r *codec.Reader) int32 {
	u := r.Uvarint()
	if u > 1<<32-1 {
		r.Fail()
	}
	return int32(uint32(u)>>1) ^ -int32(u&1)
}

func zigzag64(v int64) uint64 { return uint64(v<<1) ^ uint64(v>>63) }

func readZigzag64(r *codec.Reader) int64 {
	u := r.Uvarint()
	return int64(u>>1) ^ -int64(u&1)
}

// appendPath writes each point as its difference from the one before, which makes a path half as long. Differences wrap
// round, so that every path has exactly one encoding.
func appendPath(w *codec.Writer, path []geo.Point4D) {
	w.Uvarint(uint64(len(path)))
	var q geo.Point4D
	for _, p := range path {
		w.Uvarint(zigzag64(p.AtNs - q.AtNs))
		w.Uvarint(zigzag32(p.Pos.LatE7 - q.Pos.LatE7))
		w.Uvarint(zigzag32(p.Pos.LonE7 - q.Pos.LonE7))
		w.Uvarint(zigzag32(p.Alt.Cm - q.Alt.Cm))
		w.U8(uint8(p.Alt.Ref))
		q = p
	}
}

func readPath(r *codec.Reader) []geo.Point4D {
	n := r.Count(maxCount, 5)
	if n == 0 {
		return nil
	}
	path := make([]geo.Point4D, n)
	var q geo.Point4D
	for i := range path {
		q.AtNs += readZigzag64(r)
		q.Pos.LatE7 += readZigzag32(r)
		q.Pos.LonE7 += readZigzag32(r)
		q.Alt.Cm += readZigzag32(r)
		q.Alt.Ref = geo.Ref(r.U8())
		path[i] = q
	}
	return path
}

func appendPolygon(w *codec.Writer, p geo.Polygon) {
	appendAltitude(w, p.Band.Floor)
	appendAltitude(w, p.Band.Ceiling)
	w.Uvarint(uint64(len(p.Rings)))
	for _, ring := range p.Rings {
		w.Uvarint(uint64(len(ring)))
		for _, v := range ring {
			w.I32(v.LatE7)
			w.I32(v.LonE7)
		}
	}
}

func readPolygon(r *codec.Reader) geo.Polygon {
	var p geo.Polygon
	p.Band.Floor = readAltitude(r)
	p.Band.Ceiling = readAltitude(r)
	p.Rings = make([]geo.Ring, r.Count(maxCount, 1))
	for i := range p.Rings {
		ring := make(geo.Ring, r.Count(maxCount, 8))
		for j := range ring {
			ring[j] = geo.LatLon{LatE7: r.I32(), LonE7: r.I32()}
		}
		p.Rings[i] = ring
	}
	return p
}

func appendVolumes(w *codec.Writer, volumes []Volume4D) {
	w.Uvarint(uint64(len(volumes)))
	for i := range volumes {
		appendPolygon(w, volumes[i].Area)
		w.I64(volumes[i].FromNs)
		w.I64(volumes[i].ToNs)
	}
}

func readVolumes(r *codec.Reader) []Volume4D {
	n := r.Count(maxCount, 27)
	if n == 0 {
		return nil
	}
	volumes := make([]Volume4D, n)
	for i := range volumes {
		volumes[i] = Volume4D{Area: readPolygon(r), FromNs: r.I64(), ToNs: r.I64()}
	}
	return volumes
}

func appendAltitude(w *codec.Writer, a geo.Altitude) {
	w.I32(a.Cm)
	w.U8(uint8(a.Ref))
}

func readAltitude(r *codec.Reader) geo.Altitude {
	return geo.Altitude{Cm: r.I32(), Ref: geo.Ref(r.U8())}
}

func appendUncertainty(w *codec.Writer, u geo.Uncertainty) {
	w.I32(u.LateralCm)
	w.I32(u.VerticalCm)
	w.I64(u.TimeNs)
}

func readUncertainty(r *codec.Reader) geo.Uncertainty {
	return geo.Uncertainty{LateralCm: r.I32(), VerticalCm: r.I32(), TimeNs: r.I64()}
}

// appendCells writes sorted cells by their differences.
func appendCells(w *codec.Writer, cells []uint64) {
	w.Uvarint(uint64(len(cells)))
	last := uint64(0)
	for _, c := range cells {
		w.Uvarint(c - last)
		last = c
	}
}

func readCells(r *codec.Reader) []uint64 {
	n := r.Count(maxCount, 1)
	if n == 0 {
		return nil
	}
	cells := make([]uint64, n)
	last := uint64(0)
	for i := range cells {
		last += r.Uvarint()
		cells[i] = last
	}
	return cells
}

func appendWindow(w *codec.Writer, v geo.Window) {
	w.I64(v.EnterMinNs)
	w.I64(v.EnterMaxNs)
	w.I64(v.LeaveMinNs)
	w.I64(v.LeaveMaxNs)
}

func readWindow(r *codec.Reader) geo.Window {
	return geo.Window{EnterMinNs: r.I64(), EnterMaxNs: r.I64(), LeaveMinNs: r.I64(), LeaveMaxNs: r.I64()}
}

func appendWindows(w *codec.Writer, windows []SectorWindow) {
	w.Uvarint(uint64(len(windows)))
	for _, v := range windows {
		w.String(v.Sector)
		appendWindow(w, v.Window)
	}
}

func readWindows(r *codec.Reader) []SectorWindow {
	n := r.Count(maxCount, 33)
	if n == 0 {
		return nil
	}
	windows := make([]SectorWindow, n)
	for i := range windows {
		windows[i] = SectorWindow{Sector: r.String(maxText), Window: readWindow(r)}
	}
	return windows
}

func appendSector(w *codec.Writer, s *Sector) {
	w.String(s.ID)
	w.String(s.Name)
	w.Uvarint(uint64(len(s.Volumes)))
	for _, v := range s.Volumes {
		appendPolygon(w, v)
	}
	appendSpans(w, s.Effective)
	appendHours(w, &s.Hours)
	appendSeparation(w, s.Separation)
	appendCapacity(w, s.Capacity)
	appendCells(w, s.Cells)
}

func readSector(r *codec.Reader) Sector {
	s := Sector{ID: r.String(maxText), Name: r.String(maxText)}
	s.Volumes = make([]geo.Polygon, r.Count(maxCount, 11))
	for i := range s.Volumes {
		s.Volumes[i] = readPolygon(r)
	}
	s.Effective, s.Hours = readSpans(r), readHours(r)
	s.Separation, s.Capacity = readSeparation(r), readCapacity(r)
	s.Cells = readCells(r)
	return s
}

func appendFlight(w *codec.Writer, f *Flight) {
	w.String(f.ID)
	w.String(f.Callsign)
	w.String(f.From)
	w.String(f.To)
	appendUncertainty(w, f.Uncertainty)
	appendPath(w, f.Path)
	appendVolumes(w, f.Volumes)
	appendCells(w, f.Cells)
}

func readFlight(r *codec.Reader) Flight {
	return Flight{
		ID: r.String(maxText), Callsign: r.String(maxText), From: r.String(maxText), To: r.String(maxText),
		Uncertainty: readUncertainty(r), Path: readPath(r), Volumes: readVolumes(r), Cells: readCells(r),
	}
}
