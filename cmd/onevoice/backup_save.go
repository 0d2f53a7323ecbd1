package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"iter"
	"net/http"
	"time"

	"github.com/spf13/cobra"

	"onevoice/backup"
	"onevoice/backup/file"
	"onevoice/consensus"
	"onevoice/problem"
	"onevoice/web/api"
	"onevoice/web/ask"
)

// taken is the state of one group at one moment.
type taken struct {
	backup.Group
	chunks iter.Seq[[]byte]
}

func takenOf(m savedMachine, p consensus.Published, chunks iter.Seq[[]byte]) taken {
	return taken{backup.Group{
		Number: p.Group, Machine: m.name, Version: m.version, Index: p.Index, Epoch: p.Epoch, Hash: p.Hash, LogTimeNs: p.LogTimeNs,
		Agreed: p.Index, Last: p.Index,
	}, chunks}
}

// writeBackup writes groups by number, chunk by chunk. after is called after each chunk, with how long it took to make.
func writeBackup(out io.Writer, h backup.Head, groups []taken, after func(time.Duration)) error {
	h.Program, h.TimeNs, h.Groups = build(), time.Now().UnixNano(), uint32(len(groups))
	w, err := backup.NewWriter(out, h)
	if err != nil {
		return err
	}
	for _, g := range groups {
		if err := w.Group(g.Group); err != nil {
			return err
		}
		begun := time.Now()
		for chunk := range g.chunks {
			after(time.Since(begun))
			if err := w.Chunk(chunk); err != nil {
				return err
			}
			begun = time.Now()
		}
		if _, err := w.EndGroup(); err != nil {
			return err
		}
	}
	return w.End()
}

// backup takes the states of this moment, each after a read barrier; what it gives writes them.
func (g *gateway) backup(ctx context.Context) (func(io.Writer) error, error) {
	var groups []taken
	for _, m := range savedMachines() {
		at, chunks, err := g.host.State(ctx, m.group)
		if err != nil {
			return nil, err
		}
		groups = append(groups, takenOf(m, at, chunks))
	}
	h := backup.Head{Cluster: g.genesis.ID(), Server: g.self.Number, Origin: backup.Live}
	return func(out io.Writer) error { return writeBackup(out, h, groups, rest) }, nil
}

// maxRest bounds the pause after one chunk.
const maxRest = 100 * time.Millisecond

// rest leaves the processor to others for seven times as long as it was used: reads and writes go on beside a backup, which takes
// an eighth of one processor.
func rest(used time.Duration) { time.Sleep(min(7*used, maxRest)) }

// saveOptions are the flags of backup save.
type saveOptions struct {
	asking
	fromDir  string
	withTail bool
}

func backupSaveCommand() *cobra.Command {
	var o saveOptions
	cmd := &cobra.Command{
		Use:   "save FILE",
		Short: "Save the agreed state to a file",
		Long: `Save the agreed state to a file: everything that was acknowledged before the command began is in it. Reads and writes go on. The
file is there only once it is whole and durable.

With --from-dir it reads the directory of a stopped server, where the majority is lost: up to the last index that this server
knew to be agreed or, with --with-tail, to its last entry. "onevoice backup disks" says which disk holds the most.`,
		Args: cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			if o.withTail && o.fromDir == "" {
				return usageError{errors.New("--with-tail needs --from-dir: a running cluster knows what is agreed")}
			}
			if err := runSave(cmd, &o, args[0]); err != nil {
				return err
			}
			info, err := readBackup(args[0])
			if err != nil {
				return err
			}
			return info.print(cmd.OutOrStdout(), o.output, time.Now())
		},
	}
	askFlags(cmd, &o.asking)
	cmd.Flags().StringVar(&o.fromDir, "from-dir", "", "read the directory of a stopped server instead of asking a running one")
	cmd.Flags().BoolVar(&o.withTail, "with-tail", false, "with --from-dir: take the entries too of which that server did not know whether they were agreed")
	return cmd
}

func runSave(cmd *cobra.Command, o *saveOptions, path string) error {
	if err := file.Vacant(path); err != nil {
		return err
	}
	if o.fromDir != "" {
		_, err := file.Save(path, func(out io.Writer) error { return salvage(out, o.fromDir, o.withTail) })
		return err
	}
	client := o.client()
	var tried []error
	for _, endpoint := range client.Endpoints {
		_, err := file.Save(path, func(out io.Writer) error {
			return download(cmd.Context(), client, endpoint, "/backup", &counted{out: out, notes: cmd.ErrOrStderr(), told: time.Now()})
		})
		var p *problem.Error
		switch {
		case err == nil:
			return nil
		case cmd.Context().Err() != nil, errors.As(err, &p) && p.Kind != problem.NoVoice && p.Kind != problem.Overloaded:
			return err
		}
		tried = append(tried, err)
	}
	return &problem.Error{Kind: problem.NoVoice, Op: "save a backup", Detail: "no server gave a whole one: " + errors.Join(tried...).Error()}
}

// downloadSilence bounds the time until a server begins to send, and that between two pieces.
const downloadSilence = 15 * time.Second

// download copies a stream of one server to its end.
func download(ctx context.Context, client *ask.Client, endpoint, path string, out io.Writer) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, endpoint+"/api/v1"+path, nil)
	if err != nil {
		return fmt.Errorf("%s: %w", endpoint, err)
	}
	dead := time.AfterFunc(downloadSilence, cancel)
	defer dead.Stop()
	doer := client.HTTP
	if doer == nil {
		doer = http.DefaultClient
	}
	answer, err := doer.Do(request)
	if err != nil {
		return fmt.Errorf("%s: %w", endpoint, err)
	}
	defer answer.Body.Close()
	if answer.StatusCode != http.StatusOK {
		var p api.Problem
		if err := json.NewDecoder(io.LimitReader(answer.Body, 1<<20)).Decode(&p); err != nil {
			return fmt.Errorf("%s answered %s", endpoint, answer.Status)
		}
		return p.Err()
	}
	piece := make([]byte, 256<<10)
	for {
		n, err := answer.Body.Read(piece)
		dead.Reset(downloadSilence)
		if _, werr := out.Write(piece[:n]); werr != nil {
			return werr
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("%s: the stream broke off: %w", endpoint, err)
		}
	}
}

// counted tells now and then how far a save is.
type counted struct {
	out   io.Writer
	notes io.Writer
	bytes int
	told  time.Time
}

// Write implements io.Writer.
func (c *counted) Write(b []byte) (int, error) {
	c.bytes += len(b)
	if time.Since(c.told) >= time.Second {
		c.told = time.Now()
		fmt.Fprintf(c.notes, "%d KiB saved\n", c.bytes>>10)
	}
	return c.out.Write(b)
}
