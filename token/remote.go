package token

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"net/netip"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	"onevoice/internal/fresh"
)

// KeySet is a JSON Web Key Set that an issuer publishes.
type KeySet struct {
	// URL is https, or http to a loopback address: whoever could change an answer on its way could make any token.
	URL string
	// IDs are the kid of the keys that are taken, up to 16; all where empty.
	IDs []string
	// Refresh is how often the set is asked for: MinRefresh to MaxRefresh.
	Refresh time.Duration
}

const (
	// MinRefresh and MaxRefresh bound how often a key set is asked for.
	MinRefresh, MaxRefresh = time.Second, time.Hour
	// MaxStale is how long keys are believed while their issuer cannot be asked. A key that was taken back is believed no longer
	// than that, and an outage of the issuer has that time to end.
	MaxStale = 24 * time.Hour
	// askTimeout bounds one question for a key set.
	askTimeout = 10 * time.Second
)

// remote holds the newest good keys of a key set.
type remote struct {
	of     KeySet
	client *http.Client
	now    func() time.Time
	log    *slog.Logger

	value          atomic.Pointer[fetched]
	taken, refused atomic.Uint64
	failing        bool // told in the log; of run
}

// fetched are keys and when they were last known to be the newest.
type fetched struct {
	keys    *Keys
	content string
	at      time.Time
}

func newRemote(of KeySet, now func() time.Time, log *slog.Logger) (*remote, error) {
	u, err := url.Parse(of.URL)
	if err != nil || u.Host == "" || u.User != nil || u.Scheme != "https" && (u.Scheme != "http" || !isLoopback(u.Hostname())) {
		return nil, errors.New("the key set's address is not in a form that is safe, allowed: https://HOST/PATH without a password, or http:// to a loopback address")
	}
	if of.Refresh < MinRefresh || of.Refresh > MaxRefresh {
		return nil, fmt.Errorf("the key set is to be asked for every %v, allowed: %v to %v", of.Refresh, MinRefresh, MaxRefresh)
	}
	if len(of.IDs) > maxKeys {
		return nil, fmt.Errorf("%d identifiers of keys, allowed: up to %d", len(of.IDs), maxKeys)
	}
	client := &http.Client{Timeout: askTimeout, CheckRedirect: func(*http.Request, []*http.Request) error {
		return errors.New("the key set is elsewhere, allowed: an address that does not redirect")
	}}
	return &remote{of: of, client: client, now: now, log: log}, nil
}

func isLoopback(host string) bool {
	if host == "localhost" {
		return true
	}
	ip, err := netip.ParseAddr(host)
	return err == nil && ip.IsLoopback()
}

// get is the newest good keys; nil where there are none, or they are older than MaxStale.
func (r *remote) get() *Keys {
	f := r.value.Load()
	if f == nil || r.now().Sub(f.at) > MaxStale {
		return nil
	}
	return f.keys
}

// run asks at once, then each Refresh, and when hup brings something.
func (r *remote) run(ctx context.Context, hup <-chan os.Signal) {
	ticker := time.NewTicker(r.of.Refresh)
	defer ticker.Stop()
	for {
		r.check(ctx)
		select {
		case <-ctx.Done():
			return
		case <-ticker.C:
		case <-hup:
		}
	}
}

// check asks for the keys. What is there stays where nothing good comes; that is told once.
func (r *remote) check(ctx context.Context) {
	next, err := r.fetch(ctx)
	if ctx.Err() != nil {
		return
	}
	if err != nil {
		r.refused.Add(1)
		if !r.failing {
			r.failing = true
			r.log.Error("the key set for tokens cannot be used, the old keys stay in use", "from", r.of.URL, "why", err.Error(), "at_most", MaxStale)
		}
		return
	}
	if r.failing {
		r.failing = false
		r.log.Info("the key set for tokens can be used again", "from", r.of.URL)
	}
	if old := r.value.Load(); old != nil && old.content == next.content {
		next.keys = old.keys // so that tokens that are remembered stay so
	} else {
		r.taken.Add(1)
		r.log.Info("new keys for tokens are in use", "from", r.of.URL, "keys", len(next.keys.all))
	}
	r.value.Store(next)
}

func (r *remote) fetch(ctx context.Context) (*fetched, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, r.of.URL, nil)
	if err != nil {
		return nil, err
	}
	request.Header.Set("Accept", "application/jwk-set+json, application/json")
	answer, err := r.client.Do(request)
	if err != nil {
		return nil, err
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		return nil, fmt.Errorf("status %d, allowed: 200", answer.StatusCode)
	}
	content, err := io.ReadAll(io.LimitReader(answer.Body, fresh.MaxFileBytes+1))
	if err != nil {
		return nil, err
	}
	if len(content) > fresh.MaxFileBytes {
		return nil, fmt.Errorf("a key set of more than %d bytes", fresh.MaxFileBytes)
	}
	keys := new(Keys)
	if err := keys.readSet(content, r.wanted); err != nil {
		return nil, err
	}
	if n := len(keys.all); n == 0 || n > maxKeys {
		return nil, fmt.Errorf("%d keys that can be used, allowed: 1 to %d%s", n, maxKeys, r.named())
	}
	return &fetched{keys: keys, content: string(content), at: r.now()}, nil
}

func (r *remote) wanted(id string) bool { return len(r.of.IDs) == 0 || slices.Contains(r.of.IDs, id) }

func (r *remote) named() string {
	if len(r.of.IDs) == 0 {
		return ""
	}
	return " of the kid " + strings.Join(r.of.IDs, ", ")
}
