package airspace

import (
	"cmp"
	"maps"
	"math"
	"math/big"
	"slices"

	"onevoice/geo"
	"onevoice/problem"
)

// naive is the airspace as one would write it without caring for speed: maps, and everything computed anew each time.
type naive struct {
	sectors  map[string]SectorRecord
	flights  map[string]FlightRecord
	zones    map[string]ZoneRecord
	settings Settings
	logNs    int64
	nowNs    int64
	// staged are the changes that do not hold yet, or are not told of yet, in their order.
	staged  []*naiveStaging
	archive *archive
}

// naiveStaging is what a command is to change, and whether that holds.
type naiveStaging struct {
	version Version
	sectors map[string]*Sector // nil for one that goes
	rules   *SetRules
	holds   bool
}

func newNaive(logNs int64) *naive {
	return &naive{
		archive: new(archive),
		sectors: map[string]SectorRecord{}, flights: map[string]FlightRecord{}, zones: map[string]ZoneRecord{}, logNs: logNs, nowNs: logNs,
		settings: Settings{ServiceAnchorLogNs: logNs, ServiceAnchorNs: logNs, RateMilli: 1000, CrossRefCm: DefaultCrossRefCm, RetainNs: DefaultRetainNs, Separation: DefaultSeparation(), History: defaultHistory(), Version: Version{Index: 1}},
	}
}

func (n *naive) windowsOf(f *Flight) []SectorWindow {
	var list []SectorWindow
	for _, id := range slices.Sorted(maps.Keys(n.sectors)) {
		s := n.sectors[id]
		visits := n.visitsTo(f, s.Volumes)
		if len(s.Effective) > 0 || !s.Hours.always() {
			visits = n.naiveTimed(f, &s.Sector)
		}
		for _, w := range visits {
			list = append(list, SectorWindow{id, w})
		}
	}
	slices.SortFunc(list, func(a, b SectorWindow) int {
		return cmp.Or(cmp.Compare(a.EnterMinNs, b.EnterMinNs), cmp.Compare(a.Sector, b.Sector))
	})
	return list
}

func (n *naive) visitsTo(f *Flight, volumes []geo.Polygon) []geo.Window {
	var prepared []*geo.Prepared
	for _, v := range volumes {
		prepared = append(prepared, geo.Prepare(v))
	}
	if len(f.Volumes) > 0 {
		return n.overlaps(f.Volumes, prepared)
	}
	return geo.Windows(f.Path, f.Uncertainty, prepared, n.settings.CrossRefCm)
}

// overlaps holds each volume against each, and looks which of the ends of their times lie in none of the others.
func (n *naive) overlaps(volumes []Volume4D, sector []*geo.Prepared) []geo.Window {
	var in []Volume4D
	for _, v := range volumes {
		if slices.ContainsFunc(sector, func(at *geo.Prepared) bool {
			a, b, slack := v.Area.Band, at.Band(), int64(0)
			if a.Floor.Ref != b.Floor.Ref {
				slack = int64(n.settings.CrossRefCm)
			}
			return int64(a.Floor.Cm) < int64(b.Ceiling.Cm)+slack && int64(b.Floor.Cm) < int64(a.Ceiling.Cm)+slack && at.Meets(geo.Prepare(v.Area), new(int), math.MaxInt)
		}) {
			in = append(in, v)
		}
	}
	var begins, ends []int64
	for _, v := range in {
		if !slices.ContainsFunc(in, func(o Volume4D) bool { return o.FromNs < v.FromNs && v.FromNs <= o.ToNs }) {
			begins = append(begins, v.FromNs)
		}
		if !slices.ContainsFunc(in, func(o Volume4D) bool { return o.FromNs <= v.ToNs && v.ToNs < o.ToNs }) {
			ends = append(ends, v.ToNs)
		}
	}
	slices.Sort(begins)
	slices.Sort(ends)
	begins, ends = slices.Compact(begins), slices.Compact(ends)
	var list []geo.Window
	for i, from := range begins {
		list = append(list, geo.Window{EnterMinNs: from, EnterMaxNs: ends[i], LeaveMinNs: from, LeaveMaxNs: ends[i]})
	}
	return list
}

