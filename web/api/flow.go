package api

import (
	"net/url"
	"strings"

	"onevoice/airspace"
)

// Flow is the traffic over one edge of the graph of sectors. From or To is left out for what is outside all sectors.
type Flow struct {
	From string `json:"from,omitempty"`
	To   string `json:"to,omitempty"`
	// Count is how many times it was flown.
	Count int `json:"count"`
	// First and Last are the earliest and the latest of those: of the entry, or to the outside of the leaving.
	First Time `json:"first"`
	Last  Time `json:"last"`
	// Late is left out where it is unknown.
	Late *Late `json:"late,omitempty"`
}

// Late is by how much flights are later than first planned; early is negative.
type Late struct {
	// Known is of how many of them it is known.
	Known int `json:"known"`
	// MeanMs and WorstMs are in milliseconds, rounded down.
	MeanMs  int64 `json:"mean_ms"`
	WorstMs int64 `json:"worst_ms"`
}

// Flows is a page of the graph. Next, where not empty, is the after of the next page.
type Flows struct {
	From  Time   `json:"from"`
	To    Time   `json:"to"`
	Flows []Flow `json:"flows"`
	Next  string `json:"next,omitempty"`
}

// Route is the flights from one place to another, which are labels and may be empty.
type Route struct {
	From  string      `json:"from"`
	To    string      `json:"to"`
	Count int         `json:"count"`
	Paths []RoutePath `json:"paths"`
}

// RoutePath is a sequence of sectors that flights of a route take.
type RoutePath struct {
	Sectors []string `json:"sectors"`
	Count   int      `json:"count"`
}

// Routes is a page of routes. Next, where not empty, is the after of the next page.
type Routes struct {
	From   Time    `json:"from"`
	To     Time    `json:"to"`
	Routes []Route `json:"routes"`
	Next   string  `json:"next,omitempty"`
}

// FlowsOf makes a page of what the state gives.
func FlowsOf(from, to Time, p *airspace.Flows) *Flows {
	page := &Flows{From: from, To: to, Flows: []Flow{}}
	for i := range p.List {
		f := &p.List[i]
		n := Flow{From: f.From, To: f.To, Count: f.Count, First: Time(f.FirstNs), Last: Time(f.LastNs)}
		if f.Known > 0 {
			n.Late = &Late{Known: f.Known, MeanMs: floorMs(f.MeanNs), WorstMs: floorMs(f.WorstNs)}
		}
		page.Flows = append(page.Flows, n)
	}
	if p.Next != nil {
		page.Next = flowPlace(*p.Next)
	}
	return page
}

// flowPlace spells a place; no identifier has a space or a comma.
func flowPlace(p airspace.FlowPlace) string {
	way := "in"
	if p.Out {
		way = "out"
	}
	return p.Sector + "," + way + "," + p.Other
}

// ParseFlowPlace reads the next of Flows.
func ParseFlowPlace(s string) (p airspace.FlowPlace, ok bool) {
	parts := strings.Split(s, ",")
	if len(parts) != 3 {
		return p, false
	}
	p = airspace.FlowPlace{Sector: parts[0], Out: parts[1] == "out", Other: parts[2]}
	return p, p.Valid() && flowPlace(p) == s
}

// RoutesOf makes a page of what the state gives.
func RoutesOf(from, to Time, p *airspace.Routes) *Routes {
	page := &Routes{From: from, To: to, Routes: []Route{}}
	for _, r := range p.List {
		n := Route{From: r.From, To: r.To, Count: r.Count}
		for _, path := range r.Paths {
			n.Paths = append(n.Paths, RoutePath(path))
		}
		page.Routes = append(page.Routes, n)
	}
	if n := len(p.List); p.More && n > 0 {
		page.Next = routePlace(p.List[n-1].RoutePlace)
	}
	return page
}

// routePlace spells a place; labels may hold anything that can be printed.
func routePlace(p airspace.RoutePlace) string {
	return url.QueryEscape(p.From) + "," + url.QueryEscape(p.To)
}

// ParseRoutePlace reads the next of Routes.
func ParseRoutePlace(s string) (p airspace.RoutePlace, ok bool) {
	from, to, _ := strings.Cut(s, ",")
	var err1, err2 error
	p.From, err1 = url.QueryUnescape(from)
	p.To, err2 = url.QueryUnescape(to)
	return p, err1 == nil && err2 == nil && routePlace(p) == s && len(p.From) <= airspace.MaxLabelBytes && len(p.To) <= airspace.MaxLabelBytes
}

func floorMs(ns int64) int64 {
	const ms = 1_000_000
	if ns < 0 {
		ns -= ms - 1
	}
	return ns / ms
}
