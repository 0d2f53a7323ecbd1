package law

import (
	"go/build/constraint"
	"go/parser"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// knownTags may keep a file out of a build. Other tags would hide code and tests from everybody.
const knownTags = " mutants dropping nextversion race linux darwin windows unix amd64 arm64 "

// hidden checks the files that this build leaves out; those of planted bugs, of disks that drop writes and of other
// systems are not looked at.
func (c *checker) hidden(p *Package) {
	for _, name := range p.IgnoredGoFiles {
		full := filepath.Join(p.Dir, name)
		f, err := parser.ParseFile(c.fset, full, nil, parser.ParseComments|parser.PackageClauseOnly)
		if f == nil {
			c.sayf("%s: %v", c.relative(full), err)
			continue
		}
		for _, group := range f.Comments {
			for _, line := range group.List {
				expr, err := constraint.Parse(line.Text)
				if err != nil {
					continue
				}
				expr.Eval(func(tag string) bool {
					if !strings.Contains(knownTags, " "+tag+" ") {
						c.at(line, "build tag %s hides this file from every check; use mutants, dropping, nextversion, a system's name, or no tag", tag)
					}
					return false
				})
			}
		}
	}
}

// outside checks the source that go list does not show: modules inside the tree, which are programs of others to race
// against and import nothing of ours, and folders that build tags hide as a whole.
func (c *checker) outside() {
	listed := map[string]bool{}
	for _, p := range c.ours {
		listed[p.Dir] = true
	}
	modules := map[string]bool{}
	err := filepath.WalkDir(c.root, func(path string, d fs.DirEntry, err error) error {
		dir := filepath.Dir(path)
		switch {
		case err != nil:
			return err
		case d.IsDir():
			if path != c.root && strings.HasPrefix(d.Name(), ".") || d.Name() == "testdata" {
				return filepath.SkipDir
			}
			_, err := os.Stat(filepath.Join(path, "go.mod"))
			modules[path] = path != c.root && (err == nil || modules[dir])
		case !strings.HasSuffix(path, ".go"):
		case modules[dir]:
			return c.alone(path)
		case !listed[dir]:
			c.sayf("%s: build tags hide the whole folder; give it a doc.go without a tag", c.relative(path))
		}
		return nil
	})
	if err != nil {
		c.sayf("outside the packages: %v", err)
	}
}

func (c *checker) alone(path string) error {
	f, err := parser.ParseFile(c.fset, path, nil, parser.ImportsOnly)
	if err != nil {
		return err
	}
	for _, spec := range f.Imports {
		if strings.HasPrefix(importPath(spec)+"/", c.module+"/") {
			c.at(spec, "a nested module imports %s; it must stand alone: talk to it over a socket", importPath(spec))
		}
	}
	return nil
}
