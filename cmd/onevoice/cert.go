package main

import (
	"fmt"
	"io"
	"net"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"onevoice/cert"
	"onevoice/internal/cluster"
	"onevoice/subject"
)

// leafValid is how long a certificate is valid unless said otherwise: what cannot be taken back should end by itself.
const leafValid = 90 * 24 * time.Hour

func certCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "cert",
		Short: "Certificates of a cluster: make an authority, issue, renew, show",
		Long: `Certificates of a cluster. "init" makes an authority in a directory that stays off the servers; "issue" makes a certificate
with its key for a server, an operator or a client; "renew" exchanges one that ends soon; "show" prints one, or what a server
shows. Running servers take exchanged files by themselves within seconds. OPERATIONS.md says more.`,
	}
	cmd.AddCommand(certInitCommand(), certIssueCommand(), certRenewCommand(), certShowCommand())
	return cmd
}

// daysValue is a flag that is a length of time, in days or as Go writes it.
type daysValue time.Duration

// String implements pflag.Value.
func (d *daysValue) String() string {
	if day := daysValue(24 * time.Hour); *d%day == 0 {
		return strconv.FormatInt(int64(*d/day), 10) + "d"
	}
	return time.Duration(*d).String()
}

// Set implements pflag.Value.
func (d *daysValue) Set(text string) error {
	if number, ok := strings.CutSuffix(text, "d"); ok {
		n, err := strconv.Atoi(number)
		if err != nil || n < 1 || n > 36_500 {
			return fmt.Errorf("it is %q, allowed: 1d to 36500d, or hours as 12h", text)
		}
		*d = daysValue(n) * daysValue(24*time.Hour)
		return nil
	}
	v, err := time.ParseDuration(text)
	if err != nil || v <= 0 {
		return fmt.Errorf("it is %q, allowed: days as 90d, or hours as 12h", text)
	}
	*d = daysValue(v)
	return nil
}

// Type implements pflag.Value.
func (d *daysValue) Type() string { return "days" }

func validFlag(cmd *cobra.Command, d *daysValue, usual time.Duration) {
	*d = daysValue(usual)
	cmd.Flags().Var(d, "valid", "how long it is valid")
}

func required(cmd *cobra.Command, names ...string) {
	for _, name := range names {
		if err := cmd.MarkFlagRequired(name); err != nil {
			panic(err) // the flag is defined above
		}
	}
}

func certInitCommand() *cobra.Command {
	var dir, file string
	var valid daysValue
	cmd := &cobra.Command{
		Use:   "init --dir CADIR --cluster-file FILE",
		Short: "Make the authority that issues a cluster's certificates",
		Long: `Make the authority that issues a cluster's certificates: its key and certificate, in a directory of their own. Whoever
holds ca.key can speak for every server: keep the directory off the servers, and a copy of it in a safe place.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return certInit(cmd.OutOrStdout(), dir, file, valid) },
	}
	cmd.Flags().StringVar(&dir, "dir", "", "the authority's directory, which is made")
	cmd.Flags().StringVar(&file, "cluster-file", "", "the file that onevoice init made")
	validFlag(cmd, &valid, cert.AuthorityValid)
	required(cmd, "dir", "cluster-file")
	return cmd
}

func certInit(out io.Writer, dir, file string, valid daysValue) error {
	genesis, err := cluster.Read(file)
	if err != nil {
		return err
	}
	a, err := cert.CreateAuthority(dir, genesis.ID(), time.Now(), time.Duration(valid))
	if err != nil {
		return err
	}
	if err := cluster.Write(filepath.Join(dir, cert.ClusterFile), genesis); err != nil {
		return err
	}
	fmt.Fprintf(out, "authority of cluster %s in %s, valid until %s\n", genesis.Cluster, dir, stamp(a.Certificate.NotAfter))
	for _, s := range genesis.Servers {
		fmt.Fprintf(out, "next: onevoice cert issue --dir %s --kind server --name %s --out DIR\n", dir, s.Name)
	}
	fmt.Fprintf(out, "then, for people and programs: onevoice cert issue --dir %s --kind operator --name NAME --org ORG --out DIR\n", dir)
	return nil
}

// stamp prints an instant to the second, UTC.
func stamp(t time.Time) string { return t.UTC().Format("2006-01-02T15:04:05Z") }

// issueOptions are the flags of cert issue.
type issueOptions struct {
	dir, name, kind, org, rights, hosts, out string
	number                                   uint64
	valid                                    daysValue
}

func certIssueCommand() *cobra.Command {
	var o issueOptions
	cmd := &cobra.Command{
		Use:   "issue --dir CADIR --kind server|operator|client --name NAME --out DIR",
		Short: "Issue a certificate with its key",
		Long: `Issue a certificate with its key: NAME.crt, NAME.key and the authority's ca.crt in a directory.

A server is one of the cluster's file, whose addresses it is reached by; --hosts names others, and --number the number of one
that is not in the file. An operator may do everything unless --rights says less; a client may read and write flights.
Rights: read, write, settings, members, backup, debug, export, control, supervise, or all.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return certIssue(cmd.OutOrStdout(), o) },
	}
	f := cmd.Flags()
	f.StringVar(&o.dir, "dir", "", "the authority's directory")
	f.StringVar(&o.kind, "kind", "", "server, operator or client")
	f.StringVar(&o.name, "name", "", "whose it is")
	f.StringVar(&o.org, "org", "", "the organisation")
	f.StringVar(&o.rights, "rights", "", "what its holder may do, separated by commas")
	f.StringVar(&o.hosts, "hosts", "", "names and addresses of a server, separated by commas (default: those of the cluster's file)")
	f.Uint64Var(&o.number, "number", 0, "the number of a server that is not in the cluster's file")
	f.StringVar(&o.out, "out", "", "where the files go")
	validFlag(cmd, &o.valid, leafValid)
	required(cmd, "dir", "kind", "name", "out")
	return cmd
}

