package main

import (
	"cmp"
	"context"
	"crypto/x509"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"os"
	"strings"
	"text/tabwriter"
	"time"

	"github.com/spf13/cobra"

	"onevoice/cert"
	"onevoice/internal/fresh"
)

// fetchTime bounds how long a server may take to show its certificate.
const fetchTime = 5 * time.Second

func certShowCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use:   "show FILE|HOST:PORT",
		Short: "Print certificates: of a file, or those that a server shows",
		Args:  cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			all, err := certificatesAt(cmd.Context(), args[0])
			if err != nil {
				return err
			}
			now := time.Now()
			var list []cert.Description
			for _, c := range all {
				list = append(list, cert.Describe(c, now))
			}
			if output == "json" {
				return json.NewEncoder(cmd.OutOrStdout()).Encode(list)
			}
			return writeDescriptions(cmd.OutOrStdout(), cmd.ErrOrStderr(), list)
		},
	}
	outputFlag(cmd, &output)
	return cmd
}

// certificatesAt reads a file, or asks a server.
func certificatesAt(ctx context.Context, where string) ([]*x509.Certificate, error) {
	if info, err := os.Stat(where); err == nil && !info.IsDir() {
		return readCertificates(where)
	}
	if _, port, err := net.SplitHostPort(where); err != nil || port == "" {
		return nil, usageError{fmt.Errorf("cert show: %q is neither a file nor host:port", where)}
	}
	ctx, cancel := context.WithTimeout(ctx, fetchTime)
	defer cancel()
	return cert.Fetch(ctx, where)
}

func readCertificates(name string) ([]*x509.Certificate, error) {
	content, err := fresh.Read(name)
	if err != nil {
		return nil, err
	}
	return cert.ParseCertificates(name, content)
}

// writeDescriptions prints certificates one under the other, and to notes what is wrong with them.
func writeDescriptions(out, notes io.Writer, list []cert.Description) error {
	t := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	for i, d := range list {
		if i > 0 {
			fmt.Fprintln(t)
		}
		line := func(name, value string) { fmt.Fprintf(t, "%s\t%s\n", name, cmp.Or(value, "-")) }
		line("name", d.Name)
		kind := d.Kind
		if d.Server != 0 {
			kind += fmt.Sprintf(" number %d", d.Server)
		}
		line("kind", kind)
		line("cluster", d.Cluster)
		line("organisation", d.Organisation)
		line("rights", d.Rights)
		line("hosts", strings.Join(d.Hosts, ", "))
		line("valid", d.NotBefore+" to "+d.NotAfter)
		line("days left", fmt.Sprint(d.DaysLeft))
		line("issued by", d.IssuedBy)
		line("serial", d.Serial)
		line("sha256", d.SHA256)
	}
	if err := t.Flush(); err != nil {
		return err
	}
	for _, d := range list {
		for _, w := range d.Warnings {
			fmt.Fprintf(notes, "warning: %s: %s\n", d.Name, w)
		}
	}
	return nil
}
