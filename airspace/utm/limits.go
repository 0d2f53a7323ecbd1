package utm

const (
	second = 1_000_000_000
	hour   = 3600 * second
)

// Limits of the standards and of this service. At each a command is refused with the limit in its words.
const (
	// CellLevel is the level of the cells of an extent.
	CellLevel = 13
	// MaxCells bounds the cells of one extent: over twice what the largest area of an intent, 2,500 km2, has.
	MaxCells = 8192
	// MaxVolumes and MaxVertices bound the exact volumes of one entity, the latter over all of them.
	MaxVolumes, MaxVertices = 256, 10_000
	// MaxKey bounds the OVNs of one key.
	MaxKey = 10_000
	// MaxManagerBytes and MaxURLBytes bound texts, which are printable ASCII without spaces.
	MaxManagerBytes, MaxURLBytes = 128, 512
	// MaxEntities bounds the entities of one kind, MaxManagers the USSs of which an availability is kept.
	MaxEntities, MaxManagers = 2_000_000, 4096
	// MaxMissing bounds the identifiers of missing entities in a result, of each kind; MaxSubscribers the subscribers. What is left out is said.
	MaxMissing, MaxSubscribers = 1000, 1000
	// MaxDependents bounds the intents that name one subscription.
	MaxDependents = 10_000
	// MaxSubscriptionNs is the longest time of a subscription.
	MaxSubscriptionNs = 24 * hour
	// MaxClockSkewNs is how far in the past a subscription or service area may begin.
	MaxClockSkewNs = 300 * second
	// MaxIntentHorizonNs and MaxConstraintHorizonNs are how far ahead they may end; a service area as an intent.
	MaxIntentHorizonNs, MaxConstraintHorizonNs = 30 * 24 * hour, 56 * 24 * hour
	// MaxRIDSubscriptions bounds the remote ID subscriptions of one manager in one cell.
	MaxRIDSubscriptions = 10
	// RetainNs is how long the record of an entity stays after its end, in service time.
	RetainNs = hour / 2
	// MaxDue and MaxDueCells bound the records that one entry removes, and the cells they are removed from; the rest is due at the next.
	MaxDue, MaxDueCells = 512, 8192
	// MaxPage bounds one page of any list.
	MaxPage = 1000
)
