package utm

import (
	"bytes"
	"cmp"
	"fmt"
	"slices"

	"github.com/tidwall/btree"

	"onevoice/problem"
)

// Register is all entities as of one index. A Copy is immutable: any number of goroutines may ask it.
type Register struct {
	shelves [RIDSubscription + 1]shelf // by kind; the first is of none
	// dependents holds which intents name which subscription.
	dependents *btree.BTreeG[dependent]
	uss        *btree.Map[string, *USS]
	nowNs      int64
}

type dependent struct{ subscription, intent ID }

func (d dependent) before(o dependent) bool {
	return cmp.Or(bytes.Compare(d.subscription[:], o.subscription[:]), bytes.Compare(d.intent[:], o.intent[:])) < 0
}

func newRegister() Register {
	s := Register{uss: btree.NewMap[string, *USS](8), dependents: btree.NewBTreeGOptions(dependent.before, btree.Options{NoLocks: true, Degree: 8})}
	for i := range s.shelves {
		s.shelves[i] = newShelf()
	}
	return s
}

// Copy gives a state that stays as it is while s goes on, in constant time.
func (s *Register) Copy() Register {
	c := *s
	for i := range s.shelves {
		c.shelves[i] = s.shelves[i].copy()
	}
	c.dependents, c.uss = s.dependents.Copy(), s.uss.Copy()
	return c
}

// Found is an entity in an answer, with its notification index, of subscriptions.
type Found struct {
	*Entity
	Notified uint32
}

// Get gives one entity; false where there is none. One that has ended is given until it is removed.
func (s *Register) Get(k Kind, id ID) (Found, bool) {
	if k < Intent || k > RIDSubscription {
		return Found{}, false
	}
	at, ok := s.shelves[k].get(id)
	return Found{at.entity, at.notified}, ok
}

// Count is how many entities of a kind there are, those included that have ended and are not removed.
func (s *Register) Count(k Kind) int { return s.shelves[k].numbers.Len() }

// USS is the availability of a manager.
func (s *Register) USS(manager string) USS {
	if u, ok := s.uss.Get(manager); ok {
		return *u
	}
	return USS{Manager: manager}
}

// Dependents lists the intents that name a subscription, by identifier, from the first above after, at most limit (cut to MaxPage).
func (s *Register) Dependents(subscription, after ID, limit int) []ID {
	var list []ID
	limit = min(limit, MaxPage)
	s.eachDependent(subscription, after, func(id ID) bool {
		if id != after && len(list) < limit {
			list = append(list, id)
		}
		return len(list) < limit
	})
	return list
}

func (s *Register) eachDependent(subscription, from ID, yield func(ID) bool) {
	s.dependents.Ascend(dependent{subscription, from}, func(d dependent) bool { return d.subscription == subscription && yield(d.intent) })
}

// dependentCount counts the intents that name a subscription, up to most.
func (s *Register) dependentCount(subscription ID, most int) int {
	n := 0
	s.eachDependent(subscription, ID{}, func(ID) bool {
		n++
		return n < most
	})
	return n
}

// Search lists the entities of a kind that are relevant to an extent and have not ended, by identifier, from the first above after, at most limit,
// 1 to MaxPage. A page that is full may have another after its last. Of a manager only, where one is named.
// Every page costs as much as the whole.
//
// The error is a *problem.Error, Invalid or TooLarge, for a wrong extent or limit.
func (s *Register) Search(k Kind, x Extent, manager string, after ID, limit int) ([]Found, error) {
	c := checker{op: "search " + k.String()}
	c.kind(k)
	c.extent(&x)
	if x.BeginNs >= x.EndNs {
		c.fail(problem.Invalid, "area_of_interest.time_end", fmt.Sprintf("%d ns", x.EndNs), "after time_start")
	}
	if limit < 1 || limit > MaxPage {
		c.fail(problem.Invalid, "limit", fmt.Sprint(limit), fmt.Sprintf("1 to %d", MaxPage))
	}
	if c.found != nil {
		return nil, c.found
	}
	var list []Found
	s.shelves[k].search(&x, s.nowNs, func(_ uint32, at *place) {
		if e := at.entity; bytes.Compare(e.ID[:], after[:]) > 0 && (manager == "" || e.Manager == manager) {
			list = append(list, Found{e, at.notified})
		}
	})
	slices.SortFunc(list, func(a, b Found) int { return bytes.Compare(a.ID[:], b.ID[:]) })
	return list[:min(len(list), limit)], nil
}