// rewindow computes all windows and counts the flights that have others than before.
func (n *naive) rewindow(at uint64) int {
	changed := 0
	for id, f := range n.flights {
		windows := n.windowsOf(&f.Flight)
		if !slices.Equal(windows, f.Windows) {
			changed++
			f.Since = at
		}
		f.Windows = windows
		n.flights[id] = f
	}
	return changed
}

// serviceAt is the definition: rounded down, cut at the end.
func (n *naive) serviceAt(logNs int64) int64 {
	v := big.NewInt(logNs)
	v.Sub(v, big.NewInt(n.settings.ServiceAnchorLogNs))
	v.Mul(v, big.NewInt(n.settings.RateMilli))
	v.Div(v, big.NewInt(1000))
	v.Add(v, big.NewInt(n.settings.ServiceAnchorNs))
	if v.Cmp(big.NewInt(MaxServiceNs)) > 0 {
		return MaxServiceNs
	}
	return v.Int64()
}

// advance gives the identifiers of those that expire, in order.
func (n *naive) advance(logNs int64) []string {
	n.logNs = logNs
	n.nowNs = n.serviceAt(logNs)
	n.archive.cut(n, 0)
	var over []FlightRecord
	for _, f := range n.flights {
		last := int64(math.MinInt64)
		for _, p := range f.Path {
			last = max(last, p.AtNs+f.Uncertainty.TimeNs)
		}
		for _, v := range f.Volumes {
			last = max(last, v.ToNs)
		}
		if last+n.settings.RetainNs < n.nowNs {
			over = append(over, f)
		}
	}
	slices.SortFunc(over, func(a, b FlightRecord) int { return cmp.Or(cmp.Compare(a.EndNs(), b.EndNs()), cmp.Compare(a.ID, b.ID)) })
	var ids []string
	for _, f := range over {
		ids = append(ids, f.ID)
		n.notify(&f.Flight)
		delete(n.flights, f.ID)
	}
	n.expireZones()
	return ids
}

// busy says whether something is being changed already, the rules where the name is empty.
func (n *naive) busy(id string) bool {
	return slices.ContainsFunc(n.staged, func(st *naiveStaging) bool {
		_, sector := st.sectors[id]
		return sector || st.rules != nil
	})
}

// change makes a change of sectors or rules hold, now or, where the machine says that it stages it, later.
func (n *naive) change(st *naiveStaging, staged bool) Result {
	if last := len(n.staged) - 1; staged && last >= 0 && n.staged[last].version == st.version {
		both := *n.staged[last]
		both.sectors = maps.Clone(both.sectors)
		maps.Copy(both.sectors, st.sectors)
		n.staged[last] = &both
		return Result{Version: st.version, Staged: true}
	}
	if staged {
		n.staged = append(n.staged, st)
		return Result{Version: st.version, Staged: true}
	}
	return Result{Version: st.version, Rewindowed: n.hold(st)}
}

func (n *naive) hold(st *naiveStaging) int {
	for id, s := range st.sectors {
		if s == nil {
			delete(n.sectors, id)
		} else {
			n.sectors[id] = SectorRecord{*s, st.version}
		}
	}
	if st.rules != nil {
		n.settings.CrossRefCm, n.settings.RetainNs, n.settings.Separation, n.settings.Version = st.rules.CrossRefCm, st.rules.RetainNs, st.rules.Separation, st.version
	}
	return n.rewindow(st.version.Index)
}

// follow learns from the events of an entry's beginning which change holds now, and which is through.
func (n *naive) follow(t failer, events [][]byte) {
	said := map[string]bool{}
	for _, b := range events {
		e, err := DecodeEvent(b)
		if err != nil {
			t.Fatal(err)
		}
		switch e.Kind {
		case SectorPut, SectorRemoved, SettingsChanged:
			said[e.ID] = true
		case SectorSettled:
			n.staged = slices.DeleteFunc(n.staged, func(st *naiveStaging) bool { return st.version == e.Version && st.holds })
		}
	}
	if len(said) == 0 {
		return
	}
	st := n.staged[0]
	if st.holds || st.rules == nil && !slices.Equal(slices.Sorted(maps.Keys(said)), slices.Sorted(maps.Keys(st.sectors))) || st.rules != nil && !said[""] {
		t.Fatal("the switch says", said, "of", st)
	}
	st.holds = true
	n.hold(st)
}

