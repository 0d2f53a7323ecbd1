package bench

import (
	"cmp"
	"context"
	"fmt"
	"math"
	"math/rand/v2"
	"time"

	"onevoice/airspace"
	"onevoice/geo"
	"onevoice/machine"
)

// Questioned asks stores of flights random questions, and holds every answer against looking at all flights.
type Questioned struct {
	// Entities is how many flights a store holds, about nine tenths to all of it; Questions how many it is asked, in ten parts, between which flights are put, amended
	// and cancelled, some expire, and the store is saved and restored.
	Entities, Questions int
	Seed                uint64
}

// modelParts is how many times a store changes while it is asked.
const modelParts = 10

// QuestionedDone is what was asked.
type QuestionedDone struct {
	Stores    int `json:"stores"`
	Questions int `json:"questions"`
	Rows      int `json:"rows"`
	Restored  int `json:"restored"`
	Expired   int `json:"expired"`
}

// questioned is a machine and the flights that it should hold.
type questioned struct {
	m       *airspace.Machine
	at      machine.At
	v       *Volumes
	rand    *rand.Rand
	flights map[string]airspace.Flight
	made    int
	nowNs   int64
	done    QuestionedDone
}

// Run asks one store. The error names the question that was answered wrongly.
func (q Questioned) Run(ctx context.Context) (QuestionedDone, error) {
	begin := time.Date(2026, 6, 1, 0, 0, 0, 0, time.UTC)
	s := &questioned{
		v: NewVolumes(q.Seed, begin), rand: rand.New(rand.NewPCG(q.Seed, 5)), flights: map[string]airspace.Flight{},
		m: airspace.NewAt(begin.UnixNano(), airspace.DefaultRateMilli), nowNs: begin.UnixNano(), done: QuestionedDone{Stores: 1},
	}
	for len(s.flights) < q.Entities*9/10 {
		if err := s.change(max(q.Entities/20, 1), 0); err != nil {
			return s.done, err
		}
	}
	for part := range modelParts {
		for n := part; n < q.Questions; n += modelParts {
			if err := s.ask(); err != nil || ctx.Err() != nil {
				return s.done, fmt.Errorf("seed %d, question %d: %w", q.Seed, s.done.Questions, cmp.Or(err, ctx.Err()))
			}
		}
		if err := s.change(max(q.Entities/200, 15), int64(20*time.Minute)); err != nil {
			return s.done, err
		}
		if err := s.restore(); err != nil {
			return s.done, err
		}
	}
	return s.done, nil
}

// change puts, amends and cancels so many flights after some time.
func (s *questioned) change(n int, afterNs int64) error {
	s.nowNs += afterNs
	if err := s.expire(); err != nil {
		return err
	}
	for range n {
		cmd := s.command()
		s.at.Index++
		s.at.LogTimeNs = s.nowNs
		s.m.Advance(s.at, silent)
		if err := apply(s.m, s.at, airspace.Encode(cmd)); err != nil {
			return err
		}
	}
	return s.expire()
}

// command is a random change that the machine must accept.
func (s *questioned) command() airspace.Command {
	id := fmt.Sprintf("V%07d", s.rand.IntN(max(s.made, 1)))
	if _, held := s.flights[id]; held && s.rand.IntN(10) == 0 {
		delete(s.flights, id)
		return airspace.CancelFlight{ID: id}
	}
	f := s.v.Flight(s.made)
	if _, held := s.flights[id]; held && s.rand.IntN(4) == 0 {
		f.ID = id
	} else {
		s.made++
	}
	if s.rand.IntN(4) == 0 {
		f = s.path(f)
	}
	if late := s.nowNs - f.EndNs(); late > 0 {
		f = moved(f, late+int64(time.Minute))
	}
	s.flights[f.ID] = f
	return airspace.PutFlight{Flight: f}
}

// path gives a flight a path through its volume, and some more volumes to others.
func (s *questioned) path(f airspace.Flight) airspace.Flight {
	if at := f.Volumes[0]; s.rand.IntN(2) == 0 {
		ring := at.Area.Rings[0]
		f.Volumes = nil
		for i, p := range ring[:3] {
			p.LatE7 += int32(i) * 1_000_000
			f.Path = append(f.Path, geo.Point4D{Pos: p, Alt: at.Area.Band.Floor, AtNs: at.FromNs + int64(i)*(at.ToNs-at.FromNs)/2})
		}
		f.Uncertainty = geo.Uncertainty{LateralCm: int32(s.rand.IntN(100_000)), TimeNs: int64(s.rand.IntN(int(time.Minute)))}
		return f
	}
	for range s.rand.IntN(4) {
		f.Volumes = append(f.Volumes, s.v.Flight(0).Volumes[0])
	}
	return f
}

