package airspace

import (
	"cmp"
	"slices"
	"strings"

	"onevoice/airspace/past"
	"onevoice/codec"
	"onevoice/problem"
)

// Limits of an answer about routes.
const (
	// MaxRoutes bounds a page.
	MaxRoutes = 200
	// MaxRoutePaths bounds the sequences of sectors that a route tells, the commonest.
	MaxRoutePaths = 3
	// MaxRouteSectors bounds the sectors of one sequence; flights that differ only in what comes later count as one.
	MaxRouteSectors = 32
)

// RouteQuery asks which routes are flown by the flights that enter a sector first in [FromNs, ToNs): the first sector of all, or Sector where it is not
// empty. Limit is 1 to MaxRoutes. It is answered with a *Routes.
type RouteQuery struct {
	FromNs, ToNs int64
	Sector       string
	After        *RoutePlace // nil begins the list
	Limit        int
}

// RoutePlace is a place in a list of routes, which is sorted by it.
type RoutePlace struct{ From, To string }

// Compare is negative where p comes before o, zero where they are the same, positive where p comes after o.
func (p RoutePlace) Compare(o RoutePlace) int {
	return cmp.Or(cmp.Compare(p.From, o.From), cmp.Compare(p.To, o.To))
}

// Route is the flights between two labels, departure and destination; they may be empty.
type Route struct {
	RoutePlace
	Count int
	// Paths are the commonest sequences of sectors, most flown first, then by name.
	Paths []RoutePath
}

// RoutePath is a sequence of sectors in the order of entry, and by how many flights it is flown.
type RoutePath struct {
	Sectors []string
	Count   int
}

// Routes is a page of routes. More says whether there are more after the last.
type Routes struct {
	List []Route
	More bool
}

func (RouteQuery) kind() queryKind { return kindRoutes }

func (q RouteQuery) appendBody(w *codec.Writer) {
	w.I64(q.FromNs)
	w.I64(q.ToNs)
	w.String(q.Sector)
	w.I64(int64(q.Limit))
	w.Bool(q.After != nil)
	if q.After != nil {
		w.String(q.After.From)
		w.String(q.After.To)
	}
}

func readRouteQuery(r *codec.Reader) RouteQuery {
	q := RouteQuery{FromNs: r.I64(), ToNs: r.I64(), Sector: r.String(maxText), Limit: int(r.I64())}
	if r.Bool() {
		q.After = &RoutePlace{r.String(maxText), r.String(maxText)}
	}
	return q
}

func (q RouteQuery) answer(s *State) (Body, error) { return s.Routes(q) }

func (p *Routes) appendTo(w *codec.Writer) {
	w.Uvarint(uint64(len(p.List)))
	for i := range p.List {
		route := &p.List[i]
		w.String(route.From)
		w.String(route.To)
		w.Uvarint(uint64(route.Count))
		w.Uvarint(uint64(len(route.Paths)))
		for _, path := range route.Paths {
			w.Uvarint(uint64(path.Count))
			w.Uvarint(uint64(len(path.Sectors)))
			for _, sector := range path.Sectors {
				w.String(sector)
			}
		}
	}
	w.Bool(p.More)
}

func readRoutes(r *codec.Reader) *Routes {
	p := &Routes{List: make([]Route, r.Count(MaxRoutes, 4))}
	for i := range p.List {
		p.List[i] = Route{RoutePlace: RoutePlace{r.String(maxText), r.String(maxText)}, Count: readSmall(r), Paths: make([]RoutePath, r.Count(MaxRoutePaths, 2))}
		for k := range p.List[i].Paths {
			path := RoutePath{Count: readSmall(r), Sectors: make([]string, r.Count(MaxRouteSectors, 1))}
			for n := range path.Sectors {
				path.Sectors[n] = r.String(maxText)
			}
			p.List[i].Paths[k] = path
		}
	}
	p.More = r.Bool()
	return p
}

