package utm

import (
	"encoding/hex"
	"fmt"
	"math"

	"onevoice/geo"
)

// ID is the identifier of an entity: a UUID of version 4, of which the rim checks the form.
type ID [16]byte

// String gives the UUID in its usual form.
func (id ID) String() string {
	h := hex.EncodeToString(id[:])
	return h[:8] + "-" + h[8:12] + "-" + h[12:16] + "-" + h[16:20] + "-" + h[20:]
}

// Kind is the kind of an entity.
type Kind uint8

// The kinds. The numbers are part of the formats.
const (
	// Intent is an operational intent reference of F3548.
	Intent Kind = 1
	// Constraint is a constraint reference of F3548.
	Constraint Kind = 2
	// Subscription is a subscription of F3548, to intents, constraints or both.
	Subscription Kind = 3
	// ISA is an identification service area of F3411.
	ISA Kind = 4
	// RIDSubscription is a subscription of F3411, to service areas.
	RIDSubscription Kind = 5
)

// String is the kind's word in messages.
func (k Kind) String() string {
	switch k {
	case Intent:
		return "intent"
	case Constraint:
		return "constraint"
	case Subscription:
		return "subscription"
	case ISA:
		return "service area"
	case RIDSubscription:
		return "remote ID subscription"
	}
	return fmt.Sprintf("Kind(%d)", uint8(k))
}

// State is the state of an intent; other kinds have none (0).
type State uint8

// The states. The numbers are part of the formats.
const (
	Accepted      State = 1
	Activated     State = 2
	Nonconforming State = 3
	Contingent    State = 4
)

// String is the state's word in the standard.
func (s State) String() string {
	switch s {
	case Accepted:
		return "Accepted"
	case Activated:
		return "Activated"
	case Nonconforming:
		return "Nonconforming"
	case Contingent:
		return "Contingent"
	}
	return fmt.Sprintf("State(%d)", uint8(s))
}

// OffNominal says whether the state needs no key, and the right of conformance monitoring.
func (s State) OffNominal() bool { return s == Nonconforming || s == Contingent }

// OVN is the opaque name of one version of an entity, in raw bytes: 16 drawn at random, or, where a suffix was requested for an intent, its
// identifier and the UUID of version 7, 32 together. The rim shows 16 bytes in base64url and 32 as {id}_{suffix}. Subscriptions and service areas
// have one too: it is what the standards call their version.
type OVN string

const (
	randomOVN = 16
	suffixOVN = 32
)

// Of an Extent without bounds of altitude.
const (
	// NoFloorCm is below every altitude.
	NoFloorCm = math.MinInt32
	// NoCeilingCm is above every altitude.
	NoCeilingCm = math.MaxInt32
)

// Extent is where and when an entity is: what is relevant to what is found by it.
type Extent struct {
	// Cells are S2 cells of level CellLevel, sorted, each once, at least one.
	Cells []uint64
	// FloorCm to CeilingCm is the range of altitude above the WGS84 ellipsoid, the ceiling not in it; NoFloorCm and NoCeilingCm where there is none.
	FloorCm, CeilingCm int32
	// BeginNs to EndNs is the time, the end not in it, in ns UTC. In a Put of a subscription or a service area, 0 stands for what the user did not
	// say: the beginning is then the present one or now, the end the present one or, of subscriptions, as late as may be.
	BeginNs, EndNs int64
}

// Volume is one volume as its user gave it: an area with a band of altitude, for a time, the end not in it.
type Volume struct {
	Area           geo.Polygon
	BeginNs, EndNs int64
}

// Position is a place in the log: that of the command which changed something last.
type Position struct {
	Index uint64
	Sub   uint32
}

// Entity is a record of any kind. It is immutable and shared by all states: never change it.
type Entity struct {
	Kind Kind
	ID   ID
	// Manager is who may change it: the subject of the token that created it.
	Manager string
	// URL is the base URL of its USS.
	URL    string
	Extent Extent
	// Volumes are the exact volumes, where the rim keeps them.
	Volumes []Volume
	// OVN names this version, and Version counts from 1.
	OVN     OVN
	Version uint32
	// State is of intents.
	State State
	// Subscription is that of an intent, zero where it has none.
	Subscription ID
	// NotifyIntents, NotifyConstraints and Implicit are of subscriptions of F3548.
	NotifyIntents, NotifyConstraints, Implicit bool
	// Changed is the command that put it.
	Changed Position
}

// Availability is what is agreed about whether a USS answers.
type Availability uint8

// The availabilities. The numbers are part of the formats.
const (
	Unknown Availability = 0
	Normal  Availability = 1
	Down    Availability = 2
)

// String is the word in the standard.
func (a Availability) String() string {
	switch a {
	case Unknown:
		return "Unknown"
	case Normal:
		return "Normal"
	case Down:
		return "Down"
	}
	return fmt.Sprintf("Availability(%d)", uint8(a))
}

// USS is the availability of a manager. One of which nothing was said is Unknown, with an empty OVN.
type USS struct {
	Manager      string
	Availability Availability
	OVN          OVN
}