func moved(f airspace.Flight, byNs int64) airspace.Flight {
	for i := range f.Path {
		f.Path[i].AtNs += byNs
	}
	for i := range f.Volumes {
		f.Volumes[i].FromNs += byNs
		f.Volumes[i].ToNs += byNs
	}
	return f
}

// expire takes flights out whose retention is over, here and there.
func (s *questioned) expire() error {
	for more := true; more; {
		s.at.Index++
		s.at.LogTimeNs = s.nowNs
		s.m.Advance(s.at, silent)
		due := s.m.DueNs()
		more = due != 0 && due <= s.nowNs
	}
	state := s.m.State()
	for id, f := range s.flights {
		if f.EndNs()+state.Settings().RetainNs < state.ServiceNs() {
			delete(s.flights, id)
			s.done.Expired++
		}
	}
	if got := state.FlightCount(); got != len(s.flights) {
		return fmt.Errorf("bench: %d flights are held, want %d", got, len(s.flights))
	}
	return nil
}

// restore goes on with a machine that was loaded from a snapshot of this one.
func (s *questioned) restore() (err error) {
	s.done.Restored++
	s.m, err = restored(chunksOf(s.m.State()))
	return err
}

// ask asks one question, page by page.
func (s *questioned) ask() error {
	widest := 250 // km, in which there are a few
	if len(s.flights) > 10_000 {
		widest = 50
	}
	q := s.v.Question(1 + s.rand.IntN(widest))
	q.FromNs += s.rand.Int64N(int64(8 * time.Hour))
	q.ToNs = q.FromNs + 1 + s.rand.Int64N(int64(2*time.Hour))
	q.Limit = 1 + s.rand.IntN(airspace.MaxPage)
	want := s.naive(&q)
	s.done.Questions++
	s.done.Rows += len(want)
	found := 0
	for {
		page, err := s.m.State().InVolume(q.Volume, nil, q.FromNs, q.ToNs, q.After, q.Limit)
		if err != nil {
			return err
		}
		for _, o := range page {
			if !want[visit{o.Flight.ID, o.Window}] {
				return fmt.Errorf("%+v: flight %s at %v was found, and is not there", q, o.Flight.ID, o.Window)
			}
		}
		if found += len(page); len(page) < q.Limit {
			break
		}
		last := page[len(page)-1]
		q.After = airspace.Cursor{EnterNs: last.Window.EnterMinNs, Flight: last.Flight.ID}
	}
	if found != len(want) {
		return fmt.Errorf("%+v: %d visits were found, %d are there", q, found, len(want))
	}
	return nil
}

// visit names a visit.
type visit struct {
	flight string
	window geo.Window
}

// naive looks at every flight.
func (s *questioned) naive(q *airspace.VolumeQuery) map[visit]bool {
	asked := geo.Prepare(q.Volume)
	found := map[visit]bool{}
	for id, f := range s.flights {
		for _, w := range naiveWindows(&f, asked) {
			if w.EnterMinNs < q.ToNs && w.LeaveMaxNs > q.FromNs {
				found[visit{id, w}] = true
			}
		}
	}
	return found
}

func naiveWindows(f *airspace.Flight, asked *geo.Prepared) []geo.Window {
	if len(f.Path) > 0 {
		return geo.Windows(f.Path, f.Uncertainty, []*geo.Prepared{asked}, airspace.DefaultCrossRefCm)
	}
	var list []geo.Window
	for i := range f.Volumes {
		v := &f.Volumes[i]
		a, b := v.Area.Band, asked.Band()
		if !v.Area.BBox().Meets(asked.BBox()) || a.Floor.Cm >= b.Ceiling.Cm || b.Floor.Cm >= a.Ceiling.Cm || !geo.Prepare(v.Area).Meets(asked, new(int), math.MaxInt) {
			continue
		}
		w := geo.Window{EnterMinNs: v.FromNs, EnterMaxNs: v.ToNs, LeaveMinNs: v.FromNs, LeaveMaxNs: v.ToNs}
		list = joinInto(list, w)
	}
	return list
}

// joinInto puts a window into a list, with all that it touches as one.
func joinInto(list []geo.Window, w geo.Window) []geo.Window {
	var apart []geo.Window
	for _, o := range list {
		if o.EnterMinNs > w.LeaveMaxNs || o.LeaveMaxNs < w.EnterMinNs {
			apart = append(apart, o)
			continue
		}
		w.EnterMinNs, w.LeaveMaxNs = min(w.EnterMinNs, o.EnterMinNs), max(w.LeaveMaxNs, o.LeaveMaxNs)
		w.EnterMaxNs, w.LeaveMinNs = w.LeaveMaxNs, w.EnterMinNs
	}
	return append(apart, w)
}
