package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"os/user"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"time"

	"onevoice/airspace"
)

// Postgres is one PostgreSQL 15 with PostGIS of its own, on a socket in a temporary directory and on no port, and the load program pgload over
// pgx, which is built from the nested module bench/peers.
type Postgres struct {
	// Root is where our source lies, Dir where files for the load program are kept.
	Root, Dir string

	home   string
	server *exec.Cmd
	as     *syscall.Credential
	load   string
}

// postgresBin is where Debian's packages postgresql-15 and postgresql-15-postgis-3 put the programs.
const (
	postgresBin = "/usr/lib/postgresql/15/bin"
	postgisFile = "/usr/share/postgresql/15/extension/postgis.control"
)

// PostgresMissing says what is not there; nil where nothing is missing.
func PostgresMissing() error {
	for _, file := range []string{filepath.Join(postgresBin, "initdb"), postgisFile} {
		if _, err := os.Stat(file); err != nil {
			return fmt.Errorf("no PostgreSQL 15 with PostGIS here (%w): apt-get install postgresql-15 postgresql-15-postgis-3", err)
		}
	}
	return nil
}

// Start makes a database, starts its server and waits until it answers.
func (p *Postgres) Start(ctx context.Context) error {
	p.load = filepath.Join(p.Dir, "pgload")
	build := exec.CommandContext(ctx, "go", "build", "-o", p.load, "./pgload")
	build.Dir = filepath.Join(p.Root, "bench", "peers")
	if out, err := build.CombinedOutput(); err != nil {
		return fmt.Errorf("postgres: go build in %s: %w\n%s", build.Dir, err, out)
	}
	home, err := os.MkdirTemp("", "onevoice-postgres-")
	if err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	p.home = home
	if err := p.giveAway(); err != nil {
		return err
	}
	initdb := p.command(ctx, "initdb", "-D", filepath.Join(home, "data"), "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale=C")
	if out, err := initdb.CombinedOutput(); err != nil {
		return fmt.Errorf("postgres: initdb: %w\n%s", err, out)
	}
	p.server = p.command(context.WithoutCancel(ctx), "postgres", "-D", filepath.Join(home, "data"), "-k", home, "-c", "listen_addresses=",
		"-c", "shared_buffers=1GB", "-c", "max_wal_size=4GB", "-c", "jit=off", "-c", "log_min_messages=fatal")
	if err := p.server.Start(); err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	for range 300 {
		if err = p.command(ctx, "pg_isready", "-q", "-h", home).Run(); err == nil {
			return nil
		}
		time.Sleep(100 * time.Millisecond)
	}
	return fmt.Errorf("postgres: it did not answer within 30 s: %w", err)
}

// giveAway makes the directory that of user postgres where we are root, whom the server refuses to run as.
func (p *Postgres) giveAway() error {
	if os.Getuid() != 0 {
		return nil
	}
	u, err := user.Lookup("postgres")
	if err != nil {
		return fmt.Errorf("postgres: it does not run as root: %w", err)
	}
	uid, err1 := strconv.Atoi(u.Uid)
	gid, err2 := strconv.Atoi(u.Gid)
	if err := errors.Join(err1, err2); err != nil {
		return fmt.Errorf("postgres: %w", err)
	}
	p.as = &syscall.Credential{Uid: uint32(uid), Gid: uint32(gid)}
	return os.Chown(p.home, uid, gid)
}

func (p *Postgres) command(ctx context.Context, name string, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, filepath.Join(postgresBin, name), args...)
	cmd.Dir = p.home
	if p.as != nil {
		cmd.SysProcAttr = &syscall.SysProcAttr{Credential: p.as}
	}
	return cmd
}

// Stop ends the server and removes its data.
func (p *Postgres) Stop() {
	if p.server != nil && p.server.Process != nil {
		_ = p.server.Process.Signal(syscall.SIGQUIT) // its data is removed anyway
		_ = p.server.Wait()
	}
	if p.home != "" {
		_ = os.RemoveAll(p.home) // a leftover temporary directory harms nobody
	}
}

