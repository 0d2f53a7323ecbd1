package place

import (
	"bufio"
	"crypto/md5"
	"encoding/hex"
	"encoding/xml"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
)

// bucket is a store of one bucket that speaks as much of S3 as an exporter needs, with conditional writes.
type bucket struct {
	mu    sync.Mutex
	files map[string][]byte
	lose  int // answers of writes to lose, after they took effect
}

func newBucket(t *testing.T) (*bucket, string) {
	b := &bucket{files: map[string][]byte{}}
	server := httptest.NewServer(b)
	t.Cleanup(server.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "someone")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	return b, server.URL
}

func fault(w http.ResponseWriter, status int, code string) {
	w.Header().Set("Content-Type", "application/xml")
	w.WriteHeader(status)
	fmt.Fprintf(w, "<Error><Code>%s</Code><Message>%s</Message></Error>", code, code)
}

func etagOf(b []byte) string {
	sum := md5.Sum(b)
	return `"` + hex.EncodeToString(sum[:]) + `"`
}

// ServeHTTP implements http.Handler.
func (b *bucket) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if !strings.Contains(r.Header.Get("Authorization"), "Credential=someone/") {
		fault(w, http.StatusForbidden, "AccessDenied")
		return
	}
	key, found := strings.CutPrefix(r.URL.Path, "/sky/")
	if !found {
		fault(w, http.StatusNotFound, "NoSuchBucket")
		return
	}
	held, there := b.files[key]
	switch {
	case r.URL.Query().Has("location"):
		fmt.Fprint(w, `<LocationConstraint xmlns="http://s3.amazonaws.com/doc/2006-03-01/">us-east-1</LocationConstraint>`)
	case key == "":
		b.list(w, r.URL.Query())
	case r.Method == http.MethodPut:
		b.put(w, r, key)
	case r.Method == http.MethodDelete:
		delete(b.files, key)
		w.WriteHeader(http.StatusNoContent)
	case !there:
		fault(w, http.StatusNotFound, "NoSuchKey")
	default:
		w.Header().Set("ETag", etagOf(held))
		w.Header().Set("Last-Modified", "Wed, 01 Aug 2018 05:00:00 GMT")
		w.Header().Set("Content-Length", strconv.Itoa(len(held)))
		if r.Method == http.MethodGet {
			_, _ = w.Write(held)
		}
	}
}

func (b *bucket) put(w http.ResponseWriter, r *http.Request, key string) {
	held, there := b.files[key]
	if match := r.Header.Get("If-Match"); match != "" && (!there || strings.Trim(match, `"`) != strings.Trim(etagOf(held), `"`)) ||
		r.Header.Get("If-None-Match") != "" && there {
		fault(w, http.StatusPreconditionFailed, "PreconditionFailed")
		return
	}
	body, err := unchunked(r)
	if err != nil {
		fault(w, http.StatusBadRequest, "IncompleteBody")
		return
	}
	b.files[key] = body
	if b.lose > 0 {
		b.lose--
		panic(http.ErrAbortHandler)
	}
	w.Header().Set("ETag", etagOf(body))
}

// unchunked reads a body, which clients may send in signed pieces.
func unchunked(r *http.Request) ([]byte, error) {
	if !strings.Contains(r.Header.Get("Content-Encoding"), "aws-chunked") && !strings.HasPrefix(r.Header.Get("X-Amz-Content-Sha256"), "STREAMING-") {
		return io.ReadAll(r.Body)
	}
	in := bufio.NewReader(r.Body)
	var body []byte
	for {
		line, err := in.ReadString('\n')
		if err != nil {
			return nil, err
		}
		size, _, _ := strings.Cut(strings.TrimSpace(line), ";")
		n, err := strconv.ParseInt(size, 16, 32)
		if err != nil || n == 0 {
			return body, err
		}
		piece := make([]byte, n+2)
		if _, err := io.ReadFull(in, piece); err != nil {
			return nil, err
		}
		body = append(body, piece[:n]...)
	}
}

// pageKeys makes listings come in pages.
const pageKeys = 2

func (b *bucket) list(w http.ResponseWriter, q url.Values) {
	type content struct {
		Key          string
		ETag         string
		Size         int
		LastModified string
	}
	var page struct {
		XMLName               xml.Name `xml:"ListBucketResult"`
		IsTruncated           bool
		NextContinuationToken string `xml:",omitempty"`
		Contents              []content
	}
	var keys []string
	for key := range b.files {
		if strings.HasPrefix(key, q.Get("prefix")) && key > q.Get("continuation-token") {
			keys = append(keys, key)
		}
	}
	slices.Sort(keys)
	if len(keys) > pageKeys {
		keys, page.IsTruncated, page.NextContinuationToken = keys[:pageKeys], true, keys[pageKeys-1]
	}
	for _, key := range keys {
		page.Contents = append(page.Contents, content{key, etagOf(b.files[key]), len(b.files[key]), "2018-08-01T05:00:00Z"})
	}
	_ = xml.NewEncoder(w).Encode(page)
}
