package utm

import "onevoice/codec"

// The commands. The numbers are part of the formats.
const (
	isPut             uint8 = 1
	isDelete          uint8 = 2
	isSetAvailability uint8 = 3
)

// AppendCommand writes a command.
func AppendCommand(w *codec.Writer, c Command) {
	switch c := c.(type) {
	case *Put:
		w.U8(isPut)
		c.append(w)
	case *Delete:
		w.U8(isDelete)
		w.U8(uint8(c.Kind))
		w.Raw(c.ID[:])
		w.String(c.Manager)
		c.Match.append(w)
	case *SetAvailability:
		w.U8(isSetAvailability)
		w.String(c.USS)
		w.U8(uint8(c.Availability))
		c.Match.append(w)
		c.OVN.append(w)
	}
}

// ReadCommand takes what AppendCommand wrote; nil where it is malformed, which the reader says.
func ReadCommand(r *codec.Reader) Command {
	var c Command
	switch r.U8() {
	case isPut:
		c = readPut(r)
	case isDelete:
		c = &Delete{Kind: Kind(r.U8()), ID: readID(r), Manager: r.String(maxTextBytes), Match: readOVN(r)}
	case isSetAvailability:
		c = &SetAvailability{USS: r.String(maxTextBytes), Availability: Availability(r.U8()), Match: readOVN(r), OVN: readOVN(r)}
	default:
		r.Fail()
	}
	if r.Err() != nil {
		return nil
	}
	return c
}

func (p *Put) append(w *codec.Writer) {
	w.U8(uint8(p.Kind))
	w.Raw(p.ID[:])
	w.String(p.Manager)
	w.String(p.URL)
	p.Extent.append(w)
	appendVolumes(w, p.Volumes)
	p.Match.append(w)
	p.OVN.append(w)
	w.U8(uint8(p.State))
	appendKey(w, p.Key)
	w.Raw(p.Subscription[:])
	w.Bool(p.Implicit != nil)
	if i := p.Implicit; i != nil {
		w.Raw(i.ID[:])
		i.OVN.append(w)
		w.String(i.URL)
		w.Bool(i.NotifyConstraints)
	}
	w.Bool(p.MayOffNominal)
	w.Bool(p.NotifyIntents)
	w.Bool(p.NotifyConstraints)
}

func readPut(r *codec.Reader) *Put {
	p := &Put{Kind: Kind(r.U8()), ID: readID(r), Manager: r.String(maxTextBytes), URL: r.String(maxTextBytes), Extent: readExtent(r), Volumes: readVolumes(r)}
	p.Match, p.OVN, p.State, p.Key, p.Subscription = readOVN(r), readOVN(r), State(r.U8()), readKey(r), readID(r)
	if r.Bool() {
		p.Implicit = &Implicit{ID: readID(r), OVN: readOVN(r), URL: r.String(maxTextBytes), NotifyConstraints: r.Bool()}
	}
	p.MayOffNominal, p.NotifyIntents, p.NotifyConstraints = r.Bool(), r.Bool(), r.Bool()
	return p
}

// appendKey writes the short OVNs and then the long ones, each without its length. What has another length is the name of nothing.
func appendKey(w *codec.Writer, key []OVN) {
	for _, size := range [...]int{randomOVN, suffixOVN} {
		n := 0
		for _, v := range key {
			if len(v) == size {
				n++
			}
		}
		w.Uvarint(uint64(n))
		for _, v := range key {
			if len(v) == size {
				w.Raw([]byte(v))
			}
		}
	}
}

func readKey(r *codec.Reader) []OVN {
	var key []OVN
	for _, size := range [...]int{randomOVN, suffixOVN} {
		n := r.Count(MaxKey, size)
		all := OVN(r.Raw(n * size)) // one text for all
		for len(all) >= size {
			key = append(key, all[:size])
			all = all[size:]
		}
	}
	return key
}
