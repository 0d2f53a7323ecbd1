package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"net/http"
	"os"
	"time"

	"github.com/spf13/cobra"

	"onevoice/internal/fresh"
	"onevoice/token/dev"
)

// devTokenOptions are the flags of dev-token.
type devTokenOptions struct {
	key, listen string
	claims      dev.Claims
	life        time.Duration
}

func devTokenCommand() *cobra.Command {
	var o devTokenOptions
	cmd := &cobra.Command{
		Use:   "dev-token",
		Short: "Make bearer tokens for development, or run an issuer of them",
		Long: `Makes a bearer token for development, or with --listen an issuer of them.

The key is made at the first use, in the file given with --key; beside it, in a file with .pub at the end of its name, stands what a
server takes with --public-key-files. The issuer answers GET and POST /token (grant_type=client_credentials, audience, scope, sub)
and publishes its key at /.well-known/jwks.json for --jwks-endpoint. It listens on loopback addresses only.

` + "It is " + dev.Warning + ".",
		Example: `  onevoice dev-token --key dev.pem --audience sky.local --sub uss1 --scope "utm.strategic_coordination"
  onevoice dev-token --key dev.pem --listen 127.0.0.1:8085`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return o.run(cmd) },
	}
	f := cmd.Flags()
	f.StringVar(&o.key, "key", "", "file of the key that signs; made where there is none")
	f.StringVar(&o.listen, "listen", "", "loopback address of an issuer, such as 127.0.0.1:8085")
	f.StringVar(&o.claims.Audience, "audience", "", "the service that the token is for (aud)")
	f.StringVar(&o.claims.Scope, "scope", "", "its scope, words separated by spaces")
	f.StringVar(&o.claims.Subject, "sub", "", "whose it is")
	f.StringVar(&o.claims.Organisation, "org", "", "the organisation")
	f.StringVar(&o.claims.Issuer, "issuer", "onevoice dev-token", "its issuer (iss)")
	f.DurationVar(&o.life, "valid", dev.DefaultLife, "how long it is good, up to 24h")
	return cmd
}

func (o *devTokenOptions) run(cmd *cobra.Command) error {
	if o.key == "" {
		return usageError{errors.New("dev-token: --key is missing, allowed: a file, which is made where there is none")}
	}
	issuer, err := o.open()
	if err != nil {
		return err
	}
	fmt.Fprintln(cmd.ErrOrStderr(), "warning: "+dev.Warning)
	if o.listen != "" {
		return o.serve(cmd, issuer)
	}
	raw, err := issuer.Sign(o.claims, o.life)
	if err != nil {
		return usageError{fmt.Errorf("dev-token: %w", err)}
	}
	_, err = fmt.Fprintln(cmd.OutOrStdout(), raw)
	return err
}

// open reads the key, or makes it.
func (o *devTokenOptions) open() (*dev.Issuer, error) {
	content, err := fresh.Read(o.key)
	if err == nil {
		issuer, err := dev.Parse(content, time.Now)
		if err != nil {
			return nil, fmt.Errorf("dev-token: %s: %w", o.key, err)
		}
		return issuer, nil
	}
	if !errors.Is(err, fs.ErrNotExist) {
		return nil, err
	}
	issuer, err := dev.New(rand.Reader, time.Now)
	if err != nil {
		return nil, err
	}
	private, err := issuer.PrivatePEM()
	if err != nil {
		return nil, err
	}
	public, err := issuer.PublicPEM()
	if err != nil {
		return nil, err
	}
	if err := os.WriteFile(o.key, private, 0o600); err != nil {
		return nil, err
	}
	return issuer, os.WriteFile(o.key+".pub", public, 0o644)
}

func (o *devTokenOptions) serve(cmd *cobra.Command, issuer *dev.Issuer) error {
	l, err := dev.Listen(o.listen)
	if err != nil {
		return usageError{fmt.Errorf("dev-token: %w", err)}
	}
	fmt.Fprintf(cmd.OutOrStdout(), "tokens for everybody at http://%s/token, keys at http://%s/.well-known/jwks.json\n", l.Addr(), l.Addr())
	s := &http.Server{Handler: issuer.Handler(), ReadTimeout: 10 * time.Second, WriteTimeout: 10 * time.Second, MaxHeaderBytes: 16 << 10}
	stop := context.AfterFunc(cmd.Context(), func() { _ = s.Close() })
	defer stop()
	if err := s.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}
