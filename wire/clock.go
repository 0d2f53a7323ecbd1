package wire

import (
	"onevoice/codec"
	"onevoice/view"
)

// ClockAsk asks a server for its time of day.
type ClockAsk struct {
	AskedNs int64 // the asker's monotonic clock, which comes back
}

// ClockTell answers a ClockAsk.
type ClockTell struct {
	AskedNs int64
	TimeNs  int64 // nanoseconds UTC, when it was asked
}

// Encode returns the whole frame. It concerns no group.
func (m ClockAsk) Encode(group uint32, epoch view.Epoch) []byte {
	var w codec.Writer
	Header{Kind: KindClockAsk, Group: group, Epoch: epoch}.Append(&w)
	w.I64(m.AskedNs)
	return w.B
}

// ReadClockAsk takes the body of a ClockAsk.
func ReadClockAsk(r *codec.Reader) (ClockAsk, error) {
	m := ClockAsk{AskedNs: r.I64()}
	return m, r.Finish()
}

// Encode returns the whole frame. It concerns no group.
func (m ClockTell) Encode(group uint32, epoch view.Epoch) []byte {
	var w codec.Writer
	Header{Kind: KindClockTell, Group: group, Epoch: epoch}.Append(&w)
	w.I64(m.AskedNs)
	w.I64(m.TimeNs)
	return w.B
}

// ReadClockTell takes the body of a ClockTell.
func ReadClockTell(r *codec.Reader) (ClockTell, error) {
	m := ClockTell{AskedNs: r.I64(), TimeNs: r.I64()}
	return m, r.Finish()
}
