package law

import (
	"go/ast"
	"go/token"
	"go/types"
	"strings"
)

// bannedPackages names what a quiet room may not import, with all below it, and what it uses instead.
var bannedPackages = map[string]string{
	"os":           "step.Out.Writes, or take bytes or an io.Reader",
	"io/ioutil":    "an io.Reader",
	"net":          "step.Out.Sends",
	"log":          "step.Out.Facts",
	"sync":         "one owner: only one goroutine calls a machine",
	"context":      "a call that returns at once; there is nothing to cancel",
	"runtime":      "nothing of the machine it runs on",
	"syscall":      "step.Out",
	"crypto/rand":  "a *rand.Rand given to the constructor",
	"hash/maphash": "hash/fnv or crypto/sha256: maphash differs in each process",
	"testing":      "a _test.go file",
}

// pureBelow are packages under a banned one that do no more than compute.
var pureBelow = map[string]bool{"net/netip": true, "net/url": true}

// bannedNames names functions and variables that reach a clock, a file or global state.
var bannedNames = map[string]string{
	"time.Now": useNow, "time.Since": useNow, "time.Until": useNow,
	"time.Sleep": useTick, "time.After": useTick, "time.AfterFunc": useTick, "time.Tick": useTick,
	"time.NewTimer": useTick, "time.NewTicker": useTick, "time.Timer": useTick, "time.Ticker": useTick,
	"time.Local": useUTC, "time.LoadLocation": useUTC,
	"fmt.Print": usePrint, "fmt.Println": usePrint, "fmt.Printf": usePrint,
	"fmt.Scan": usePrint, "fmt.Scanln": usePrint, "fmt.Scanf": usePrint,
	"path/filepath.Walk": useFiles, "path/filepath.WalkDir": useFiles, "path/filepath.Glob": useFiles, "path/filepath.Abs": useFiles,
	"path/filepath.EvalSymlinks": useFiles,
	"iter.Pull":                  usePull, "iter.Pull2": usePull,
}

const (
	useNow   = "the now argument of Step"
	useTick  = "the now argument: count it in Step, a Tick comes every step.TickNs"
	useUTC   = "int64 nanoseconds UTC"
	usePrint = "step.Out.Facts, or return the text"
	useFiles = "bytes or an io.Reader"
	usePull  = "range over the sequence: a pull is a goroutine"
)

// makesSource are the functions of math/rand and math/rand/v2 that touch no global state.
var makesSource = map[string]bool{"New": true, "NewSource": true, "NewPCG": true, "NewChaCha8": true, "NewZipf": true}

// quiet checks one file of a room that has no goroutine, clock, file, socket, lock or chance of its own.
func (c *checker) quiet(p *Package, f *File) {
	for _, spec := range f.ast.Imports {
		path := importPath(spec)
		for banned, use := range bannedPackages {
			if (path == banned || strings.HasPrefix(path, banned+"/")) && !pureBelow[path] {
				c.at(spec, "quiet room %s imports %q; use %s", p.room, path, use)
			}
		}
	}
	for _, d := range f.ast.Decls {
		c.quietDecl(p, d)
	}
	ast.Inspect(f.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			c.at(n, "goroutine in quiet room %s; return what is to be done in step.Out", p.room)
		case *ast.SelectStmt:
			c.at(n, "select in quiet room %s; take one input at a time in Step", p.room)
		case *ast.ChanType, *ast.SendStmt:
			c.at(n, "channel in quiet room %s; return what is to be sent in step.Out", p.room)
		case *ast.UnaryExpr:
			if isReceive(n) {
				c.at(n, "channel in quiet room %s; take what comes as an input of Step", p.room)
			}
		case *ast.Ident:
			c.quietName(p, n)
		}
		return true
	})
}

func (c *checker) quietDecl(p *Package, d ast.Decl) {
	switch d := d.(type) {
	case *ast.FuncDecl:
		if d.Recv == nil && d.Name.Name == "init" {
			c.at(d, "init in quiet room %s; do it in a constructor", p.room)
		}
	case *ast.GenDecl:
		if d.Tok != token.VAR {
			return
		}
		for _, spec := range d.Specs {
			if s, ok := spec.(*ast.ValueSpec); ok && !c.fixed(p, s) {
				c.at(s, "package variable %s in quiet room %s; make it a const, a field, or a function that returns it (errors.New and var _ I = T{} are allowed)", s.Names[0].Name, p.room)
			}
		}
	}
}

// fixed says whether a package variable can only be what it was declared: an error made by errors.New, or a check that a
// type has an interface.
func (c *checker) fixed(p *Package, s *ast.ValueSpec) bool {
	for i, name := range s.Names {
		if name.Name == "_" && s.Type != nil {
			continue
		}
		if i >= len(s.Values) {
			return false
		}
		call, ok := s.Values[i].(*ast.CallExpr)
		if !ok {
			return false
		}
		sel, ok := call.Fun.(*ast.SelectorExpr)
		if !ok || qualified(p.info.Uses[sel.Sel]) != "errors.New" {
			return false
		}
	}
	return true
}

func (c *checker) quietName(p *Package, id *ast.Ident) {
	name := qualified(p.info.Uses[id])
	if use, bad := bannedNames[name]; bad {
		c.at(id, "%s in quiet room %s; use %s", name, p.room, use)
	}
	for _, rand := range []string{"math/rand.", "math/rand/v2."} {
		fn, ok := strings.CutPrefix(name, rand)
		if _, isFunc := p.info.Uses[id].(*types.Func); ok && isFunc && !makesSource[fn] {
			c.at(id, "%s in quiet room %s draws from the process; use a *rand.Rand given to the constructor", name, p.room)
		}
	}
}

// qualified is the path and name of an object at package level, empty for others (methods, fields, locals).
func qualified(o types.Object) string {
	if o == nil || o.Pkg() == nil || o.Parent() != o.Pkg().Scope() {
		return ""
	}
	return o.Pkg().Path() + "." + o.Name()
}
