package control

import (
	"slices"
	"strings"
)

// List is a controller's list of flights, or of sectors: what the position has, and what is addressed to it, directly or by way of a sector
// that it works, by identifier, from the first above after, at most limit (cut to MaxPage).
func (s *Board) List(t Thing, position, after string, limit int) []Record {
	limit = min(limit, MaxPage)
	ids := s.linked(linkHas, t, position, after, limit)
	ids = append(ids, s.linked(linkToPosition, t, position, after, limit)...)
	if t == Flight {
		for _, sector := range s.Sectors(position) {
			ids = append(ids, s.linked(linkToSector, t, sector, after, limit)...)
		}
	}
	slices.SortFunc(ids, strings.Compare)
	ids = slices.Compact(ids)
	list := make([]Record, 0, min(len(ids), max(limit, 0)))
	for _, id := range ids[:cap(list)] {
		list = append(list, s.Record(t, id))
	}
	return list
}
