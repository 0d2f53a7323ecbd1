package law

import "strings"

// table checks the rules themselves: rows that exist, no circles, kinds that fit, barriers that hold.
func (c *checker) table() {
	for _, r := range c.rules.Rooms {
		for _, name := range strings.Fields(r.May) {
			if name == Anything {
				if r.Kind != Laboratory && r.Kind != Wiring {
					c.sayf("table: %s may import anything, but is %s; name the rooms", r.Name, r.Kind)
				}
				continue
			}
			other, ok := c.rules.find(name)
			if !ok {
				c.sayf("table: %s may import %s, which has no row; add it or mend the name", r.Name, name)
				continue
			}
			if why := misfit(r.Kind, other.Kind); why != "" && !c.rules.everyone(name) {
				c.sayf("table: %s room %s may import %s room %s; %s", r.Kind, r.Name, other.Kind, name, why)
			}
		}
		if c.rules.reaches(r.Name, r.Name) {
			c.sayf("table: %s may import itself in a circle; move what both need into a room below", r.Name)
		}
	}
	for _, b := range c.rules.Barriers {
		if c.rules.reaches(b.Room, b.Other) {
			c.sayf("table: %s may reach %s; %s: put an interface where it is used", b.Room, b.Other, b.Why)
		}
	}
}

func misfit(from, to Kind) string {
	switch {
	case to == Wiring:
		return "a program is not a library: move the code below it"
	case to == Laboratory && from != Laboratory && from != Wiring:
		return "what ships imports no laboratory: move the code into a room of its own"
	case from == Replicated && to != Replicated:
		return "what is replicated stands on replicated rooms only: pass the value in as an integer"
	case from == Quiet && to == Loud:
		return "a quiet room says what it wants in step.Out"
	}
	return ""
}

// reaches says whether from can come to target in one or more steps of May.
func (r Rules) reaches(from, target string) bool {
	seen := map[string]bool{}
	next := []string{from}
	for len(next) > 0 {
		room, _ := r.find(next[0])
		next = next[1:]
		for _, name := range strings.Fields(room.May) {
			if name == target {
				return true
			}
			if !seen[name] {
				seen[name] = true
				next = append(next, name)
			}
		}
	}
	return false
}
