package airspace

import (
	"fmt"
	"slices"
	"strings"

	"onevoice/airspace/past"
	"onevoice/codec"
	"onevoice/geo"
	"onevoice/internal/mutant"
	"onevoice/problem"
)

// CombineSectors makes one sector of several for a time: Into is open from FromNs until ToNs, and the parts are closed meanwhile, all in one
// entry or staged together (see Result.Staged). The volumes of Into are those of its parts, with their dates, as they are at this command. It
// is made where there is none; one that is there must have just these volumes, or it is Refused. A part that is combined already in that
// time is a Conflict. The precondition is about Into.
type CombineSectors struct {
	Into, Name   string // Name is that of a sector that is made, Into where it is empty
	Parts        []string
	FromNs, ToNs int64
	If           Precondition
}

// SplitSector ends all combining into a sector at AtNs, or now in service time where that is 0: from then on its parts are open again, as
// their own hours say, and it is closed. What was combined only later is not combined at all.
type SplitSector struct {
	ID   string
	AtNs int64
	If   Precondition
}

// Op implements Command.
func (CombineSectors) Op() string { return "combine sectors" }

// Op implements Command.
func (SplitSector) Op() string { return "split sector" }

func (CombineSectors) kind() commandKind              { return kindCombineSectors }
func (cmd CombineSectors) precondition() Precondition { return cmd.If }
func (cmd CombineSectors) find(c *change)             { c.findSector(cmd.Into) }
func (SplitSector) kind() commandKind                 { return kindSplitSector }
func (cmd SplitSector) precondition() Precondition    { return cmd.If }
func (cmd SplitSector) find(c *change)                { c.findSector(cmd.ID) }

func (cmd CombineSectors) appendBody(w *codec.Writer) {
	w.String(cmd.Into)
	w.String(cmd.Name)
	w.Uvarint(uint64(len(cmd.Parts)))
	for _, id := range cmd.Parts {
		w.String(id)
	}
	w.I64(cmd.FromNs)
	w.I64(cmd.ToNs)
}

func readCombineSectors(r *codec.Reader, when Precondition) Command {
	cmd := CombineSectors{Into: r.String(maxText), Name: r.String(maxText), If: when}
	for range r.Count(maxCount, 1) {
		cmd.Parts = append(cmd.Parts, r.String(maxText))
	}
	cmd.FromNs, cmd.ToNs = r.I64(), r.I64()
	return cmd
}

func (cmd SplitSector) appendBody(w *codec.Writer) {
	w.String(cmd.ID)
	w.I64(cmd.AtNs)
}

func (cmd CombineSectors) check(c *checker) {
	c.subject = cmd.Into
	c.id(cmd.Into)
	c.count("parts", len(cmd.Parts), 2, MaxParts)
	c.span("", geo.Span{FromNs: cmd.FromNs, ToNs: cmd.ToNs})
	seen := []string{cmd.Into}
	for i, id := range cmd.Parts {
		if !ValidID(id) || slices.Contains(seen, id) {
			c.fail(problem.Invalid, fmt.Sprintf("parts[%d]", i), id, "another sector than the others and than that into which they are combined")
		}
		seen = append(seen, id)
	}
}

func (cmd SplitSector) check(c *checker) {
	c.subject = cmd.ID
	c.id(cmd.ID)
	c.number("at", cmd.AtNs, 0, geo.MaxAtNs)
	c.existing(cmd.If)
}

