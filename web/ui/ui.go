// Package ui holds the page as files, embedded in the binary.
// It is loud: it is a part of web, and reads its files when the program starts.
//
// The page is plain HTML, CSS and JavaScript without a build step. It knows the service by /api/v1 only.
package ui

import (
	"embed"
	"path"
)

//go:embed index.html *.css *.js
var files embed.FS

// File gives one file of the page with its media type; false where there is none of that name.
func File(name string) (body []byte, kind string, ok bool) {
	body, err := files.ReadFile(name)
	if err != nil {
		return nil, "", false
	}
	switch path.Ext(name) {
	case ".html":
		kind = "text/html; charset=utf-8"
	case ".css":
		kind = "text/css; charset=utf-8"
	case ".js":
		kind = "text/javascript; charset=utf-8"
	}
	return body, kind, kind != ""
}
