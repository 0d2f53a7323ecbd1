package main

import (
	"encoding/hex"
	"encoding/json"
	"fmt"
	"io"
	"slices"
	"time"

	"github.com/spf13/cobra"

	"onevoice/airspace"
	"onevoice/backup"
	"onevoice/backup/file"
	"onevoice/consensus"
	"onevoice/machine"
	"onevoice/web/api"
)

func backupCommand() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "backup",
		Short: "Save the agreed state to a file, prove that the file is whole, begin a new cluster with it",
		Long: `Save the agreed state to a file, prove that the file is whole, begin a new cluster with it.

A backup holds the state of each group as of one index, the sessions and idempotency keys with it, and says which index, hash and
cluster that is. It holds neither the members of the cluster nor any key or certificate.`,
	}
	cmd.AddCommand(backupSaveCommand(), backupVerifyCommand(), backupRestoreCommand(), backupDisksCommand())
	return cmd
}

// savedMachine is a machine whose groups are saved and restored.
type savedMachine struct {
	group   uint32
	name    string
	version uint32
	empty   func() machine.Machine
	count   func(machine.Root, *groupInfo)
}

// savedMachines are the groups in a backup, by number. What is not here begins empty in a restored cluster: who its members are
// is said anew each time.
func savedMachines() []savedMachine {
	return []savedMachine{{
		group: airspaceGroup, name: "airspace", version: airspace.Format,
		empty: func() machine.Machine { return airspace.New() },
		count: func(r machine.Root, to *groupInfo) {
			s := r.(*airspace.State)
			to.Sectors, to.Flights, to.ServiceTime = s.SectorCount(), s.FlightCount(), api.Time(s.ServiceNs())
		},
	}}
}

func findMachine(name string) (savedMachine, bool) {
	all := savedMachines()
	i := slices.IndexFunc(all, func(m savedMachine) bool { return m.name == name })
	if i < 0 {
		return savedMachine{}, false
	}
	return all[i], true
}

// backupInfo is what is known of a backup that was read to its end.
type backupInfo struct {
	File    string      `json:"file"`
	Bytes   uint64      `json:"bytes,string"`
	SHA256  string      `json:"sha256"`
	Cluster string      `json:"cluster"`
	Server  uint64      `json:"server,string"`
	Origin  string      `json:"origin"`
	Taken   api.Time    `json:"taken"`
	Program string      `json:"program"`
	Groups  []groupInfo `json:"groups"`

	images []*consensus.Image // of Groups
}

type groupInfo struct {
	Group       uint32   `json:"group"`
	Machine     string   `json:"machine"`
	Version     uint32   `json:"version"`
	Index       uint64   `json:"index,string"`
	View        uint64   `json:"view,string"`
	Hash        string   `json:"hash"`
	LogTime     api.Time `json:"log_time"`
	ServiceTime api.Time `json:"service_time,omitempty"`
	// Agreed and Last are of the disk that it was taken from; both Index for a live server.
	Agreed   uint64 `json:"agreed,string"`
	Last     uint64 `json:"last,string"`
	State    string `json:"state_sha256"`
	Chunks   uint64 `json:"chunks,string"`
	Bytes    uint64 `json:"bytes,string"`
	Sectors  int    `json:"sectors"`
	Flights  int    `json:"flights"`
	Sessions int    `json:"sessions"`
	Keys     int    `json:"idempotency_keys"`
}

// backupReader loads a backup into machines while it is read.
type backupReader struct {
	info  backupInfo
	group backup.Group
	kind  savedMachine
	image *consensus.ImageReader
}

// readBackup reads a whole file, loads every machine from it, makes each state again and compares.
func readBackup(path string) (*backupInfo, error) {
	var r backupReader
	whole, err := file.Read(path, backup.Visit{Group: r.begin, Chunk: func(c []byte) error { return r.wrap(r.image.Add(c)) }, GroupEnd: r.end})
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	h, i := whole.Head, &r.info
	i.File, i.Bytes, i.SHA256 = path, whole.Bytes, hex.EncodeToString(whole.SHA256[:])
	i.Cluster, i.Server, i.Origin = hex.EncodeToString(h.Cluster[:]), h.Server, h.Origin.String()
	i.Taken, i.Program = api.Time(h.TimeNs), h.Program
	return i, nil
}

func (r *backupReader) wrap(err error) error {
	if err != nil {
		err = fmt.Errorf("group %d: %w", r.group.Number, err)
	}
	return err
}

