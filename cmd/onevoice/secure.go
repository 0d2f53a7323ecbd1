package main

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"os"
	"os/signal"
	"strings"
	"sync"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"onevoice/airspace"
	"onevoice/cert"
	"onevoice/host"
	"onevoice/internal/cluster"
	"onevoice/internal/fresh"
	"onevoice/lease"
	"onevoice/problem"
	"onevoice/subject"
	"onevoice/token"
	"onevoice/web"
	"onevoice/wire"
)

// proofOptions are the flags by which a server proves itself and believes others.
type proofOptions struct {
	files     cert.Files
	keys      []string
	set       token.KeySet
	audiences []string
	issuedFor string
}

func (o *proofOptions) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&o.files.CA, "ca", "", "certificates of the authorities that are believed; with --cert and --key")
	f.StringVar(&o.files.Cert, "cert", "", "this server's certificate")
	f.StringVar(&o.files.Key, "key", "", "its key")
	f.StringSliceVar(&o.keys, "public-key-files", nil, "files of public keys of who issues bearer tokens, each a JSON Web Key Set or PEM, separated by commas")
	f.StringVar(&o.set.URL, "jwks-endpoint", "", "https address where who issues bearer tokens publishes its JSON Web Key Set")
	f.StringSliceVar(&o.set.IDs, "jwks-key-ids", nil, "the only keys (kid) of that set that are taken, separated by commas (default: all)")
	f.DurationVar(&o.set.Refresh, "key-refresh-timeout", time.Minute, "how often the set is asked for, 1s to 1h")
	f.StringSliceVar(&o.audiences, "accepted-jwt-audiences", nil, "names of this service of which a token's aud has to hold one, separated by commas")
	f.StringVar(&o.issuedFor, "accepted-jwt-issuer", "", "the only issuer (iss) whose tokens are taken")
}

// proofs are what a server proves itself by and believes others by; both nil: loopback, where everybody may do everything.
type proofs struct {
	certs  *cert.Keeper
	tokens *token.Keeper
}

func (o *proofOptions) open(g cluster.Genesis, self cluster.Server, log *slog.Logger) (p proofs, err error) {
	if given := []string{o.files.CA, o.files.Cert, o.files.Key}; strings.Join(given, "") != "" {
		if o.files.CA == "" || o.files.Cert == "" || o.files.Key == "" {
			return p, usageError{fmt.Errorf("serve: --ca, --cert and --key belong together; onevoice cert issue makes all three")}
		}
		if p.certs, err = cert.Open(cert.Options{Files: o.files, Cluster: g.ID(), Server: self.Number, Log: log}); err != nil {
			return p, err
		}
	}
	if len(o.keys) == 0 && o.set.URL == "" {
		if len(o.audiences) > 0 || o.issuedFor != "" || len(o.set.IDs) > 0 {
			return p, usageError{fmt.Errorf("serve: --accepted-jwt-audiences, --accepted-jwt-issuer and --jwks-key-ids need --public-key-files or --jwks-endpoint")}
		}
		return p, nil
	}
	p.tokens, err = token.Open(token.Options{Files: o.keys, KeySet: o.set, Audiences: o.audiences, Issuer: o.issuedFor, Log: log})
	return p, err
}

// run looks at the files until ctx ends, and at once on SIGHUP.
func (p proofs) run(ctx context.Context) {
	var group sync.WaitGroup
	defer group.Wait()
	watch := func(run func(context.Context, <-chan os.Signal)) {
		hup := make(chan os.Signal, 1)
		signal.Notify(hup, syscall.SIGHUP)
		group.Go(func() {
			defer signal.Stop(hup)
			run(ctx, hup)
		})
	}
	if p.certs != nil {
		watch(p.certs.Run)
	}
	if p.tokens != nil {
		for _, run := range p.tokens.Runs() {
			watch(run)
		}
	}
}

// complete gives the web what it needs to know who asks.
func (p proofs) complete(o *web.Options) {
	if p.certs != nil {
		o.TLS = p.certs.Accepting("h2", "http/1.1")
		o.Certificate = p.certs.Subject
	}
	if p.tokens != nil {
		o.Token = p.tokens.Subject
	}
}

// dialing is the TLS by which this server asks others; nil without certificates.
func (p proofs) dialing() *tls.Config {
	if p.certs == nil {
		return nil
	}
	return p.certs.Dialing()
}

// addCounters adds what the keepers count.
func (p proofs) addCounters(to map[string]uint64) {
	if p.certs != nil {
		s := p.certs.Stats()
		to["certificates_taken_total"], to["certificates_refused_total"] = s.Taken, s.Refused
		to["certificate_left_seconds"] = uint64(s.Left / time.Second)
	}
	if p.tokens != nil {
		to["token_keys_taken_total"], to["token_keys_refused_total"] = p.tokens.Stats()
	}
}

