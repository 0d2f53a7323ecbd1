package law

import (
	"go/ast"
	"go/token"
	"regexp"
	"slices"
)

const (
	// maxFunc is where a function no longer fits on a screen and in a head. The models' median is 7 to 11 lines.
	maxFunc = 70
	// maxFile is where a file surely does more than one thing. The models' median is 100 to 200 lines.
	maxFile = 700
)

const useCondition = "a test sleeps; wait for the condition itself, or let time pass inside synctest.Test"

var leftover = regexp.MustCompile(`\b(TODO|FIXME|XXX|HACK)\b`)

// text checks what does not depend on the kind of a room: leftovers and sizes.
func (c *checker) text(f *File) {
	for _, group := range f.ast.Comments {
		for _, line := range group.List {
			if word := leftover.FindString(line.Text); word != "" {
				c.at(line, "%s left in a comment; do it now, or open an issue and delete the line", word)
			}
		}
	}
	if f.generated {
		return
	}
	if n := c.line(f.ast.FileEnd); n > maxFile && !c.excuse(f.path) {
		c.sayf("%s: %d lines, over %d; split it by what changes together", f.path, n, maxFile)
	}
	for _, d := range f.ast.Decls {
		fn, ok := d.(*ast.FuncDecl)
		if !ok {
			continue
		}
		if n := c.line(fn.End()) - c.line(fn.Pos()) + 1; n > maxFunc && !c.excuse(f.path+":"+fn.Name.Name) {
			c.at(fn, "function %s has %d lines, over %d; split it by the questions it answers, or excuse %s:%[1]s in the table", fn.Name.Name, n, maxFunc, f.path)
		}
	}
}

func (c *checker) line(pos token.Pos) int { return c.fset.Position(pos).Line }

func (c *checker) excuse(where string) bool {
	c.excused[where] = true
	return slices.ContainsFunc(c.rules.Excuses, func(e Excuse) bool { return e.Where == where && e.Why != "" })
}

// idleExcuses reports excuses that nothing needs any more, or that give no reason.
func (c *checker) idleExcuses() {
	for _, e := range c.rules.Excuses {
		if !c.excused[e.Where] {
			c.sayf("table: nothing needs the excuse for %s; remove it", e.Where)
		}
	}
}

// sleeps checks that a test waits for what it waits for. Inside synctest.Test a sleep is how virtual time passes.
func (c *checker) sleeps(f *File) {
	clock, bubble := importName(f.ast, "time"), importName(f.ast, "testing/synctest")
	deadlines := map[ast.Node]bool{} // a select may wait for a deadline
	ast.Inspect(f.ast, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.CommClause:
			deadlines[n.Comm] = true
		case *ast.CallExpr:
			if isCall(n, bubble, "Test") {
				return false
			}
			if isCall(n, clock, "Sleep") {
				c.at(n, useCondition)
			}
		case *ast.ExprStmt:
			if u, ok := n.X.(*ast.UnaryExpr); ok && isReceive(u) && isCall(u.X, clock, "After") && !deadlines[n] {
				c.at(n, useCondition)
			}
		}
		return true
	})
}
