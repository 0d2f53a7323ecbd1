package airspace

import (
	"fmt"
	"slices"
	"time"

	"onevoice/codec"
	"onevoice/geo"
	"onevoice/problem"
)

// Always is the time of what has neither begin nor end. Half of it stands for one that is missing.
func Always() geo.Span { return geo.Span{FromNs: everBefore, ToNs: everAfter} }

// Hours say when a sector is open, UTC. The zero value is open always.
type Hours struct {
	// Weekly are the times of every week at which it is open; without any it is open at all times, unless Shut.
	Weekly []Shift
	// Shut says that a sector without weekly hours is closed, but for the periods that open it.
	Shut bool
	// Periods open or close it once, whatever the week says. At an instant of both it is closed.
	Periods []Period
}

// Shift is a time of some days of every week.
type Shift struct {
	// Days has a bit for each day on which it begins, bit 0 for Monday to bit 6 for Sunday.
	Days uint8
	// FromMin is the minute of the day at which it begins, 0 to 1439, and ToMin at which it ends, 1 to 1440. Where that is not later it ends on the
	// day after.
	FromMin, ToMin int
}

// Period is a time in which a sector is open, or closed.
type Period struct {
	geo.Span
	Open bool
	// Into is the sector that stands for this one meanwhile, where it is closed because it was combined.
	Into string
}

const (
	dayMin  = 24 * 60
	weekMin = 7 * dayMin
	weekNs  = weekMin * int64(time.Minute)
	// mondayNs is the first Monday that there was.
	mondayNs = 4 * dayMin * int64(time.Minute)
)

// always reports whether the hours say nothing.
func (h *Hours) always() bool { return len(h.Weekly) == 0 && !h.Shut && len(h.Periods) == 0 }

func (h *Hours) equal(o *Hours) bool {
	return h.Shut == o.Shut && slices.Equal(h.Weekly, o.Weekly) && slices.Equal(h.Periods, o.Periods)
}

// lengthMin is how long a shift is.
func (s Shift) lengthMin() int {
	if s.ToMin > s.FromMin {
		return s.ToMin - s.FromMin
	}
	return s.ToMin + dayMin - s.FromMin
}

// week gives the weekly hours in nanoseconds since Monday 0:00, sorted and apart, cut at the end of the week.
func (h *Hours) week() []geo.Span {
	var list []geo.Span
	add := func(from, to int) {
		list = append(list, geo.Span{FromNs: int64(from) * int64(time.Minute), ToNs: int64(to) * int64(time.Minute)})
	}
	for _, s := range h.Weekly {
		for day := range 7 {
			if s.Days&(1<<day) == 0 {
				continue
			}
			from := day*dayMin + s.FromMin
			to := from + s.lengthMin()
			add(from, min(to, weekMin))
			if to > weekMin {
				add(0, to-weekMin)
			}
		}
	}
	return joinSpans(list)
}

// hours checks opening hours.
func (c *checker) hours(h *Hours) {
	c.count("hours.weekly", len(h.Weekly), 0, MaxShifts)
	c.count("hours.periods", len(h.Periods), 0, MaxPeriods)
	if c.found != nil {
		return
	}
	if h.Shut && len(h.Weekly) > 0 {
		c.fail(problem.Invalid, "hours.shut", "shut, with weekly hours", "one of them")
	}
	for i, s := range h.Weekly {
		field := fmt.Sprintf("hours.weekly[%d].", i)
		c.number(field+"days", int64(s.Days), 1, 127)
		c.number(field+"from", int64(s.FromMin), 0, dayMin-1)
		c.number(field+"to", int64(s.ToMin), 1, dayMin)
		if s.FromMin == s.ToMin {
			c.fail(problem.Invalid, field+"to", fmt.Sprint(s.ToMin), "another minute than from")
		}
	}
	for i, p := range h.Periods {
		field := fmt.Sprintf("hours.periods[%d].", i)
		c.span(field, p.Span)
		if p.Into != "" && (p.Open || !ValidID(p.Into)) {
			c.fail(problem.Invalid, field+"into", p.Into, "the name of a sector, of a period that closes")
		}
	}
}

// span checks a time, which may have no begin or no end.
func (c *checker) span(field string, s geo.Span) {
	if s.FromNs != everBefore {
		c.number(field+"from", s.FromNs, geo.MinAtNs, geo.MaxAtNs)
	}
	if s.ToNs != everAfter {
		c.number(field+"to", s.ToNs, geo.MinAtNs, geo.MaxAtNs)
	}
	if s.FromNs >= s.ToNs {
		c.fail(problem.Invalid, field+"to", instant(s.ToNs), "after from, "+instant(s.FromNs))
	}
}

// effective checks when volumes are there.
func (c *checker) effective(s *Sector) {
	if len(s.Effective) == 0 {
		return
	}
	c.count("effective", len(s.Effective), len(s.Volumes), len(s.Volumes))
	for i, e := range s.Effective {
		c.span(fmt.Sprintf("volumes[%d].", i), e)
	}
	if n := len(datesOf(s)); n > MaxDates {
		c.fail(problem.TooLarge, "volumes", fmt.Sprintf("%d dates", n), fmt.Sprintf("up to %d in all", MaxDates))
	}
}

func appendSpans(w *codec.Writer, list []geo.Span) {
	w.Uvarint(uint64(len(list)))
	for _, s := range list {
		w.I64(s.FromNs)
		w.I64(s.ToNs)
	}
}

func readSpans(r *codec.Reader) []geo.Span {
	n := r.Count(maxCount, 16)
	if n == 0 {
		return nil
	}
	list := make([]geo.Span, n)
	for i := range list {
		list[i] = geo.Span{FromNs: r.I64(), ToNs: r.I64()}
	}
	return list
}

func appendHours(w *codec.Writer, h *Hours) {
	w.Uvarint(uint64(len(h.Weekly)))
	for _, s := range h.Weekly {
		w.U8(s.Days)
		w.Uvarint(uint64(s.FromMin))
		w.Uvarint(uint64(s.ToMin))
	}
	w.Bool(h.Shut)
	w.Uvarint(uint64(len(h.Periods)))
	for _, p := range h.Periods {
		w.I64(p.FromNs)
		w.I64(p.ToNs)
		w.Bool(p.Open)
		w.String(p.Into)
	}
}

func readHours(r *codec.Reader) Hours {
	var h Hours
	for range r.Count(maxCount, 3) {
		h.Weekly = append(h.Weekly, Shift{Days: r.U8(), FromMin: readMinute(r), ToMin: readMinute(r)})
	}
	h.Shut = r.Bool()
	for range r.Count(maxCount, 18) {
		h.Periods = append(h.Periods, Period{Span: geo.Span{FromNs: r.I64(), ToNs: r.I64()}, Open: r.Bool(), Into: r.String(maxText)})
	}
	return h
}

func readMinute(r *codec.Reader) int {
	u := r.Uvarint()
	if u > dayMin {
		r.Fail()
	}
	return int(u)
}