// needs says which right a client's frame needs: the one table for frames, as the routes of web are for HTTP.
func needs() host.Needs {
	head := func(c airspace.Command) []byte { return airspace.Encode(c)[:2] } // format and kind
	put, cancel := head(airspace.PutFlight{}), head(airspace.CancelFlight{})
	return func(group uint32, kind wire.Kind, op []byte) subject.Rights {
		switch {
		case group == membersGroup && (lease.Ours(op) || len(op) == 0 && kind == wire.KindCommand):
			return lockNeeds(kind, op)
		case group != airspaceGroup:
			return subject.Members
		case kind != wire.KindCommand: // a query, a watch
			return subject.Read
		case len(op) == 0: // opens a session, which by itself does nothing
			return subject.All
		case airspace.OfControl(op):
			return controlNeeds(op)
		case bytes.HasPrefix(op, put) || bytes.HasPrefix(op, cancel):
			return subject.Write
		}
		return subject.Settings
	}
}

// controlNeeds is what a command about positions and control needs: more where it is by force.
func controlNeeds(op []byte) subject.Rights {
	if cmd, err := airspace.Decode(op); err == nil && airspace.ByForce(cmd) {
		return subject.Supervise
	}
	return subject.Control
}

// lockNeeds is what frames about locks need. A session by itself does nothing.
func lockNeeds(kind wire.Kind, op []byte) subject.Rights {
	revoke := lease.Encode(lease.Revoke{})[:2]
	switch {
	case len(op) == 0:
		return subject.All
	case kind == wire.KindQuery:
		return subject.Read
	case kind == wire.KindCommand && !bytes.HasPrefix(op, revoke):
		return subject.Write
	}
	return subject.Members
}

// askProof is what the command line shows to servers, from flags or the environment.
type askProof struct {
	files     cert.Files
	tokenFile string
}

func (a *askProof) flags(cmd *cobra.Command) {
	f := cmd.Flags()
	f.StringVar(&a.files.CA, "ca", "", "certificates of the authorities that are believed; asks over https (environment: ONEVOICE_CA)")
	f.StringVar(&a.files.Cert, "cert", "", "certificate to show (environment: ONEVOICE_CERT)")
	f.StringVar(&a.files.Key, "key", "", "its key (environment: ONEVOICE_KEY)")
	f.StringVar(&a.tokenFile, "token-file", "", "file that holds a bearer token to show (environment: ONEVOICE_TOKEN_FILE)")
}

// client makes what asks over HTTP; nil where nothing is to be shown or believed.
func (a *askProof) client() (*http.Client, error) {
	for _, v := range []struct {
		to   *string
		name string
	}{{&a.files.CA, "ONEVOICE_CA"}, {&a.files.Cert, "ONEVOICE_CERT"}, {&a.files.Key, "ONEVOICE_KEY"}, {&a.tokenFile, "ONEVOICE_TOKEN_FILE"}} {
		*v.to = cmp.Or(*v.to, os.Getenv(v.name))
	}
	if a.files.CA == "" && (a.files.Cert != "" || a.files.Key != "") {
		return nil, usageError{errors.New("--cert and --key need --ca, or they would be shown to anybody")}
	}
	if a.files.CA == "" && a.tokenFile == "" {
		return nil, nil
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	if a.files.CA != "" {
		config, err := cert.ClientTLS(a.files)
		if err != nil {
			return nil, err
		}
		transport.TLSClientConfig = config
	}
	if a.tokenFile == "" {
		return &http.Client{Transport: transport}, nil
	}
	content, err := fresh.Read(a.tokenFile)
	if err != nil {
		return nil, fmt.Errorf("token: %w", err)
	}
	raw := strings.TrimSpace(string(content))
	if len(raw) > token.MaxBytes || strings.ContainsFunc(raw, func(c rune) bool { return c <= ' ' || c > '~' }) || raw == "" {
		return nil, &problem.Error{Kind: problem.Invalid, Op: "read token", Field: a.tokenFile, Value: fmt.Sprintf("%d bytes that are no token", len(raw)),
			Allowed: "one token"}
	}
	return &http.Client{Transport: bearer{transport, "Bearer " + raw}}, nil
}

// bearer shows a token with each request.
type bearer struct {
	http.RoundTripper
	header string
}

// RoundTrip implements http.RoundTripper.
func (b bearer) RoundTrip(r *http.Request) (*http.Response, error) {
	r = r.Clone(r.Context())
	r.Header.Set("Authorization", b.header)
	return b.RoundTripper.RoundTrip(r)
}
