package wire

import (
	"onevoice/codec"
	"onevoice/view"
)

// EncodeView returns the whole frame that tells every client of a server of a new view, and one that has just connected of the newest.
func EncodeView(v *view.View) []byte {
	var w codec.Writer
	Header{Kind: KindView}.Append(&w)
	v.Append(&w)
	return w.B
}

// DecodeView takes the body of such a frame.
func DecodeView(r *codec.Reader) (view.View, error) {
	v := view.ReadView(r)
	return v, r.Finish()
}
