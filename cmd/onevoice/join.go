package main

import (
	"cmp"
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	mrand "math/rand/v2"
	"net"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"onevoice/internal/cluster"
	"onevoice/members"
	"onevoice/replica"
	"onevoice/store"
	"onevoice/web/api"
	"onevoice/web/ask"
)

// The files of a server's directory beside its store. The cluster file comes last: without it nothing counts as made.
const (
	joiningFile = "joining" // the new disk's identity, from the first attempt to join
	joinedFile  = "joined.json"
)

// joining are the flags of join.
type joining struct {
	asking
	dir, invitation, name, http, peer string
}

func joinCommand() *cobra.Command {
	var o joining
	cmd := &cobra.Command{
		Use:   "join --dir DIR --invitation TOKEN --http HOST:PORT --peer HOST:PORT",
		Short: "Make this machine a server of a running cluster, by an invitation",
		Long: `Make this machine a server of a running cluster. The invitation comes from "onevoice members add" or "onevoice members replace";
"-" reads it from standard input, where no other user of this machine sees it. Interrupted, run it again: it goes on with the same disk.

The new server learns first: it has no vote until "onevoice members promote", unless its invitation was to replace a voter.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return runJoin(cmd, &o) },
	}
	askFlags(cmd, &o.asking)
	cmd.Flags().StringVar(&o.dir, "dir", "", "the new server's directory")
	cmd.Flags().StringVar(&o.invitation, "invitation", "", "the invitation, - for standard input")
	cmd.Flags().StringVar(&o.name, "name", "", "the server's name (default: the one in the invitation)")
	cmd.Flags().StringVar(&o.http, "http", "", "where it will answer HTTP")
	cmd.Flags().StringVar(&o.peer, "peer", "", "where it will listen for servers and clients")
	for _, flag := range []string{"dir", "invitation", "http", "peer"} {
		if err := cmd.MarkFlagRequired(flag); err != nil {
			panic(err) // the flag is defined above
		}
	}
	return cmd
}

func runJoin(cmd *cobra.Command, o *joining) error {
	text := o.invitation
	if text == "-" {
		b, err := io.ReadAll(io.LimitReader(cmd.InOrStdin(), 64<<10))
		if err != nil {
			return fmt.Errorf("join: %w", err)
		}
		text = string(b)
	}
	token, err := cluster.ParseToken(text)
	if err != nil {
		return usageError{fmt.Errorf("join: %w", err)}
	}
	if _, err := os.Stat(filepath.Join(o.dir, "cluster.json")); err == nil {
		return usageError{fmt.Errorf("join: %s holds a server already: start it with onevoice serve --dir %s, or name another directory", o.dir, o.dir)}
	}
	id, err := joiningStore(o.dir)
	if err != nil {
		return err
	}
	if !cmd.Flags().Changed("endpoints") {
		o.endpoints = strings.Join(token.Endpoints, ",")
	}
	self := cluster.Server{Name: cmp.Or(o.name, token.Name), HTTP: o.http, Peer: o.peer}
	if self.Name == "" {
		return usageError{errors.New("join: --name is missing, and the invitation names nobody")}
	}
	answer, err := o.ask(cmd.Context(), token, self, id)
	if err != nil {
		return err
	}
	self.Number = answer.Number
	self.Oracle = slices.ContainsFunc(answer.Servers, func(v api.Member) bool { return v.Number == answer.Number && v.Oracle })
	if err := settleIn(o.dir, answer, token.Cluster, self, id); err != nil {
		return err
	}
	fmt.Fprintf(cmd.OutOrStdout(), "%s is server %d of cluster %s\n%s", self.Name, self.Number, token.Cluster, o.next(self))
	return nil
}

// next says what to do after the join. A cluster that was asked over TLS lets a server in by its certificate only.
func (o *joining) next(self cluster.Server) string {
	if o.proof.files.CA == "" {
		return fmt.Sprintf("next: onevoice %s --dir %s\n", runs(self.Oracle), o.dir)
	}
	var hosts []string
	for _, address := range []string{self.HTTP, self.Peer} {
		if host, _, err := net.SplitHostPort(address); err == nil && !slices.Contains(hosts, host) {
			hosts = append(hosts, host)
		}
	}
	return fmt.Sprintf(`next, where the authority is: onevoice cert issue --dir CADIR --kind server --name %[1]s --number %[2]d --hosts %[3]s --out DIR
then here, with what that made: onevoice %[5]s --dir %[4]s --ca ca.crt --cert %[1]s.crt --key %[1]s.key
`, self.Name, self.Number, strings.Join(hosts, ","), o.dir, runs(self.Oracle))
}

// joiningStore is the identity of the new disk: made at the first attempt, and kept for the next, which is then the same server's.
func joiningStore(dir string) ([16]byte, error) {
	var id [16]byte
	path := filepath.Join(dir, joiningFile)
	if b, err := os.ReadFile(path); err == nil {
		if n, err := hex.Decode(id[:], []byte(strings.TrimSpace(string(b)))); err == nil && n == len(id) {
			return id, nil
		}
		return id, fmt.Errorf("join: %s is damaged: remove the directory and ask for a new invitation", path)
	}
	if _, err := rand.Read(id[:]); err != nil {
		return id, fmt.Errorf("join: %w", err)
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return id, fmt.Errorf("join: %w", err)
	}
	if err := os.WriteFile(path, []byte(hex.EncodeToString(id[:])+"\n"), 0o600); err != nil {
		return id, fmt.Errorf("join: %w", err)
	}
	return id, keepFiles(path)
}

// ask uses the invitation.
func (o *joining) ask(ctx context.Context, t cluster.Token, self cluster.Server, id [16]byte) (api.Joined, error) {
	var answer api.Joined
	body, err := json.Marshal(api.Join{
		Invitation: t.Invitation, Secret: t.Secret, Store: hex.EncodeToString(id[:]), Name: self.Name, HTTP: self.HTTP, Peer: self.Peer,
	})
	if err != nil {
		return answer, err
	}
	err = o.patiently(ctx, ask.Request{Method: "POST", Path: "/members/join", Body: body, Header: jsonHeader()}, &answer)
	return answer, err
}

// settleIn makes the directory of a server that has joined.
func settleIn(dir string, answer api.Joined, clusterID string, self cluster.Server, id [16]byte) error {
	genesis, err := cluster.Parse([]byte(answer.Cluster))
	if err != nil {
		return err
	}
	if genesis.Cluster != clusterID {
		return fmt.Errorf("join: the answer is of cluster %s, the invitation of cluster %s", genesis.Cluster, clusterID)
	}
	first, err := replica.Vacant(nodeConfig(genesis, self, mrand.New(mrand.NewPCG(0, 0))))
	if err != nil {
		return err
	}
	disk, err := diskOf(dir)
	if err != nil {
		return err
	}
	at := filepath.Join(dir, "store")
	if err := os.RemoveAll(at); err != nil { // half made by an attempt before
		return fmt.Errorf("join: %w", err)
	}
	if err := store.CreateFS(disk, at, store.Identity{Cluster: genesis.ID(), Server: self.Number, Store: id}, first); err != nil {
		return err
	}
	kept := joined{Server: self}
	for _, v := range answer.Servers {
		kept.Servers = append(kept.Servers, cluster.Server{Name: v.Name, Number: v.Number, HTTP: v.HTTP, Peer: v.Peer, Oracle: v.Oracle})
	}
	record, err := json.MarshalIndent(kept, "", "  ")
	if err != nil {
		return err
	}
	for name, content := range map[string][]byte{"name": []byte(self.Name + "\n"), joinedFile: append(record, '\n')} {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, content, 0o644); err != nil {
			return fmt.Errorf("join: %w", err)
		}
		if err := keepFiles(path); err != nil {
			return err
		}
	}
	known := filepath.Join(dir, "cluster.json")
	if err := cluster.Write(known, genesis); err != nil {
		return err
	}
	return keepFiles(known)
}

// joined is what a server that has joined keeps of that: itself, and the servers there were.
type joined struct {
	Server  cluster.Server   `json:"server"`
	Servers []cluster.Server `json:"servers"`
}

// readJoined reads the record of a directory; false where its server is one of the first.
func readJoined(dir string) (j joined, ok bool, err error) {
	b, err := os.ReadFile(filepath.Join(dir, joinedFile))
	if errors.Is(err, os.ErrNotExist) {
		return j, false, nil
	}
	if err == nil {
		err = json.Unmarshal(b, &j)
	}
	if err != nil {
		return j, false, fmt.Errorf("serve: %s: %w", joinedFile, err)
	}
	return j, true, nil
}

// selfIn is the server whose directory it is: one of the first, or one that has joined.
func selfIn(dir string, g cluster.Genesis, name string) (cluster.Server, error) {
	j, ok, err := readJoined(dir)
	if err != nil || ok {
		return j.Server, err
	}
	return g.Server(name)
}

// knownIn are the servers known before the membership is.
func knownIn(dir string, g cluster.Genesis) ([]cluster.Server, error) {
	j, ok, err := readJoined(dir)
	if err != nil || ok {
		return j.Servers, err
	}
	return g.Servers, nil
}

func isFirst(g cluster.Genesis, self cluster.Server) bool {
	return self.Number <= uint64(len(g.Servers))
}

// firstMembers is the membership that a server begins with: that of the cluster file, or nobody where it has joined.
func firstMembers(g cluster.Genesis, self cluster.Server) members.Genesis {
	if !isFirst(g, self) {
		return members.Genesis{}
	}
	return members.Genesis{Groups: []uint32{airspaceGroup, membersGroup}, Servers: memberList(g.Servers)}
}

// memberList is a list of servers as the membership knows them.
func memberList(servers []cluster.Server) []members.Server {
	var list []members.Server
	for _, s := range servers {
		list = append(list, members.Server{Number: s.Number, Name: s.Name, HTTP: s.HTTP, Peer: s.Peer, Oracle: s.Oracle})
	}
	return list
}

const defaultTTL = 24 * time.Hour
