package law

import (
	"go/ast"
	"go/parser"
	"go/token"
	"go/types"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// versionName matches constants that number a format or a machine version.
var versionName = regexp.MustCompile(`(?i)(version|format)$`)

// noVersions are the laboratories, whose formats no server stores or sends, and a build that is made to be told apart.
var noVersions = regexp.MustCompile(`^(lab|bench|examples|internal/law|store/storetest|airspace/version_next\.go)`)

// TestTableOfVersions holds docs/versions.md against the constants: who changes a format has to say what an older build does.
func TestTableOfVersions(t *testing.T) {
	root := filepath.Join("..", "..")
	doc, err := os.ReadFile(filepath.Join(root, "docs", "versions.md"))
	if err != nil {
		t.Fatal(err)
	}
	told := map[string]string{}
	for _, row := range regexp.MustCompile("(?m)^\\| `([^`]+)` \\| ([^|]+) \\|").FindAllStringSubmatch(string(doc), -1) {
		told[row[1]] = row[2]
	}
	found := versionsIn(t, root)
	if len(found) < 12 {
		t.Errorf("only %d versions found: %v", len(found), found)
	}
	for _, name := range slices.Sorted(maps.Keys(found)) {
		if told[name] != found[name] {
			t.Errorf("%s is %s in the source and %q in docs/versions.md", name, found[name], told[name])
		}
		delete(told, name)
	}
	for name := range told {
		t.Errorf("%s stands in docs/versions.md, and is no constant", name)
	}
}

// versionsIn lists the constants as package.name with their values as written.
func versionsIn(t *testing.T, root string) map[string]string {
	t.Helper()
	found := map[string]string{}
	err := filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		name, err := filepath.Rel(root, path)
		if err != nil || noVersions.MatchString(filepath.ToSlash(name)) || strings.HasPrefix(d.Name(), ".") && d.Name() != ".." {
			if d.IsDir() && name != "." {
				return fs.SkipDir
			}
			return err
		}
		if d.IsDir() || !strings.HasSuffix(name, ".go") || strings.HasSuffix(name, "_test.go") {
			return nil
		}
		file, err := parser.ParseFile(token.NewFileSet(), path, nil, 0)
		if err != nil {
			return err
		}
		for _, decl := range file.Decls {
			if g, ok := decl.(*ast.GenDecl); ok && g.Tok == token.CONST {
				addVersions(found, file.Name.Name, g)
			}
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return found
}

func addVersions(found map[string]string, room string, g *ast.GenDecl) {
	for _, spec := range g.Specs {
		v := spec.(*ast.ValueSpec)
		for i, name := range v.Names {
			if i >= len(v.Values) || !versionName.MatchString(name.Name) {
				continue
			}
			value := types.ExprString(v.Values[i])
			if !strings.HasPrefix(value, `"`) {
				found[room+"."+name.Name] = value
			}
		}
	}
}
