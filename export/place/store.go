package place

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"net/http"
	"net/url"
	"os"
	"path"
	"slices"

	"github.com/minio/minio-go/v7"
	"github.com/minio/minio-go/v7/pkg/credentials"

	"onevoice/export"
)

// store keeps a history in a bucket of a store that speaks S3, under a prefix.
type store struct {
	ctx    context.Context
	client *minio.Client
	bucket string
	prefix string
}

// maxFileBytes bounds a file that is read.
const maxFileBytes = 1 << 30

const awsEndpoint = "https://s3.amazonaws.com"

func openStore(ctx context.Context, o Options, bucket, prefix string) (export.Place, error) {
	u, err := url.Parse(cmp.Or(o.Endpoint, awsEndpoint))
	if err != nil || u.Host == "" || u.Scheme != "https" && u.Scheme != "http" || u.User != nil || u.Path != "" && u.Path != "/" {
		return nil, fmt.Errorf("the endpoint is %q, allowed: a URL such as https://minio.example:9000, without a path", o.Endpoint)
	}
	keys := credentials.NewChainCredentials([]credentials.Provider{&credentials.EnvAWS{}, &credentials.EnvMinio{}, &credentials.FileAWSCredentials{}})
	// Without keys the chain gives none, and requests would go out unsigned.
	if v, err := keys.GetWithContext(nil); err != nil || v.AccessKeyID == "" {
		return nil, errors.New("there are no keys for the store: set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or AWS_SHARED_CREDENTIALS_FILE to a file that holds them")
	}
	client, err := minio.New(u.Host, &minio.Options{Creds: keys, Secure: u.Scheme == "https", Region: cmp.Or(o.Region, os.Getenv("AWS_REGION"))})
	if err != nil {
		return nil, err
	}
	return &store{ctx: ctx, client: client, bucket: bucket, prefix: prefix}, nil
}

func (s *store) key(name string) string { return path.Join(s.prefix, name) }

func (s *store) put(name string, b []byte, o minio.PutObjectOptions) (string, error) {
	o.ContentType = "application/octet-stream"
	info, err := s.client.PutObject(s.ctx, s.bucket, s.key(name), bytes.NewReader(b), int64(len(b)), o)
	return info.ETag, err
}

// Put implements export.Place.
func (s *store) Put(name string, b []byte) error {
	_, err := s.put(name, b, minio.PutObjectOptions{})
	return err
}

// Swap implements export.Place, by a conditional PUT. A store that knows no conditions keeps no second exporter away.
func (s *store) Swap(name string, b []byte, tag string) (string, error) {
	var o minio.PutObjectOptions
	if tag == "" {
		o.SetMatchETagExcept("*")
	} else {
		o.SetMatchETag(tag)
	}
	now, err := s.put(name, b, o)
	if minio.ToErrorResponse(err).StatusCode != http.StatusPreconditionFailed {
		return now, err
	}
	// It may have been ourselves: a request whose answer was lost is repeated.
	if there, now, err := s.Get(name); err == nil && bytes.Equal(there, b) {
		return now, nil
	}
	return "", export.ErrTaken
}

// Get implements export.Place.
func (s *store) Get(name string) ([]byte, string, error) {
	o, err := s.client.GetObject(s.ctx, s.bucket, s.key(name), minio.GetObjectOptions{})
	if err != nil {
		return nil, "", err
	}
	defer func() { _ = o.Close() }() // it was only read
	b, err := io.ReadAll(io.LimitReader(o, maxFileBytes+1))
	if minio.ToErrorResponse(err).Code == minio.NoSuchKey {
		return nil, "", fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	if err == nil && len(b) > maxFileBytes {
		err = fmt.Errorf("%s has more than %d bytes", name, maxFileBytes)
	}
	if err != nil {
		return nil, "", err
	}
	info, err := o.Stat()
	return b, info.ETag, err
}

// List implements export.Place.
func (s *store) List(folder string) (names []string, err error) {
	ctx, cancel := context.WithCancel(s.ctx) // the client ends its listing with it
	defer cancel()
	for o := range s.client.ListObjects(ctx, s.bucket, minio.ListObjectsOptions{Prefix: s.key(folder) + "/"}) {
		if o.Err != nil {
			return nil, o.Err
		}
		names = append(names, folder+"/"+path.Base(o.Key))
	}
	slices.Sort(names)
	return names, nil
}

// Remove implements export.Place.
func (s *store) Remove(name string) error {
	return s.client.RemoveObject(s.ctx, s.bucket, s.key(name), minio.RemoveObjectOptions{})
}
