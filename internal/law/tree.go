package law

import (
	"encoding/json"
	"errors"
	"fmt"
	"go/ast"
	"go/importer"
	"go/parser"
	"go/token"
	"go/types"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
)

// Package is what go list says of one package, and what the parser made of its files.
type Package struct {
	ImportPath, Dir, Name, Export string
	DepOnly, Standard             bool
	GoFiles, CgoFiles             []string
	TestGoFiles, XTestGoFiles     []string
	IgnoredGoFiles                []string
	Module                        *struct{ Path string }
	Error                         *struct{ Err string }

	room  string
	files []*File
	types *types.Package
	info  *types.Info
}

// File is one parsed source file.
type File struct {
	path      string // relative to the root of the tree, with slashes
	ast       *ast.File
	test      bool
	generated bool
}

// Tree is a module as the checks see it.
type Tree struct {
	root, module string
	fset         *token.FileSet
	ours         []*Package
	byPath       map[string]*Package
	requires     []require
	said         []string
}

type require struct {
	Path     string
	Indirect bool
}

// Load reads the module at root. Packages that do not compile are loaded as far as they go, and reported by Check.
func Load(root string) (*Tree, error) {
	root, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	t := &Tree{root: root, fset: token.NewFileSet(), byPath: map[string]*Package{}}
	if err := t.readModule(); err != nil {
		return nil, err
	}
	const fields = "ImportPath,Dir,Name,Export,DepOnly,Standard,GoFiles,CgoFiles,TestGoFiles,XTestGoFiles,IgnoredGoFiles,Module,Error"
	out, err := t.run("list", "-e", "-export", "-deps", "-json="+fields, "./...")
	if err != nil {
		return nil, err
	}
	for dec := json.NewDecoder(strings.NewReader(out)); ; {
		p := new(Package)
		if err := dec.Decode(p); errors.Is(err, io.EOF) {
			break
		} else if err != nil {
			return nil, fmt.Errorf("go list: %w", err)
		}
		t.byPath[p.ImportPath] = p
		if p.DepOnly || p.Standard {
			continue
		}
		p.room = strings.TrimPrefix(strings.TrimPrefix(p.ImportPath, t.module), "/")
		t.ours = append(t.ours, p)
		if err := t.parse(p); err != nil {
			return nil, err
		}
	}
	t.checkTypes()
	return t, nil
}

// Rooms lists the packages of the tree by room name.
func (t *Tree) Rooms() []string {
	var rooms []string
	for _, p := range t.ours {
		rooms = append(rooms, p.room)
	}
	slices.Sort(rooms)
	return rooms
}

func (t *Tree) run(args ...string) (string, error) {
	cmd := exec.Command("go", args...)
	cmd.Dir = t.root
	out, err := cmd.Output()
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		return "", fmt.Errorf("go %s: %w\n%s", args[0], err, exit.Stderr)
	}
	return string(out), err
}

func (t *Tree) readModule() error {
	out, err := t.run("mod", "edit", "-json")
	if err != nil {
		return err
	}
	var mod struct {
		Module  struct{ Path string }
		Require []require
	}
	if err := json.Unmarshal([]byte(out), &mod); err != nil {
		return fmt.Errorf("go mod edit: %w", err)
	}
	t.module, t.requires = mod.Module.Path, mod.Require
	return nil
}

func (t *Tree) parse(p *Package) error {
	add := func(names []string, test bool) error {
		for _, name := range names {
			full := filepath.Join(p.Dir, name)
			f, err := parser.ParseFile(t.fset, full, nil, parser.ParseComments|parser.SkipObjectResolution)
			if f == nil {
				return err
			}
			p.files = append(p.files, &File{path: t.relative(full), ast: f, test: test, generated: ast.IsGenerated(f)})
		}
		return nil
	}
	return errors.Join(add(p.GoFiles, false), add(p.CgoFiles, false), add(p.TestGoFiles, true), add(p.XTestGoFiles, true))
}

// checkTypes resolves our packages from source, and those of others from the export data that the build left in its cache.
func (t *Tree) checkTypes() {
	others := importer.ForCompiler(t.fset, "gc", func(path string) (io.ReadCloser, error) {
		p, ok := t.byPath[path]
		if !ok || p.Export == "" {
			return nil, fmt.Errorf("no export data for %s", path)
		}
		return os.Open(p.Export)
	})
	for _, p := range t.ours { // go list -deps gives a package after all that it imports
		var first error
		conf := types.Config{
			Importer:    sourceFirst{t, others},
			FakeImportC: true,
			Error: func(err error) {
				if first == nil {
					first = err
				}
			},
		}
		p.info = &types.Info{
			Types: map[ast.Expr]types.TypeAndValue{}, Uses: map[*ast.Ident]types.Object{},
			Defs: map[*ast.Ident]types.Object{},
		}
		var files []*ast.File
		for _, f := range p.files {
			if !f.test {
				files = append(files, f.ast)
			}
		}
		p.types, _ = conf.Check(p.ImportPath, t.fset, files, p.info)
		switch {
		case first != nil:
			t.sayf("%s: does not compile, so the other findings may be incomplete: %v", p.room, first)
		case p.Error != nil:
			t.sayf("%s: %s", p.room, p.Error.Err)
		}
	}
}

type sourceFirst struct {
	tree   *Tree
	others types.Importer
}

func (i sourceFirst) Import(path string) (*types.Package, error) {
	if p, ok := i.tree.byPath[path]; ok && p.types != nil {
		return p.types, nil
	}
	return i.others.Import(path)
}

func (t *Tree) relative(full string) string {
	if rel, err := filepath.Rel(t.root, full); err == nil {
		return filepath.ToSlash(rel)
	}
	return full
}

func (t *Tree) sayf(format string, args ...any) {
	t.said = append(t.said, fmt.Sprintf(format, args...))
}

func (t *Tree) at(n ast.Node, format string, args ...any) {
	pos := t.fset.Position(n.Pos())
	t.sayf("%s:%d: %s", t.relative(pos.Filename), pos.Line, fmt.Sprintf(format, args...))
}
