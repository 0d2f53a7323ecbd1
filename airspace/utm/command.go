package utm

import "onevoice/problem"

// Command is one of *Put, *Delete and *SetAvailability.
type Command interface{ command() }

// Put creates or changes an entity. The fields that its kind has not are zero.
type Put struct {
	Kind    Kind
	ID      ID
	Manager string
	URL     string
	Extent  Extent
	Volumes []Volume
	// Match is the OVN of the version that is changed, empty to create.
	Match OVN
	// OVN is what the new version gets; the rim draws it, or takes the suffix that was requested for an intent.
	OVN OVN

	// State, Key, Subscription and Implicit are of intents. Key is what the caller knows of; order, repetitions and OVNs that nobody has make no
	// difference. At most one of Subscription and Implicit is set. An intent of which neither is set keeps none.
	State        State
	Key          []OVN
	Subscription ID
	Implicit     *Implicit
	// MayOffNominal says that the caller holds the right of conformance monitoring.
	MayOffNominal bool

	// NotifyIntents and NotifyConstraints are of subscriptions of F3548, at least one of them.
	NotifyIntents, NotifyConstraints bool
}

// Implicit asks for a subscription that lives and dies with an intent and has its extent. ID and OVN are drawn by the rim. Where the intent
// already has an implicit subscription of its own, that is changed instead, and keeps its identifier.
type Implicit struct {
	ID                ID
	OVN               OVN
	URL               string
	NotifyConstraints bool
}

// Delete removes an entity.
type Delete struct {
	Kind    Kind
	ID      ID
	Manager string
	Match   OVN
}

// SetAvailability says whether a USS answers. The rim checks the right of arbitration.
type SetAvailability struct {
	USS          string
	Availability Availability
	// Match is the OVN of what was said before, empty where nothing was.
	Match, OVN OVN
}

func (*Put) command()             {}
func (*Delete) command()          {}
func (*SetAvailability) command() {}

// Result is what a command came to: a problem, and then nothing has changed, or what it put or removed.
//
// Problems: Invalid a field of the request (400); NotFound (404); Forbidden another manager's, or a right that is not held (403); Conflict another
// version, an identifier in use, or OVNs missing from the key (409); Refused what the standard does not allow (400); PreconditionFailed the
// USS is Down (412); TooLarge (413); Overloaded too many of a kind (503), and of remote ID subscriptions in a cell, Field "cells" (429).
type Result struct {
	Problem *problem.Error
	// MissingIntents and MissingConstraints are what the key has no OVN of, sorted; the rim looks the references up in the newest state, where one
	// that is gone is missing no more. MoreMissing says that there are others beside.
	MissingIntents, MissingConstraints []ID
	MoreMissing                        bool
	// Entity is what was put, or as it was when it was removed; its encoding leaves out cells and volumes, which no answer has. Notified is its notification index, of subscriptions.
	Entity   *Entity
	Notified uint32
	// Subscribers are to be told, sorted by identifier. MoreSubscribers says that there are others beside: their index is counted too, and a search
	// of subscriptions finds them.
	Subscribers     []Subscriber
	MoreSubscribers bool
	// USS is what SetAvailability came to.
	USS *USS
}

// Subscriber is a subscription that a change is relevant to, with its notification index after it.
type Subscriber struct {
	ID       ID
	URL      string
	Notified uint32
}
