package law

import (
	"go/ast"
	"go/token"
	"maps"
	"slices"
	"strconv"
	"strings"
)

// imports checks what a package imports of ours and of others.
func (c *checker) imports(p *Package, room Room) {
	may := strings.Fields(room.May)
	idle := maps.Clone(room.Uses)
	unused := slices.DeleteFunc(slices.Clone(may), func(name string) bool { return name == Anything })
	if len(p.CgoFiles) > 0 {
		c.sayf("%s: uses cgo; write it in Go", p.room)
	}
	for _, f := range p.files {
		for _, spec := range f.ast.Imports {
			path := importPath(spec)
			ours, isOurs := strings.CutPrefix(path, c.module+"/")
			if !f.test {
				unused = slices.DeleteFunc(unused, func(name string) bool { return name == ours })
			}
			switch {
			case isOurs && (f.test || slices.Contains(may, ours) || slices.Contains(may, Anything) || c.rules.everyone(ours)):
			case isOurs:
				c.at(spec, "%s may not import %s; put an interface where it is used, or add %[2]s to its row in the table if the arrow is right", p.room, ours)
			case isStandard(path):
			default:
				c.others(room, f, spec, path)
				module, _ := longest(room.Uses, path)
				delete(idle, module)
			}
		}
	}
	if p.room != room.Name {
		return
	}
	for module := range idle {
		c.sayf("table: %s may use %s and does not; remove it from the room's Uses", room.Name, module)
	}
	for _, name := range unused {
		c.sayf("table: %s may import %s and does not; remove it from the room's May", room.Name, name)
	}
}

func (c *checker) others(room Room, f *File, spec *ast.ImportSpec, path string) {
	if _, ok := longest(room.Uses, path); ok {
		return
	}
	if _, ok := longest(c.rules.TestUses, path); ok && f.test {
		return
	}
	if f.test {
		c.at(spec, "a test of %s imports %s; use the standard library, or name the module in TestUses with the reason", room.Name, path)
		return
	}
	c.at(spec, "%s imports %s; use the standard library, or name the module in the room's Uses with the reason", room.Name, path)
}

func importPath(spec *ast.ImportSpec) string {
	path, _ := strconv.Unquote(spec.Path.Value)
	return path
}

// isStandard tells paths of the standard library: their first element has no dot.
func isStandard(path string) bool {
	first, _, _ := strings.Cut(path, "/")
	return !strings.Contains(first, ".")
}

// longest finds the longest path of modules that an import path is in.
func longest[V any](modules map[string]V, path string) (string, bool) {
	best := ""
	for m := range modules {
		if (path == m || strings.HasPrefix(path, m+"/")) && len(m) > len(best) {
			best = m
		}
	}
	return best, best != ""
}

// importName is the name under which a file knows an imported package, empty if it does not import it.
func importName(f *ast.File, path string) string {
	for _, spec := range f.Imports {
		if importPath(spec) != path {
			continue
		}
		if spec.Name != nil {
			return spec.Name.Name
		}
		return path[strings.LastIndex(path, "/")+1:]
	}
	return ""
}

// isCall says whether n calls pkg.name, where pkg is a file's name for a package.
func isCall(n ast.Node, pkg, name string) bool {
	call, ok := n.(*ast.CallExpr)
	if !ok || pkg == "" {
		return false
	}
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok || sel.Sel.Name != name {
		return false
	}
	x, ok := sel.X.(*ast.Ident)
	return ok && x.Name == pkg
}

// isReceive says whether n receives from a channel.
func isReceive(n ast.Node) bool {
	u, ok := n.(*ast.UnaryExpr)
	return ok && u.Op == token.ARROW
}
