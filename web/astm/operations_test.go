package astm

import (
	"bufio"
	"errors"
	"io/fs"
	"net/http"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"onevoice/problem"
	"onevoice/subject"
)

// TestOperationsAreThoseOfTheDescriptions reads what the descriptions, where they are there, say of paths, names and scopes.
func TestOperationsAreThoseOfTheDescriptions(t *testing.T) {
	for _, one := range []struct {
		file, prefix string
		ours         []Operation
		want         int
	}{
		{"f3548-21_utm_interuss_requested_ovn.yaml", "", f3548(), 18},
		{"f3411-22a_rid_v2_updated.yaml", "/rid/v2", rid22(), 10},
		{"f3411-19_rid_v1_augmented.yaml", "", rid19(), 10},
		{"dss_aux.yaml", "", aux(), 8},
		{"interuss_versioning.yaml", "", versions(), 1},
	} {
		if len(one.ours) != one.want {
			t.Errorf("%s: %d operations, want %d", one.file, len(one.ours), one.want)
		}
		theirs, err := described(filepath.Join("..", "..", "..", "shared", "openapi", one.file), one.prefix)
		if errors.Is(err, fs.ErrNotExist) {
			t.Skip("the interface descriptions are not here")
		}
		if err != nil {
			t.Fatal(err)
		}
		sortByPath(theirs)
		sortByPath(one.ours)
		if !slices.Equal(one.ours, theirs) {
			t.Errorf("%s:\nours   %v\ntheirs %v", one.file, one.ours, theirs)
		}
	}
}

func sortByPath(list []Operation) {
	slices.SortFunc(list, func(a, b Operation) int { return strings.Compare(a.Path+a.Method, b.Path+b.Method) })
}

// described takes the operations of a description by its lines: paths at two spaces, methods at four, their fields at six.
func described(name, prefix string) ([]Operation, error) {
	f, err := os.Open(name)
	if err != nil {
		return nil, err
	}
	defer f.Close()
	var list []Operation
	var path string
	var secured bool
	lines := bufio.NewScanner(f)
	for lines.Scan() {
		text := strings.TrimSpace(lines.Text())
		indent := len(lines.Text()) - len(strings.TrimLeft(lines.Text(), " "))
		name := strings.TrimSuffix(text, ":")
		operation := len(list) > 0 && strings.HasPrefix(list[len(list)-1].Path, prefix+path) && path != ""
		switch word, isItem := strings.CutPrefix(text, "- "); {
		case indent == 0 && text != "", indent == 2 && text != "":
			path, secured = "", false
			if strings.HasPrefix(name, "/") && !strings.Contains(name, "/uss/") {
				path = name
			}
		case path == "":
		case indent == 4 && slices.Contains([]string{"get", "put", "post", "delete"}, name):
			list, secured = append(list, Operation{Method: strings.ToUpper(name), Path: prefix + path}), false
		case !operation:
		case secured && isItem && strings.HasSuffix(word, ":"):
			if last := &list[len(list)-1]; last.Scopes != "" {
				last.Scopes += between
			}
		case secured && isItem && indent >= 8:
			last := &list[len(list)-1]
			if last.Scopes != "" && !strings.HasSuffix(last.Scopes, between) {
				last.Scopes += " "
			}
			last.Scopes += word
		case indent == 6:
			secured = name == "security"
			if id, ok := strings.CutPrefix(text, "operationId: "); ok {
				list[len(list)-1].Name = id
			}
		}
	}
	return list, lines.Err()
}

// TestOperationsFitOneServer lets net/http judge the patterns, and looks at the names.
func TestOperationsFitOneServer(t *testing.T) {
	mux := http.NewServeMux()
	for _, o := range Operations() {
		mux.HandleFunc(o.Method+" "+o.Path, func(http.ResponseWriter, *http.Request) {})
		if o.Name == "" {
			t.Errorf("%s %s has no name", o.Method, o.Path)
		}
	}
}

func TestScopes(t *testing.T) {
	o := Operation{Name: "put", Scopes: "a | b c"}
	by := func(scope string) subject.Subject {
		return subject.Subject{Name: "uss1", Kind: subject.Client, Scope: scope, Via: subject.ByToken}
	}
	for scope, want := range map[string]bool{"a": true, "x a": true, "b": false, "b c": true, "c x b": true, "": false, "ab": false, "A": false, "a,b": false, "|": false} {
		p := o.Check(by(scope))
		if (p == nil) != want || p != nil && p.Kind != problem.Forbidden {
			t.Errorf("scope %q: %v", scope, p)
		}
	}
	nameless, certified := by("a"), by("a")
	nameless.Name, certified.Via = "", subject.ByCertificate
	for _, who := range []subject.Subject{subject.Anonymous(), subject.Loopback(), nameless, certified} {
		if p := o.Check(who); p == nil || p.Kind != problem.Unauthenticated {
			t.Errorf("%v: %v", who, p)
		}
	}
	if p := (&Operation{Name: "version"}).Check(subject.Anonymous()); p != nil {
		t.Error(p)
	}
}