func (p *Postgres) run(ctx context.Context, mode, file string, answer any, args ...string) error {
	cmd := exec.CommandContext(ctx, p.load, append([]string{"-dsn", "host=" + p.home + " user=postgres dbname=postgres", "-mode", mode, "-file", file}, args...)...)
	var out, notes bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &notes
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("pgload: %w: %s", err, notes.String())
	}
	return json.Unmarshal(out.Bytes(), answer)
}

// Fill inserts flights of one volume into a new table, 5,000 a statement while the index is live, and gives the rows inserted per second.
func (p *Postgres) Fill(ctx context.Context, flights func(yield func(*airspace.Flight) bool)) (float64, error) {
	file := filepath.Join(p.Dir, "entities.tsv")
	var b bytes.Buffer
	for f := range flights {
		v := &f.Volumes[0]
		ring := v.Area.Rings[0]
		fmt.Fprintf(&b, "%s\tPOLYGON((", f.ID)
		for _, at := range append(slices.Clone(ring), ring[0]) {
			fmt.Fprintf(&b, "%s %s,", degrees(at.LonE7), degrees(at.LatE7))
		}
		b.Truncate(b.Len() - 1)
		fmt.Fprintf(&b, "))\t%d\t%d\t%d\t%d\n", v.Area.Band.Floor.Cm, v.Area.Band.Ceiling.Cm, v.FromNs, v.ToNs)
	}
	if err := os.WriteFile(file, b.Bytes(), 0o600); err != nil {
		return 0, fmt.Errorf("postgres: %w", err)
	}
	var l loaded
	err := p.run(ctx, "fill", file, &l)
	return l.PerSecond, err
}

// Questions writes questions about boxes where the load program reads them.
func (p *Postgres) Questions(name string, list []airspace.VolumeQuery) (file string, err error) {
	var b strings.Builder
	for _, q := range list {
		box := q.Volume.BBox()
		fmt.Fprintf(&b, "%s\t%s\t%s\t%s\t%d\t%d\t%d\t%d\n", degrees(int32(box.MinLon)), degrees(int32(box.MinLat)), degrees(int32(box.MaxLon)), degrees(int32(box.MaxLat)),
			q.Volume.Band.Floor.Cm, q.Volume.Band.Ceiling.Cm, q.FromNs, q.ToNs)
	}
	file = filepath.Join(p.Dir, name)
	return file, os.WriteFile(file, []byte(b.String()), 0o600)
}

// Ask measures questions in a closed loop.
func (p *Postgres) Ask(ctx context.Context, kind, file string, clients int, t Times) (Figures, float64, error) {
	var l loadedRows
	if err := p.run(ctx, "ask", file, &l, "-clients", strconv.Itoa(clients), "-warm", t.Warm.String(), "-measure", t.Measure.String()); err != nil {
		return Figures{}, 0, err
	}
	ms := func(v float64) time.Duration { return time.Duration(v * float64(time.Millisecond)) }
	return Figures{Name: kind, Clients: clients, Took: ms(l.TookMs), OK: l.Ops, P50: ms(l.P50Ms), P99: ms(l.P99Ms), Max: ms(l.MaxMs)}, l.Rows, nil
}

type loadedRows struct {
	loaded
	Rows float64
}

// Same is what tells whether two systems found the same: how many, and a sum of their names in order.
type Same struct {
	Rows int
	Sum  string
}

// Check answers each question once.
func (p *Postgres) Check(ctx context.Context, file string) (answers []Same, err error) {
	err = p.run(ctx, "check", file, &answers)
	return answers, err
}

// degrees spells 1e-7 degrees exactly.
func degrees(e7 int32) string {
	sign, v := "", int64(e7)
	if v < 0 {
		sign, v = "-", -v
	}
	return fmt.Sprintf("%s%d.%07d", sign, v/1e7, v%1e7)
}
