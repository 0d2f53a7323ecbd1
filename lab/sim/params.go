package sim

import (
	"fmt"
	"io"
	"math/rand/v2"
	"reflect"
)

const (
	microNs = int64(1_000)
	milliNs = 1_000 * microNs
	secNs   = 1_000 * milliNs
)

// Params are the properties of one world. Draw takes them from a seed, so that each seed tests another corner: some worlds
// lose no frame and some a third of them. Means are of exponential distributions, cut off at ten times the mean.
type Params struct {
	ServerCount int   // 3 or 5
	CalmNs      int64 // before the first fault
	FaultNs     int64 // length of the phase with faults

	// Network.
	DelayMinNs, DelaySpreadNs int64 // each frame takes the least and an exponential part of this mean
	FarNs                     int64 // mean of a delay between servers on top, about as long as an election takes
	SpikePpm                  int   // chance of a spike,
	SpikeNs                   int64 // and its mean
	NsPerByte                 int64
	LossPpm, DupPpm           int
	InOrder                   bool  // the frames of one link stay in order
	HoldPpm                   int   // chance that a frame sent into a cut arrives when the cut heals, as a retransmission would
	ClientNs                  int64 // added to each frame between a client and a server
	GonePpm                   int   // chance that the end of a connection is noticed at once
	ClientSidePpm             int   // chance that a cut between servers cuts a client off one side

	// Disk.
	DiskMinNs, DiskSpreadNs int64 // each write takes the least and an exponential part of this mean
	StallPpm                int   // chance that a write takes longer,
	StallNs                 int64 // and the mean of that; of a stall fault too
	SaveSpreadNs            int64 // mean time of one chunk of a save
	KeepPpm                 int   // chance that a crash is of the process alone and loses nothing

	// Clocks.
	DriftPpm   int64 // rates lie within this of true
	WallSkewNs int64 // wall clocks begin within this of one another
	WallJumpNs int64 // and jump by up to this

	// Pace.
	BurstPpm  int   // chance that all inputs that wait go into one Step;
	BurstMost int   // otherwise at most so many do
	WorkNs    int64 // mean time between an input's arrival and the Step that takes it
	EvalNs    int64 // mean delay of an Eval

	// Faults.
	Weights       [kindCount]int // how often each kind of episode is chosen
	FaultGapNs    int64          // mean time between two
	FaultLenNs    int64          // mean length of one
	MostAtOnce    int            // going on at the same time
	LeaderPpm     int            // chance that one aims at a leader
	SpareMajority bool           // crashes and pauses leave a majority up
	RestartNs     int64          // mean time a crashed server stays down
	BounceGapNs   int64          // mean time between two restarts of a bounce
	AmbushPpm     int            // chance that an ambush strikes after a Step that heard of a durable write
	PromisePpm    int            // chance of a crash after a promise
	PauseNs       int64          // mean length of a pause
	SlowNs        int64          // mean delay of a slow server's steps
	FlapNs        int64          // half a period of a flapping link
	LagNs         int64          // mean of what a lag adds to a frame
	LossyPpm      int            // loss during a lossy fault
}

func pick[T any](r *rand.Rand, choices ...T) T { return choices[r.IntN(len(choices))] }

// Draw takes the properties of a world from its seed.
func Draw(seed uint64) Params {
	r := Stream(seed, "params")
	p := Params{ServerCount: pick(r, 3, 3, 5)}
	p.drawNetwork(r)
	p.drawDisk(r)
	p.drawClocks(r)
	p.drawPace(r)
	p.drawFaults(r)
	return p
}

func (p *Params) drawNetwork(r *rand.Rand) {
	p.DelayMinNs = pick(r, 20*microNs, 100*microNs, 500*microNs, 2*milliNs)
	p.DelaySpreadNs = pick(r, 50*microNs, 300*microNs, milliNs, 5*milliNs, 15*milliNs)
	p.FarNs = pick(r, 0, 0, 0, 15*milliNs, 40*milliNs)
	p.SpikePpm = pick(r, 0, 0, 2_000, 20_000)
	p.SpikeNs = pick(r, 20*milliNs, 100*milliNs, 400*milliNs)
	p.NsPerByte = pick(r, int64(0), 0, 10, 1_000)
	p.LossPpm = pick(r, 0, 0, 1_000, 10_000, 50_000, 150_000)
	p.DupPpm = pick(r, 0, 0, 5_000, 50_000)
	p.InOrder = r.IntN(2) == 0
	p.HoldPpm = pick(r, 0, 0, 100_000, 700_000)
	p.ClientNs = pick(r, int64(0), 0, milliNs, 10*milliNs)
}