func (r *backupReader) begin(g backup.Group) error {
	r.group = g
	m, ok := findMachine(g.Machine)
	if !ok || m.group != g.Number {
		return r.wrap(fmt.Errorf("machine %q, which this build does not know in that group", g.Machine))
	}
	r.kind, r.image = m, consensus.NewImageReader(g.Number, m.empty, versions())
	return nil
}

func (r *backupReader) end(sum backup.Sum) error {
	image, err := r.image.Finish()
	if err != nil {
		return r.wrap(err)
	}
	p := image.Published()
	if g := r.group; p.Index != g.Index || p.Hash != g.Hash || p.Epoch != g.Epoch || p.LogTimeNs != g.LogTimeNs {
		return r.wrap(fmt.Errorf("it says index %d with hash %x, the state is at index %d with hash %x", g.Index, g.Hash[:8], p.Index, p.Hash[:8]))
	}
	info := infoOf(r.group, sum, image)
	r.kind.count(p.Root, &info)
	r.info.Groups, r.info.images = append(r.info.Groups, info), append(r.info.images, image)
	return nil
}

func infoOf(g backup.Group, sum backup.Sum, image *consensus.Image) groupInfo {
	return groupInfo{
		Group: g.Number, Machine: g.Machine, Version: g.Version, Index: g.Index, View: uint64(g.Epoch.View), Hash: hex.EncodeToString(g.Hash[:]),
		LogTime: api.Time(g.LogTimeNs), Agreed: g.Agreed, Last: g.Last, State: hex.EncodeToString(sum.SHA256[:]),
		Chunks: sum.Chunks, Bytes: sum.Bytes, Sessions: image.Sessions(), Keys: image.Keys(),
	}
}

// print says what a backup is, and what it may lack.
func (i *backupInfo) print(out io.Writer, output string, now time.Time) error {
	if output == "json" {
		return json.NewEncoder(out).Encode(i)
	}
	fmt.Fprintf(out, "%s: whole, %d bytes, sha256 %.16s\n", i.File, i.Bytes, i.SHA256)
	fmt.Fprintf(out, "cluster %s, server %d, taken %s (%s ago), %s, by onevoice %s\n", i.Cluster, i.Server, clock(i.Taken),
		now.Sub(time.Unix(0, int64(i.Taken))).Round(time.Second), i.Origin, i.Program)
	err := columns(out, "GROUP\tMACHINE\tINDEX\tVIEW\tLOG TIME\tHASH\tBYTES\tSECTORS\tFLIGHTS\tSESSIONS\tKEYS", func(w io.Writer) {
		for _, g := range i.Groups {
			fmt.Fprintf(w, "%d\t%s\t%d\t%d\t%s\t%.12s\t%d\t%d\t%d\t%d\t%d\n", g.Group, g.Machine, g.Index, g.View, clock(g.LogTime),
				g.Hash, g.Bytes, g.Sectors, g.Flights, g.Sessions, g.Keys)
		}
	})
	for _, g := range i.Groups {
		fmt.Fprint(out, g.lacks(i.Origin))
	}
	return err
}

// lacks says what may be lost of a group that was saved from one disk.
func (g *groupInfo) lacks(origin string) string {
	switch {
	case origin == backup.Disk.String() && g.Last > g.Index:
		return fmt.Sprintf("group %d: entries %d to %d are on that disk too and were left out: nobody knows there whether they were agreed; "+
			"--with-tail takes them\n", g.Group, g.Index+1, g.Last)
	case origin == backup.DiskWithTail.String() && g.Last > g.Agreed:
		return fmt.Sprintf("group %d: entries %d to %d were not known there to be agreed: perhaps nobody was told that they took effect\n", g.Group, g.Agreed+1, g.Last)
	}
	return ""
}

func backupVerifyCommand() *cobra.Command {
	var output string
	cmd := &cobra.Command{
		Use: "verify FILE", Short: "Prove that a backup is whole, and say what it holds", Args: cobra.ExactArgs(1),
		Long: `Prove that a backup is whole, and say what it holds: checks every checksum, loads the machines from it, makes their state again and
compares. Needs no server. Exit code 0 where the backup can be restored, 1 where it cannot.`,
		RunE: func(cmd *cobra.Command, args []string) error {
			info, err := readBackup(args[0])
			if err != nil {
				return err
			}
			return info.print(cmd.OutOrStdout(), output, time.Now())
		},
	}
	outputFlag(cmd, &output)
	return cmd
}
