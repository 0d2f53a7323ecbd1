package law

import (
	"go/ast"
	"regexp"
	"strings"
)

// packageComment checks that exactly one file says what the package is, and of which kind.
func (c *checker) packageComment(p *Package, room Room) {
	var docs []*ast.CommentGroup
	for _, f := range p.files {
		if f.ast.Doc != nil && (!f.test || len(p.GoFiles) == 0) {
			docs = append(docs, f.ast.Doc)
		}
	}
	switch len(docs) {
	case 0:
		c.sayf("%s: no package comment; say in one file what it is, and \"It is %s: ...\"", p.room, room.Kind)
		return
	case 1:
	default:
		c.at(docs[1], "second package comment of %s; keep one, in doc.go or the main file", p.room)
	}
	if word := regexp.MustCompile(`(?i)\b` + string(room.Kind) + `\b`); !word.MatchString(docs[0].Text()) {
		c.at(docs[0], "the package comment of %s does not say that it is %s; add \"It is %[2]s: ...\"", p.room, room.Kind)
	}
}

// exported checks that each exported name has a comment: functions, types, methods of exported types one by one, constants
// and variables at least by group.
func (c *checker) exported(f *File) {
	for _, d := range f.ast.Decls {
		switch d := d.(type) {
		case *ast.FuncDecl:
			if d.Name.IsExported() && exportedReceiver(d) && empty(d.Doc) {
				c.undocumented(d, d.Name)
			}
		case *ast.GenDecl:
			for _, spec := range d.Specs {
				c.exportedSpec(d, spec)
			}
		}
	}
}

func (c *checker) exportedSpec(d *ast.GenDecl, spec ast.Spec) {
	switch s := spec.(type) {
	case *ast.TypeSpec:
		if s.Name.IsExported() && empty(s.Doc) && (d.Lparen.IsValid() || empty(d.Doc)) {
			c.undocumented(s, s.Name)
		}
	case *ast.ValueSpec:
		for _, name := range s.Names {
			if name.IsExported() && empty(d.Doc) && empty(s.Doc) && empty(s.Comment) {
				c.undocumented(name, name)
			}
		}
	}
}

func (c *checker) undocumented(n ast.Node, name *ast.Ident) {
	c.at(n, "exported %s has no comment; say what it means, its unit, range and errors", name.Name)
}

func empty(doc *ast.CommentGroup) bool { return doc == nil || strings.TrimSpace(doc.Text()) == "" }

func exportedReceiver(d *ast.FuncDecl) bool {
	if d.Recv == nil || len(d.Recv.List) == 0 {
		return true
	}
	t := d.Recv.List[0].Type
	for {
		switch u := t.(type) {
		case *ast.StarExpr:
			t = u.X
		case *ast.IndexExpr:
			t = u.X
		case *ast.IndexListExpr:
			t = u.X
		case *ast.Ident:
			return u.IsExported()
		default:
			return true
		}
	}
}
