package utm

import (
	"onevoice/airspace/index"
	"onevoice/codec"
	"onevoice/geo"
)

const (
	// maxTextBytes bounds texts as they are read, so that the check can name what is wrong with them.
	maxTextBytes = 1024
	// cellShift is where the place of a cell of CellLevel begins in its number: below it are a one and zeros.
	cellShift = 2*(index.MaxLevel-CellLevel) + 1
)

// append writes an extent: cells as differences, a byte or two each where they are neighbours.
func (x *Extent) append(w *codec.Writer) {
	w.Uvarint(uint64(len(x.Cells)))
	var last uint64
	for _, c := range x.Cells {
		w.Uvarint(c>>cellShift - last)
		last = c >> cellShift
	}
	w.I32(x.FloorCm)
	w.I32(x.CeilingCm)
	w.I64(x.BeginNs)
	w.I64(x.EndNs)
}

func readExtent(r *codec.Reader) Extent {
	x := Extent{Cells: make([]uint64, r.Count(MaxCells, 1))}
	var last uint64
	for i := range x.Cells {
		step := r.Uvarint()
		if i > 0 && step == 0 || step >= 1<<(64-cellShift)-last {
			r.Fail()
			return x
		}
		last += step
		x.Cells[i] = last<<cellShift | 1<<(cellShift-1)
	}
	x.FloorCm, x.CeilingCm, x.BeginNs, x.EndNs = r.I32(), r.I32(), r.I64(), r.I64()
	return x
}

func appendVolumes(w *codec.Writer, volumes []Volume) {
	w.Uvarint(uint64(len(volumes)))
	for i := range volumes {
		v := &volumes[i]
		w.I64(v.BeginNs)
		w.I64(v.EndNs)
		for _, a := range [...]geo.Altitude{v.Area.Band.Floor, v.Area.Band.Ceiling} {
			w.I32(a.Cm)
			w.U8(uint8(a.Ref))
		}
		w.Uvarint(uint64(len(v.Area.Rings)))
		for _, ring := range v.Area.Rings {
			w.Uvarint(uint64(len(ring)))
			for _, p := range ring {
				w.I32(p.LatE7)
				w.I32(p.LonE7)
			}
		}
	}
}

func readVolumes(r *codec.Reader) []Volume {
	n := r.Count(MaxVolumes, 27)
	if n == 0 {
		return nil
	}
	volumes := make([]Volume, n)
	for i := range volumes {
		v := &volumes[i]
		v.BeginNs, v.EndNs = r.I64(), r.I64()
		v.Area.Band.Floor = geo.Altitude{Cm: r.I32(), Ref: geo.Ref(r.U8())}
		v.Area.Band.Ceiling = geo.Altitude{Cm: r.I32(), Ref: geo.Ref(r.U8())}
		v.Area.Rings = make([]geo.Ring, r.Count(MaxVertices, 1))
		for j := range v.Area.Rings {
			ring := make(geo.Ring, r.Count(MaxVertices, 8))
			for k := range ring {
				ring[k] = geo.LatLon{LatE7: r.I32(), LonE7: r.I32()}
			}
			v.Area.Rings[j] = ring
		}
	}
	return volumes
}

func readID(r *codec.Reader) (id ID) {
	copy(id[:], r.Raw(len(id)))
	return id
}

func (v OVN) append(w *codec.Writer) { w.String(string(v)) }

func readOVN(r *codec.Reader) OVN {
	v := OVN(r.String(suffixOVN))
	if v != "" && len(v) != randomOVN && len(v) != suffixOVN {
		r.Fail()
	}
	return v
}

func (p Position) append(w *codec.Writer) {
	w.Uvarint(p.Index)
	w.Uvarint(uint64(p.Sub))
}

func readPosition(r *codec.Reader) Position {
	p := Position{Index: r.Uvarint()}
	sub := r.Uvarint()
	if sub > 1<<32-1 {
		r.Fail()
	}
	p.Sub = uint32(sub)
	return p
}

// Append writes an entity.
func (e *Entity) Append(w *codec.Writer) {
	e.appendWith(w, e.Extent.Cells, e.Volumes)
}

// appendWith writes an entity with these cells and volumes instead of its own.
func (e *Entity) appendWith(w *codec.Writer, cells []uint64, volumes []Volume) {
	x := e.Extent
	x.Cells = cells
	w.U8(uint8(e.Kind))
	w.Raw(e.ID[:])
	w.String(e.Manager)
	w.String(e.URL)
	x.append(w)
	appendVolumes(w, volumes)
	e.OVN.append(w)
	w.U32(e.Version)
	w.U8(uint8(e.State))
	w.Raw(e.Subscription[:])
	w.Bool(e.NotifyIntents)
	w.Bool(e.NotifyConstraints)
	w.Bool(e.Implicit)
	e.Changed.append(w)
}

// ReadEntity takes what Append wrote, and fails where it cannot be one that a machine holds.
func ReadEntity(r *codec.Reader) *Entity {
	e := readEntity(r)
	if r.Err() == nil && !e.valid() {
		r.Fail()
	}
	return e
}

func readEntity(r *codec.Reader) *Entity {
	e := &Entity{Kind: Kind(r.U8()), ID: readID(r), Manager: r.String(maxTextBytes), URL: r.String(maxTextBytes), Extent: readExtent(r), Volumes: readVolumes(r)}
	e.OVN, e.Version, e.State, e.Subscription = readOVN(r), r.U32(), State(r.U8()), readID(r)
	e.NotifyIntents, e.NotifyConstraints, e.Implicit = r.Bool(), r.Bool(), r.Bool()
	e.Changed = readPosition(r)
	return e
}

// valid says whether an entity is one that the machine makes.
func (e *Entity) valid() bool {
	c := checker{}
	c.entity(e.Kind, e.ID, e.Manager, e.URL)
	c.extent(&e.Extent)
	c.volumes(e.Volumes)
	c.ovn("ovn", e.OVN)
	isSubscription := e.Kind == Subscription
	return c.found == nil && e.Extent.BeginNs < e.Extent.EndNs && e.Version > 0 &&
		(e.Kind == Intent) == (e.State >= Accepted && e.State <= Contingent) && (e.Kind == Intent || e.State == 0 && e.Subscription == ID{}) &&
		isSubscription == (e.NotifyIntents || e.NotifyConstraints) && (isSubscription || !e.Implicit)
}
