package law

import (
	"slices"
	"strings"
)

// Check tries the tree against the rules, and returns one line for each breach, sorted: where, what, and what to do instead.
func Check(t *Tree, rules Rules) []string {
	c := &checker{Tree: t, rules: rules, excused: map[string]bool{}}
	c.table()
	for _, p := range t.ours {
		room, ok := rules.find(p.room)
		if !ok {
			c.sayf("%s: not in the table of rooms; add a line to Table in internal/law/law.go", p.room)
			continue
		}
		c.imports(p, room)
		c.hidden(p)
		c.packageComment(p, room)
		for _, f := range p.files {
			c.text(f)
			switch {
			case f.generated:
			case f.test:
				c.sleeps(f)
			default:
				c.exported(f)
				c.room(p, room, f)
			}
		}
	}
	c.dependencies()
	c.outside()
	c.idleExcuses()
	slices.Sort(t.said)
	return slices.Compact(t.said)
}

type checker struct {
	*Tree
	rules   Rules
	excused map[string]bool
}

func (c *checker) room(p *Package, room Room, f *File) {
	if room.Kind == Quiet || room.Kind == Replicated {
		c.quiet(p, f)
	}
	if room.Kind == Replicated {
		c.replicated(p, f)
	}
}

// Missing lists the rows that no package of the tree answers to.
func Missing(t *Tree, rules Rules) []string {
	var missing []string
	for _, r := range rules.Rooms {
		if !slices.ContainsFunc(t.ours, func(p *Package) bool { return r.matches(p.room) }) {
			missing = append(missing, r.Name)
		}
	}
	return missing
}

func (r Room) matches(name string) bool {
	prefix, many := strings.CutSuffix(r.Name, "/...")
	return name == r.Name || many && (name == prefix || strings.HasPrefix(name, prefix+"/"))
}

func (r Rules) find(name string) (Room, bool) {
	i := slices.IndexFunc(r.Rooms, func(room Room) bool { return room.matches(name) })
	if i < 0 {
		return Room{}, false
	}
	return r.Rooms[i], true
}

func (r Rules) everyone(name string) bool { return slices.Contains(strings.Fields(r.Everyone), name) }
