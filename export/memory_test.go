package export

import (
	"errors"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"onevoice/airspace"
	"onevoice/chain"
	"onevoice/geo"
	"onevoice/machine"
	"onevoice/web/api"
)

var errCut = errors.New("the exporter was killed here")

// memory is a place in memory. After left operations that change it every further one fails, as if the process had been killed.
type memory struct {
	files map[string][]byte
	left  int
}

func newMemory() *memory { return &memory{files: map[string][]byte{}, left: 1 << 30} }

func (m *memory) spend() error {
	if m.left == 0 {
		return errCut
	}
	m.left--
	return nil
}

func (m *memory) Put(name string, b []byte) error {
	if err := m.spend(); err != nil {
		return err
	}
	m.files[name] = slices.Clone(b)
	return nil
}

func (m *memory) Swap(name string, b []byte, tag string) (string, error) {
	was, there := m.files[name]
	if there != (tag != "") || there && sumOf(was) != tag {
		return "", ErrTaken
	}
	return sumOf(b), m.Put(name, b)
}

func (m *memory) Get(name string) ([]byte, string, error) {
	b, ok := m.files[name]
	if !ok {
		return nil, "", fs.ErrNotExist
	}
	return slices.Clone(b), sumOf(b), nil
}

func (m *memory) List(folder string) (names []string, err error) {
	for name := range m.files {
		if strings.HasPrefix(name, folder+"/") {
			names = append(names, name)
		}
	}
	slices.Sort(names)
	return names, nil
}

func (m *memory) Remove(name string) error {
	if err := m.spend(); err != nil {
		return err
	}
	delete(m.files, name)
	return nil
}

// sky is a log made by a real machine.
type sky struct {
	machine *airspace.Machine
	linker  chain.Linker
	hash    chain.Hash
	genesis string
	entries []api.Entry // from index 2 on
}

const epochNs = 1_533_099_600_000_000_000

func newSky(t testing.TB, n int) *sky {
	t.Helper()
	s := &sky{machine: airspace.New(), hash: chain.Hash{7}}
	s.genesis = hexOf(s.hash)
	s.run(t, airspace.PutSector{Sector: airspace.Sector{ID: "BOX", Name: "a box", Volumes: []geo.Polygon{square(46, 6, 48, 9)}}})
	for i := len(s.entries); i < n; i++ {
		switch i % 4 {
		case 0:
			s.run(t, nil)
		case 3:
			s.run(t, airspace.CancelFlight{ID: flightName(i - 1)})
		default:
			s.run(t, airspace.PutFlight{Flight: flightAt(i)})
		}
	}
	return s
}

func flightName(i int) string {
	return "FLIGHT-" + string(rune('A'+i%26)) + strings.Repeat("x", i/26%40)
}

func flightAt(i int) airspace.Flight {
	begin := int64(epochNs) + int64(time.Hour) + int64(i)*1_000_007
	high := geo.FlightLevel(300)
	return airspace.Flight{ID: flightName(i), Callsign: "SWR1", From: "LSZH", To: "LSGG", Path: []geo.Point4D{
		{Pos: geo.LatLon{LatE7: 47_400_0000, LonE7: 8_500_0000}, Alt: high, AtNs: begin},
		{Pos: geo.LatLon{LatE7: 45_200_0000, LonE7: 6_100_0000}, Alt: high, AtNs: begin + int64(30*time.Minute)},
	}}
}

func square(south, west, north, east int32) geo.Polygon {
	const d = 10_000_000
	return geo.Polygon{
		Rings: []geo.Ring{{{LatE7: south * d, LonE7: west * d}, {LatE7: south * d, LonE7: east * d}, {LatE7: north * d, LonE7: east * d}, {LatE7: north * d, LonE7: west * d}}},
		Band:  geo.Band{Floor: geo.FlightLevel(0), Ceiling: geo.FlightLevel(500)},
	}
}

// run adds one entry.
func (s *sky) run(t testing.TB, cmd airspace.Command) {
	t.Helper()
	index := uint64(len(s.entries) + 2)
	at := machine.At{Group: 1, Index: index, LogTimeNs: epochNs + int64(index)*1_000_003}
	link := chain.Entry{Index: index, LogTimeNs: at.LogTimeNs, Digest: s.linker.Digest(5, 0, []byte{byte(index)}, nil)}
	emit := func(b []byte) { link.Events = append(link.Events, slices.Clone(b)) }
	s.machine.Advance(at, emit)
	if cmd != nil {
		if r, err := airspace.DecodeResult(s.machine.Apply(at, airspace.Encode(cmd), emit)); err != nil || r.Problem != nil {
			t.Fatal(err, r.Problem)
		}
	}
	s.hash = s.linker.Next(s.hash, &link)
	s.entries = append(s.entries, api.Entry{Index: index, LogTime: api.Time(at.LogTimeNs), View: 1, Term: 5, Digest: hexOf(link.Digest), Hash: hexOf(s.hash), Events: link.Events})
}
