package law

import (
	"go/ast"
	"go/types"
	"strings"
)

// bannedReplicated names packages whose results differ between processes, builds or processors.
var bannedReplicated = map[string]string{
	"unsafe":       "the value: addresses differ on each replica",
	"reflect":      "code written out for the type",
	"encoding/gob": "codec: the bytes must be the same for ever",
	"math/cmplx":   "fixed point",
}

const useSorted = "slices.Sorted(maps.Keys(m))"

// mapOrder names the functions of package maps that show the order of a map.
var mapOrder = map[string]bool{"maps.Keys": true, "maps.Values": true, "maps.All": true, "maps.DeleteFunc": true}

// sorters take a sequence and forget its order. SortedFunc does too as long as its comparison tells all elements apart.
var sorters = map[string]bool{"slices.Sorted": true, "slices.SortedFunc": true}

// replicated checks one file of a room that must compute the same on every replica.
func (c *checker) replicated(p *Package, f *File) {
	for _, spec := range f.ast.Imports {
		if use, bad := bannedReplicated[importPath(spec)]; bad {
			c.at(spec, "replicated room %s imports %q; use %s", p.room, importPath(spec), use)
		}
	}
	sorted := map[ast.Node]bool{}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		if e, ok := n.(ast.Expr); ok {
			c.float(p, e)
		}
		switch n := n.(type) {
		case *ast.RangeStmt:
			if isMap(p.info.TypeOf(n.X)) {
				c.at(n, "range over a map in replicated room %s; use %s", p.room, useSorted)
			}
		case *ast.CallExpr:
			c.call(p, n, sorted)
		case *ast.SelectorExpr:
			if name := qualified(p.info.Uses[n.Sel]); mapOrder[name] && !sorted[n] {
				c.at(n, "%s in replicated room %s shows the map's order; use %s", name, p.room, useSorted)
			}
		}
		return true
	})
}

// call marks the maps.Keys that a sorter takes, and looks into what is printed.
func (c *checker) call(p *Package, call *ast.CallExpr, sorted map[ast.Node]bool) {
	sel, ok := call.Fun.(*ast.SelectorExpr)
	if !ok {
		return
	}
	name := qualified(p.info.Uses[sel.Sel])
	if sorters[name] && len(call.Args) > 0 {
		if inner, ok := call.Args[0].(*ast.CallExpr); ok {
			sorted[inner.Fun] = true
		}
	}
	if !strings.HasPrefix(name, "fmt.") {
		return
	}
	for _, arg := range call.Args {
		if hasMap(p.info.TypeOf(arg), 4) {
			c.at(arg, "%s prints a map in replicated room %s; print the sorted keys", name, p.room)
		}
		if lit, ok := arg.(*ast.BasicLit); ok && strings.Contains(lit.Value, "%p") {
			c.at(arg, "%s prints an address in replicated room %s; print an identifier", name, p.room)
		}
	}
}

// float reports expressions and types that are floating point. Untyped constants that end as integers are not.
func (c *checker) float(p *Package, e ast.Expr) {
	basic, ok := types.Unalias(typeOf(p, e)).Underlying().(*types.Basic)
	if !ok || basic.Info()&types.IsUntyped != 0 || basic.Info()&(types.IsFloat|types.IsComplex) == 0 {
		return
	}
	c.at(e, "%s in replicated room %s; use fixed point, with the unit last in the name (Cm, E7, Ms, Permille)", basic.Name(), p.room)
}

func typeOf(p *Package, e ast.Expr) types.Type {
	if t := p.info.TypeOf(e); t != nil {
		return t
	}
	return types.Typ[types.Invalid]
}

func isMap(t types.Type) bool {
	if t == nil {
		return false
	}
	_, ok := t.Underlying().(*types.Map)
	return ok
}

// hasMap says whether printing a value of type t may print a map, looking depth types deep.
func hasMap(t types.Type, depth int) bool {
	if t == nil || depth == 0 || prints(t) {
		return false
	}
	switch u := t.Underlying().(type) {
	case *types.Map:
		return true
	case *types.Pointer:
		return hasMap(u.Elem(), depth-1)
	case *types.Slice:
		return hasMap(u.Elem(), depth-1)
	case *types.Array:
		return hasMap(u.Elem(), depth-1)
	case *types.Struct:
		for f := range u.Fields() {
			if hasMap(f.Type(), depth-1) {
				return true
			}
		}
	}
	return false
}

// prints says whether t says itself how it is printed.
func prints(t types.Type) bool {
	for _, method := range []string{"String", "Error", "Format"} {
		if o, _, _ := types.LookupFieldOrMethod(t, true, nil, method); o != nil {
			return true
		}
	}
	return false
}
