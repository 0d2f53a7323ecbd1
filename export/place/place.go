// Package place keeps histories in directories and in S3-compatible stores.
// It is loud: files and sockets.
package place

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"net/url"
	"strings"

	"onevoice/export"
)

// Options say where a history is.
type Options struct {
	// To is a directory, or s3://BUCKET/PREFIX.
	To string
	// Endpoint is the URL of the store that speaks S3; https://s3.amazonaws.com where empty. Its keys come from the environment
	// (AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or MINIO_ACCESS_KEY and MINIO_SECRET_KEY) or from the file that AWS's tools read.
	Endpoint string
	// Region is the store's; AWS_REGION where empty.
	Region string
	// Write says that the history is written: a directory is made, and locked against a second exporter on this machine.
	Write bool
}

// Open opens a place; it is used until ctx ends. The directory's lock goes with the process.
func Open(ctx context.Context, o Options) (export.Place, error) {
	if !strings.Contains(o.To, "://") {
		if o.Endpoint != "" || o.Region != "" {
			return nil, fmt.Errorf("%s is a directory, which has no endpoint and no region", o.To)
		}
		return openDir(o.To, o.Write)
	}
	u, err := url.Parse(o.To)
	if err != nil || u.Scheme != "s3" || u.Host == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return nil, fmt.Errorf("%q is no place for a history, allowed: a directory, or s3://BUCKET/PREFIX", o.To)
	}
	return openStore(ctx, o, u.Host, strings.Trim(u.Path, "/"))
}

func tagOf(b []byte) string {
	s := sha256.Sum256(b)
	return hex.EncodeToString(s[:])
}
