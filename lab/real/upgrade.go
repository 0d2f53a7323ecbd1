package real

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"time"

	"onevoice/lab"
	"onevoice/web/api"
)

// nextTag makes the build that knows one machine version more; the words by which its behaviour is told from the old one's.
const (
	nextTag             = "nextversion"
	oldWord, nextWord   = "there is none", "there is none at this index"
	raised              = 2
	refusesNextVersions = "machine version 2, this build knows 1 to 1: start a build that knows version 2"
)

// upgrade rolls the next build out, goes back with one server, forward again, raises the version, and tries the old build once
// more, which must refuse. It has one course, however long the trial.
func upgrade(t *Trial) error {
	dir, err := os.MkdirTemp(t.Dir, "next-build-")
	if err != nil {
		return err
	}
	next, err := lab.Build(t.ctx, dir, nextTag)
	if err != nil {
		return err
	}
	t.end = time.Now().Add(time.Hour) // every step counts
	of := map[string]string{}
	t.BinaryOf = func(name string) string { return of[name] } // asked by Start alone, which this goroutine calls
	as := func(name, binary string) error {
		if _, err := t.Next(); err != nil {
			return err
		}
		of[name] = binary
		return errors.Join(t.restart(name), t.says(t.Names(), oldWord))
	}
	for _, name := range t.Names() {
		if err := as(name, next); err != nil {
			return err
		}
	}
	back := t.Pick(t.Names())
	if err := errors.Join(as(back, ""), t.tooEarly(next, back), as(back, next)); err != nil {
		return err
	}
	if err := t.finishUpgrade(next); err != nil {
		return err
	}
	for _, name := range t.Names() {
		if err := t.tooLate(name); err != nil {
			return err
		}
	}
	return t.says(t.Names(), nextWord)
}

// restart stops a server as SIGTERM does and starts the build that it has now.
func (t *Trial) restart(name string) error {
	t.Record.Note("SIGTERM %s, another build", name)
	if err := t.Terminate(name); err != nil {
		return err
	}
	if err := t.Start(name); err != nil {
		return err
	}
	return t.Up(name)
}

// says asks for the removal of a flight that is not there, by each server: the words tell the version in force.
func (t *Trial) says(names []string, word string) error {
	for _, name := range names {
		err := until(t.ctx, healPatience, func() error {
			status, body, err := t.send(name, http.MethodDelete, "/flights/NOBODY")
			if err == nil && status != http.StatusNotFound {
				err = fmt.Errorf("%s: DELETE of no flight: status %d: %s", name, status, body)
			}
			var p api.Problem
			if err == nil {
				err = json.Unmarshal(body, &p)
			}
			if err == nil && p.Detail != word {
				err = fmt.Errorf("%s says %q, want %q", name, p.Detail, word)
			}
			return err
		})
		if err != nil {
			return err
		}
	}
	return nil
}

func (t *Trial) send(name, method, path string) (status int, body []byte, err error) {
	ctx, cancel := context.WithTimeout(t.ctx, opPatience)
	defer cancel()
	request, err := http.NewRequestWithContext(ctx, method, "http://"+t.Server(name).HTTP+"/api/v1"+path, nil)
	if err != nil {
		return 0, nil, err
	}
	answer, err := t.HTTP.Do(request)
	if err != nil {
		return 0, nil, err
	}
	defer answer.Body.Close()
	var b bytes.Buffer
	_, err = b.ReadFrom(answer.Body)
	return answer.StatusCode, b.Bytes(), err
}

// command runs a command of the next build, asking all servers.
func (t *Trial) command(binary string, args ...string) (exit int, out string, err error) {
	var endpoints []string
	for _, s := range t.Servers() {
		endpoints = append(endpoints, s.HTTP)
	}
	ctx, cancel := context.WithTimeout(t.ctx, healPatience)
	defer cancel()
	cmd := exec.CommandContext(ctx, binary, append(args, "--timeout", healPatience.String(), "-e", strings.Join(endpoints, ","))...)
	b, err := cmd.CombinedOutput()
	var status *exec.ExitError
	if errors.As(err, &status) {
		err = nil
	}
	return cmd.ProcessState.ExitCode(), string(b), err
}

// tooEarly tries to raise while one server runs the old build: refused, with its name or number.
func (t *Trial) tooEarly(binary, old string) error {
	if err := t.Connected(t.ctx, healPatience); err != nil {
		return err
	}
	return until(t.ctx, healPatience, func() error {
		exit, out, err := t.command(binary, "upgrade", "finish")
		if err == nil && (exit != 5 || !strings.Contains(out, fmt.Sprintf("server %d ", t.Server(old).Number)) && !strings.Contains(out, old)) {
			err = fmt.Errorf("upgrade finish with %s on the old build: exit %d: %s", old, exit, out)
		}
		return err
	})
}

// finishUpgrade raises every group, and waits until every server has it.
func (t *Trial) finishUpgrade(binary string) error {
	if err := t.Connected(t.ctx, healPatience); err != nil {
		return err
	}
	t.Record.Note("the version is raised")
	exit, out, err := t.command(binary, "upgrade", "finish")
	if err == nil && (exit != 0 || !strings.Contains(out, fmt.Sprintf("version %d is in force, the highest", raised))) {
		err = fmt.Errorf("upgrade finish: exit %d: %s", exit, out)
	}
	return err
}

// tooLate starts the old build on a directory that has seen the raise: it must refuse, and change nothing.
func (t *Trial) tooLate(name string) error {
	if _, err := t.Next(); err != nil {
		return err
	}
	t.Record.Note("SIGTERM %s, the old build tries", name)
	if err := t.Terminate(name); err != nil {
		return err
	}
	ctx, cancel := context.WithTimeout(t.ctx, healPatience)
	defer cancel()
	out, err := exec.CommandContext(ctx, t.Binary, "serve", "--dir", filepath.Join(t.Dir, name)).CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() < 1 || !strings.Contains(string(out), refusesNextVersions) {
		return fmt.Errorf("the old build on the directory of %s: %w: %s", name, err, out)
	}
	begun := time.Now()
	if err := errors.Join(t.Start(name), t.Up(name)); err != nil {
		return err
	}
	t.Record.Note("%s is back after %v", name, time.Since(begun).Round(time.Millisecond))
	return nil
}
