package law

import (
	"os"
	"path/filepath"
	"regexp"
)

var sentence = regexp.MustCompile("(?m)^- `([^`]+)`.*[a-z].*\\.")

// dependencies checks that each module of others that we import or require directly has its sentence.
func (c *checker) dependencies() {
	text, err := os.ReadFile(filepath.Join(c.root, "DEPENDENCIES.md"))
	if err != nil {
		c.sayf("DEPENDENCIES.md: %v; write a sentence for each direct dependency: what it replaces, its licence, what it pulls in", err)
	}
	told := map[string]bool{}
	for _, m := range sentence.FindAllStringSubmatch(string(text), -1) {
		told[m[1]] = true
	}
	direct := map[string]bool{} // false where others brought it
	for _, r := range c.requires {
		direct[r.Path] = !r.Indirect
	}
	for _, p := range c.ours {
		for _, f := range p.files {
			for _, spec := range f.ast.Imports {
				if m, ok := longest(direct, importPath(spec)); ok {
					direct[m] = true
				}
			}
		}
	}
	for m, yes := range direct {
		if yes && !told[m] {
			c.sayf("DEPENDENCIES.md: no sentence for %s; write \"- `%[1]s` ...\": what it replaces, its licence, what it pulls in", m)
		}
	}
	for m := range told {
		if _, ok := direct[m]; !ok {
			c.sayf("DEPENDENCIES.md: %s is not in go.mod; remove its sentence", m)
		}
	}
}