func (p *Params) drawDisk(r *rand.Rand) {
	p.DiskMinNs = pick(r, 20*microNs, 200*microNs, milliNs, 4*milliNs)
	p.DiskSpreadNs = pick(r, 0, 100*microNs, milliNs, 8*milliNs, 20*milliNs)
	p.StallPpm = pick(r, 0, 0, 1_000, 10_000)
	p.StallNs = pick(r, 50*milliNs, 200*milliNs, secNs)
	p.SaveSpreadNs = pick(r, 100*microNs, 5*milliNs, 100*milliNs)
	p.KeepPpm = pick(r, 0, 300_000, 800_000)
}

func (p *Params) drawClocks(r *rand.Rand) {
	p.DriftPpm = pick(r, int64(0), 100, 10_000, 50_000)
	p.WallSkewNs = pick(r, 0, milliNs, 200*milliNs, 5*secNs, 3_600*secNs, 3_600*secNs)
	p.WallJumpNs = pick(r, 50*milliNs, 2*secNs, 700*secNs, 3_600*secNs)
}

func (p *Params) drawPace(r *rand.Rand) {
	p.BurstPpm = pick(r, 0, 500_000, 1_000_000)
	p.BurstMost = pick(r, 1, 1, 4, 32)
	p.WorkNs = pick(r, 0, 0, 50*microNs, milliNs)
	p.EvalNs = pick(r, 0, 0, 100*microNs, 3*milliNs)
	p.GonePpm = pick(r, 0, 500_000, 1_000_000)
	p.ClientSidePpm = pick(r, 0, 200_000, 600_000)
}

func (p *Params) drawFaults(r *rand.Rand) {
	p.CalmNs = pick(r, 0, 300*milliNs, 800*milliNs)
	p.FaultNs = between(r, 1_500*milliNs, 4*secNs)
	p.FaultGapNs = pick(r, 50*milliNs, 150*milliNs, 400*milliNs)
	p.FaultLenNs = pick(r, 30*milliNs, 150*milliNs, 500*milliNs, 1_200*milliNs)
	p.RestartNs = pick(r, 2*milliNs, 30*milliNs, 300*milliNs, 1_000*milliNs)
	p.LeaderPpm = pick(r, 0, 500_000, 900_000)
	p.SpareMajority = r.IntN(3) > 0
	p.PromisePpm = pick(r, 0, 0, 200_000, 700_000)
	p.AmbushPpm = pick(r, 30_000, 150_000, 500_000)
	p.BounceGapNs = pick(r, 5*milliNs, 20*milliNs, 60*milliNs)
	p.MostAtOnce = pick(r, 1, 2, 4)
	p.FlapNs = pick(r, 20*milliNs, 50*milliNs, 150*milliNs)
	p.SlowNs = pick(r, milliNs, 10*milliNs)
	p.PauseNs = pick(r, 30*milliNs, 200*milliNs, 800*milliNs)
	p.LagNs = pick(r, 10*milliNs, 60*milliNs, 200*milliNs)
	p.LossyPpm = pick(r, 100_000, 300_000)
	for i := range p.Weights {
		p.Weights[i] = pick(r, 0, 2, 2, 10)
	}
	p.Weights[Fire] = pick(r, 0, 0, 1) // what it takes away is missed by everything that follows
}

// soothe makes links and disks as fast as healthy ones are: well below the time of an election.
func (p *Params) soothe() {
	p.DelaySpreadNs = min(p.DelaySpreadNs, 3*milliNs)
	p.NsPerByte = min(p.NsPerByte, 100)
	p.DiskSpreadNs = min(p.DiskSpreadNs, 3*milliNs)
	p.SaveSpreadNs = min(p.SaveSpreadNs, 5*milliNs)
}

// Print writes the properties, one a line, for people.
func (p *Params) Print(w io.Writer) {
	v := reflect.ValueOf(*p)
	for i := range v.NumField() {
		if v.Type().Field(i).Name != "Weights" {
			fmt.Fprintf(w, "  %-16s %v\n", v.Type().Field(i).Name, v.Field(i))
		}
	}
	for _, kind := range Kinds() {
		fmt.Fprintf(w, "  weight %-9s %d\n", kind, p.Weights[kind])
	}
}