func (cmd CombineSectors) apply(c *change) Result {
	s := &c.m.state
	span := geo.Span{FromNs: cmd.FromNs, ToNs: cmd.ToNs}
	into := Sector{ID: cmd.Into, Name: cmd.Name, Hours: Hours{Shut: true}}
	if into.Name == "" {
		into.Name = cmd.Into
	}
	var parts []Sector
	for _, id := range slices.Sorted(slices.Values(cmd.Parts)) {
		part, there := s.sectors.Get(id, past.Now)
		if !there {
			return missing(cmd.Op(), id)
		}
		if p := combinedIn(&part.Sector, span); p != nil {
			p.Op = cmd.Op()
			return Result{Problem: p}
		}
		into.add(&part.Sector)
		parts = append(parts, part.withPeriod(Period{Span: span, Into: cmd.Into}))
	}
	if c.sector != nil {
		if !sameShapes(&c.sector.Sector, &into) {
			return refused(cmd.Op(), cmd.Into, "it is there, and its volumes are not those of the parts")
		}
		into = c.sector.Sector
	}
	into = (&sector{SectorRecord: SectorRecord{Sector: into}}).withPeriod(Period{Span: span, Open: true})
	return c.putSectors(cmd.Op(), append(parts, into))
}

// add adds the volumes of a part.
func (s *Sector) add(part *Sector) {
	for i, v := range part.Volumes {
		at := Always()
		if len(part.Effective) > 0 {
			at = part.Effective[i]
		}
		s.Volumes, s.Effective = append(s.Volumes, v), append(s.Effective, at)
	}
}

// combinedIn refuses a part that another sector stands for already.
func combinedIn(part *Sector, span geo.Span) *problem.Error {
	for _, p := range part.Hours.Periods {
		if p.Into != "" && p.FromNs < span.ToNs && span.FromNs < p.ToNs {
			return &problem.Error{Kind: problem.Conflict, Subject: part.ID, Detail: fmt.Sprintf("it is combined into %s from %s to %s", p.Into, instant(p.FromNs), instant(p.ToNs))}
		}
	}
	return nil
}

// withPeriod is the sector with one more period.
func (n *sector) withPeriod(p Period) Sector {
	s := n.Sector
	s.Hours.Periods = append(slices.Clip(s.Hours.Periods), p)
	return s
}

// sameShapes reports whether two sectors are at the same places; a missing list of dates stands for always.
func sameShapes(a, b *Sector) bool {
	x, y := Sector{}, Sector{}
	x.add(a)
	y.add(b)
	return samePlace(&x, &y)
}

// putSectors puts sectors that are made of those that are there.
func (c *change) putSectors(op string, list []Sector) Result {
	slices.SortFunc(list, func(a, b Sector) int { return strings.Compare(a.ID, b.ID) })
	var changes []sectorChange
	for _, s := range list {
		check := checker{op: op, subject: s.ID}
		if check.sector(&s); check.found != nil {
			return Result{Problem: check.found}
		}
		changes = append(changes, sectorChange{s.ID, newSector(s, c.at)})
	}
	return c.changeSectors(op, changes)
}

func (cmd SplitSector) apply(c *change) Result {
	if c.sector == nil {
		return missing(cmd.Op(), cmd.ID)
	}
	at := cmd.AtNs
	if at == 0 {
		at = c.m.state.clock.nowNs
	}
	var list []Sector
	c.m.state.sectors.Ascend("", past.Now, func(_ string, v past.Version[*sector]) bool {
		n := v.Record
		if periods, cut := cutPeriods(n.Hours.Periods, at, func(p Period) bool { return p.Into == cmd.ID }); cut {
			part := n.Sector
			part.Hours.Periods = periods
			list = append(list, part)
		}
		return true
	})
	if len(list) == 0 {
		return refused(cmd.Op(), cmd.ID, fmt.Sprintf("no sector is combined into it after %s", instant(at)))
	}
	if mutant.On(mutant.HalfSplit) {
		list = list[1:]
	}
	into := c.sector.Sector
	into.Hours.Periods, _ = cutPeriods(into.Hours.Periods, at, func(p Period) bool { return p.Open })
	return c.putSectors(cmd.Op(), append(list, into))
}

// cutPeriods ends periods at an instant, and leaves out those that begin later.
func cutPeriods(periods []Period, at int64, which func(Period) bool) (list []Period, cut bool) {
	for _, p := range periods {
		if which(p) && p.ToNs > at {
			cut = true
			if p.ToNs = at; p.FromNs >= at {
				continue
			}
		}
		list = append(list, p)
	}
	return list, cut
}