func certIssue(out io.Writer, o issueOptions) error {
	a, err := cert.OpenAuthority(o.dir)
	if err != nil {
		return err
	}
	r := cert.Request{Kind: subject.Kind(o.kind), Name: o.name, Organisation: o.org, Server: o.number, Valid: time.Duration(o.valid)}
	for host := range strings.SplitSeq(o.hosts, ",") {
		if host = strings.TrimSpace(host); host != "" {
			r.Hosts = append(r.Hosts, host)
		}
	}
	if o.rights != "" {
		if r.Rights, err = subject.ParseRights(o.rights); err != nil {
			return usageError{fmt.Errorf("--%w", err)}
		}
	}
	if r.Kind == subject.Server {
		if err := serverOf(&r, filepath.Join(o.dir, cert.ClusterFile)); err != nil {
			return err
		}
	}
	certificate, key, err := a.Issue(r, time.Now())
	if err != nil {
		return usageError{err}
	}
	files, err := cert.WriteIssued(o.out, o.name, certificate, key, a.PEM())
	if err != nil {
		return err
	}
	all, err := cert.ParseCertificates(files.Cert, certificate)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s %s, valid until %s: --ca %s --cert %s --key %s\n", o.kind, o.name, stamp(all[0].NotAfter), files.CA, files.Cert, files.Key)
	return nil
}

// serverOf completes a request by what the cluster's file says of the server.
func serverOf(r *cert.Request, file string) error {
	genesis, err := cluster.Read(file)
	if err != nil {
		return err
	}
	if r.Server != 0 && !slices.ContainsFunc(genesis.Servers, func(s cluster.Server) bool { return s.Name == r.Name }) {
		return nil // it joined later: the request says all of it
	}
	s, err := genesis.Server(r.Name)
	switch {
	case err != nil:
		return usageError{fmt.Errorf("%w; give --number and --hosts for a server that joined later", err)}
	case r.Server != 0 && r.Server != s.Number:
		return usageError{fmt.Errorf("--number is %d, allowed: %d, which the cluster's file gives %s", r.Server, s.Number, s.Name)}
	}
	r.Server = s.Number
	if len(r.Hosts) > 0 {
		return nil
	}
	for _, address := range []string{s.HTTP, s.Peer} {
		host, _, err := net.SplitHostPort(address)
		if err != nil {
			return fmt.Errorf("cluster file: %s: %w", s.Name, err)
		}
		if !slices.Contains(r.Hosts, host) {
			r.Hosts = append(r.Hosts, host)
		}
	}
	return nil
}

func certRenewCommand() *cobra.Command {
	var dir string
	var files cert.Files
	var valid daysValue
	cmd := &cobra.Command{
		Use:   "renew --dir CADIR --cert FILE",
		Short: "Exchange a certificate for a new one, with a new key",
		Long: `Exchange a certificate for a new one of the same holder, with a new key, in the place of the old files. An old one that has
expired, or that an earlier authority of the cluster issued, is renewed as well.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if files.Key == "" {
				files.Key = strings.TrimSuffix(files.Cert, ".crt") + ".key"
			}
			return certRenew(cmd.OutOrStdout(), dir, files, valid)
		},
	}
	cmd.Flags().StringVar(&dir, "dir", "", "the authority's directory")
	cmd.Flags().StringVar(&files.Cert, "cert", "", "the old certificate")
	cmd.Flags().StringVar(&files.Key, "key", "", "its key (default: the file beside it that ends in .key)")
	validFlag(cmd, &valid, leafValid)
	required(cmd, "dir", "cert")
	return cmd
}

func certRenew(out io.Writer, dir string, files cert.Files, valid daysValue) error {
	a, err := cert.OpenAuthority(dir)
	if err != nil {
		return err
	}
	old, err := readCertificates(files.Cert)
	if err != nil {
		return err
	}
	if _, err := cert.ReadKey(files.Key); err != nil {
		return err
	}
	certificate, key, err := a.Renew(old[0], time.Duration(valid), time.Now())
	if err != nil {
		return err
	}
	if err := cert.WriteRenewed(files, certificate, key); err != nil {
		return err
	}
	all, err := cert.ParseCertificates(files.Cert, certificate)
	if err != nil {
		return err
	}
	fmt.Fprintf(out, "%s, valid until %s: %s %s\n", all[0].Subject.CommonName, stamp(all[0].NotAfter), files.Cert, files.Key)
	return nil
}