// Routes answers a RouteQuery. The error is a *problem.Error: NotFound for an unknown sector, TooLarge where there are more than MaxFlowVisits visits
// in that time, or where looking at them takes over MaxFlowWork steps. Every page costs as much as the whole.
func (s *State) Routes(q RouteQuery) (*Routes, error) {
	c := checker{op: "routes", subject: q.Sector, found: checkSpan("routes", q.Sector, q.FromNs, q.ToNs, min(q.Limit, MaxPage))}
	c.number("limit", int64(q.Limit), 1, MaxRoutes)
	if c.found != nil {
		return nil, c.found
	}
	g := routes{at: map[RoutePlace]int{}}
	var problem *problem.Error
	if q.Sector != "" {
		n, ok := s.sectors.Get(q.Sector, s.asOf)
		if !ok {
			return nil, notFound("routes", q.Sector, "sector")
		}
		problem = g.sector(s, n, &q)
	} else {
		s.sectors.Ascend("", s.asOf, func(_ string, v past.Version[*sector]) bool {
			problem = g.sector(s, v.Record, &q)
			return problem == nil
		})
	}
	if problem != nil {
		return nil, problem
	}
	return g.page(&q), nil
}

// routes adds up flights.
type routes struct {
	list    []foundRoute
	at      map[RoutePlace]int // place in list
	flights int
	work    int
}

type foundRoute struct {
	RoutePlace
	count int
	paths []RoutePath
	at    map[string]int // sectors joined: place in paths
}

// sector adds the flights whose first visit that counts is to this sector.
func (g *routes) sector(s *State, n *sector, q *RouteQuery) *problem.Error {
	ok := s.visitsIn(n, q.FromNs, q.ToNs, func(f *FlightRecord, i int) bool {
		if g.work += len(f.Windows); g.work > MaxFlowWork {
			return false
		}
		first := 0
		if q.Sector != "" {
			first = slices.IndexFunc(f.Windows, func(w SectorWindow) bool { return w.Sector == q.Sector })
		}
		if at := f.Windows[i].EnterMinNs; i == first && at >= q.FromNs && at < q.ToNs {
			g.add(f)
		}
		return g.flights <= MaxFlowVisits
	})
	if !ok {
		return tooManyFlows("routes", q.Sector)
	}
	return nil
}

func (g *routes) add(f *FlightRecord) {
	g.flights++
	place := RoutePlace{f.From, f.To}
	k, ok := g.at[place]
	if !ok {
		k = len(g.list)
		g.list, g.at[place] = append(g.list, foundRoute{RoutePlace: place, at: map[string]int{}}), k
	}
	r := &g.list[k]
	r.count++
	sectors := make([]string, 0, min(len(f.Windows), MaxRouteSectors))
	for i := range f.Windows[:cap(sectors)] {
		sectors = append(sectors, f.Windows[i].Sector)
	}
	name := strings.Join(sectors, " ") // no identifier has a space
	n, ok := r.at[name]
	if !ok {
		n = len(r.paths)
		r.paths, r.at[name] = append(r.paths, RoutePath{Sectors: sectors}), n
	}
	r.paths[n].Count++
}

func (g *routes) page(q *RouteQuery) *Routes {
	slices.SortFunc(g.list, func(a, b foundRoute) int { return a.Compare(b.RoutePlace) })
	p := &Routes{List: []Route{}}
	for i := range g.list {
		found := &g.list[i]
		if q.After != nil && found.Compare(*q.After) <= 0 {
			continue
		}
		if len(p.List) == q.Limit {
			p.More = true
			break
		}
		slices.SortFunc(found.paths, func(a, b RoutePath) int {
			return cmp.Or(cmp.Compare(b.Count, a.Count), slices.Compare(a.Sectors, b.Sectors))
		})
		p.List = append(p.List, Route{RoutePlace: found.RoutePlace, Count: found.count, Paths: found.paths[:min(len(found.paths), MaxRoutePaths)]})
	}
	return p
}