// apply runs a command; what the machine came to says whether it staged it.
func (n *naive) apply(at Version, cmd Command, got Result) Result {
	if p := Validate(cmd); p != nil {
		return Result{Problem: p}
	}
	switch cmd := cmd.(type) {
	case Atomic:
		return n.atomic(at, cmd, got)
	case PutZone, RemoveZone:
		return n.applyZone(at, cmd)
	case PutSector:
		if kind, current := hold(n.sectors, cmd.Sector.ID, cmd.If, func(s SectorRecord) Version { return s.Version }); kind != 0 {
			return Result{Problem: &problem.Error{Kind: kind}, Current: current}
		}
		if n.busy(cmd.Sector.ID) {
			return Result{Problem: &problem.Error{Kind: problem.Conflict}}
		}
		return n.change(&naiveStaging{version: at, sectors: map[string]*Sector{cmd.Sector.ID: &cmd.Sector}}, got.Staged)
	case RemoveSector:
		kind, current := hold(n.sectors, cmd.ID, cmd.If, func(s SectorRecord) Version { return s.Version })
		if _, ok := n.sectors[cmd.ID]; kind == 0 && !ok {
			kind = problem.NotFound
		}
		if kind == 0 && n.busy(cmd.ID) {
			kind = problem.Conflict
		}
		if kind != 0 {
			return Result{Problem: &problem.Error{Kind: kind}, Current: current}
		}
		return n.change(&naiveStaging{version: at, sectors: map[string]*Sector{cmd.ID: nil}}, got.Staged)
	case PutFlight:
		if kind, current := hold(n.flights, cmd.Flight.ID, cmd.If, func(f FlightRecord) Version { return f.Version }); kind != 0 {
			return Result{Problem: &problem.Error{Kind: kind}, Current: current}
		}
		f := FlightRecord{Flight: cmd.Flight, Version: at}
		if f.EndNs()+n.settings.RetainNs < n.nowNs {
			return Result{Problem: &problem.Error{Kind: problem.Refused}}
		}
		f.Windows = n.windowsOf(&f.Flight)
		if old, there := n.flights[f.ID]; there {
			n.notify(&old.Flight, &f.Flight)
		} else {
			n.notify(&f.Flight)
		}
		n.flights[f.ID] = f
		return Result{Version: at, Windows: f.Windows}
	case ReportProgress:
		kind, current := hold(n.flights, cmd.ID, cmd.If, func(f FlightRecord) Version { return f.Version })
		f, ok := n.flights[cmd.ID]
		if kind == 0 && !ok {
			kind = problem.NotFound
		}
		if kind != 0 {
			return Result{Problem: &problem.Error{Kind: kind}, Current: current}
		}
		return n.progress(at, cmd, f)
	case CancelFlight:
		kind, current := hold(n.flights, cmd.ID, cmd.If, func(f FlightRecord) Version { return f.Version })
		if _, ok := n.flights[cmd.ID]; kind == 0 && !ok {
			kind = problem.NotFound
		}
		if kind != 0 {
			return Result{Problem: &problem.Error{Kind: kind}, Current: current}
		}
		n.notify(new(n.flights[cmd.ID].Flight))
		delete(n.flights, cmd.ID)
		return Result{Version: at}
	}
	return n.set(at, cmd, got.Staged)
}

// atomic is the definition: on a copy, which is kept if all take effect.
func (n *naive) atomic(at Version, cmd Atomic, got Result) Result {
	trial := *n
	trial.sectors, trial.flights, trial.staged = maps.Clone(n.sectors), maps.Clone(n.flights), slices.Clone(n.staged)
	trial.zones = maps.Clone(n.zones)
	whole := Result{Version: at}
	for i, one := range cmd.Commands {
		var said Result
		if i < len(got.Parts) {
			said = got.Parts[i]
		}
		res := trial.apply(at, one, said)
		if res.Problem != nil {
			return res
		}
		whole.Parts = append(whole.Parts, res)
		whole.Staged = whole.Staged || res.Staged
	}
	*n = trial
	return whole
}

func (n *naive) progress(at Version, cmd ReportProgress, f FlightRecord) Result {
	filed, planned := f.Windows, f.Uncertainty.TimeNs
	if was := f.Progress; was != nil {
		if filed, planned = was.Filed, planned-was.SpreadNs; was.LastReportNs > cmd.LastReportNs {
			return Result{Problem: &problem.Error{Kind: problem.Refused}}
		}
	}
	if len(f.Volumes) > 0 && (cmd.SpreadNs != 0 || len(cmd.Path) > 0) {
		return Result{Problem: &problem.Error{Kind: problem.Refused}}
	}
	f.Version, f.Progress = at, &Progress{Mark: cmd.Mark, Filed: filed}
	f.Uncertainty.TimeNs = planned + cmd.SpreadNs
	if len(cmd.Path) > 0 {
		var path []geo.Point4D
		for _, p := range f.Path {
			if p.AtNs < cmd.Path[0].AtNs {
				path = append(path, p)
			}
		}
		f.Path = append(path, cmd.Path...)
	}
	if len(f.Volumes) == 0 && geo.ValidatePath(f.Path) != nil {
		return Result{Problem: &problem.Error{Kind: problem.Invalid}}
	}
	if f.EndNs()+n.settings.RetainNs < n.nowNs {
		return Result{Problem: &problem.Error{Kind: problem.Refused}}
	}
	f.Windows = n.windowsOf(&f.Flight)
	n.notify(new(n.flights[f.ID].Flight), &f.Flight)
	n.flights[f.ID] = f
	return Result{Version: at, Windows: f.Windows}
}

func (n *naive) set(at Version, cmd Command, staged bool) Result {
	if m := cmd.precondition().Match; m != nil && *m != n.settings.Version {
		return Result{Problem: &problem.Error{Kind: problem.PreconditionFailed}, Current: new(n.settings.Version)}
	}
	if slices.ContainsFunc(n.staged, func(st *naiveStaging) bool { return st.rules != nil }) {
		return Result{Problem: &problem.Error{Kind: problem.Conflict}}
	}
	if cmd, is := cmd.(SetRules); is {
		return n.change(&naiveStaging{version: at, rules: &cmd}, staged)
	}
	if set, is := cmd.(SetHistory); is {
		n.settings.Version, n.settings.History = at, set.History
		n.archive.cut(n, at.Index)
		return Result{Version: at}
	}
	set := cmd.(SetService)
	anchor := cmp.Or(set.AnchorNs, n.nowNs)
	if anchor < n.nowNs {
		return Result{Problem: &problem.Error{Kind: problem.Refused}}
	}
	n.settings.ServiceAnchorLogNs, n.settings.ServiceAnchorNs, n.settings.RateMilli, n.nowNs = n.logNs, anchor, set.RateMilli, anchor
	n.settings.Version = at
	return Result{Version: at}
}

func hold[R any](there map[string]R, id string, when Precondition, version func(R) Version) (problem.Kind, *Version) {
	r, ok := there[id]
	switch {
	case when.Match != nil && !ok:
		return problem.PreconditionFailed, nil
	case when.Match != nil && version(r) != *when.Match:
		return problem.PreconditionFailed, new(version(r))
	case when.Absent && ok:
		return problem.Conflict, new(version(r))
	}
	return 0, nil
}

// who answers by looking at every window there is.
func (n *naive) who(sector string, from, to int64, after Cursor, limit int) []Occupant {
	var list []Occupant
	for _, f := range n.flights {
		for _, w := range f.Windows {
			if w.Sector == sector {
				list = append(list, Occupant{&f, w.Window})
			}
		}
	}
	return cut(list, from, to, after, limit)
}

func (n *naive) inVolume(v geo.Polygon, from, to int64, after Cursor, limit int) []Occupant {
	var list []Occupant
	for _, f := range n.flights {
		for _, w := range n.visitsTo(&f.Flight, []geo.Polygon{v}) {
			list = append(list, Occupant{&f, w})
		}
	}
	return cut(list, from, to, after, limit)
}

func cut(list []Occupant, from, to int64, after Cursor, limit int) []Occupant {
	less := func(a, b Cursor) int {
		return cmp.Or(cmp.Compare(a.EnterNs, b.EnterNs), cmp.Compare(a.Flight, b.Flight))
	}
	place := func(o Occupant) Cursor { return Cursor{o.Window.EnterMinNs, o.Flight.ID} }
	list = slices.DeleteFunc(list, func(o Occupant) bool {
		return o.Window.EnterMinNs >= to || o.Window.LeaveMaxNs <= from || after != (Cursor{}) && less(place(o), after) <= 0
	})
	slices.SortFunc(list, func(a, b Occupant) int { return less(place(a), place(b)) })
	return list[:min(len(list), limit)]
}
